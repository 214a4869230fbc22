/** Registries on loopback and a node that asks them: configurations in YAML, images in memory. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import { openNodeConnections } from '../../../src/cli/as-node/transport.ts';
import type { AirgapEvent } from '../../../src/events.ts';
import { readNodeConfig } from '../../../src/node/read-config.ts';
import { parsePlatform } from '../../../src/oci/platform.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { type RunningServer, type ServedRequest, serveStore } from '../../../src/serve/open.ts';
import type { ServeOptions } from '../../../src/serve/options.ts';
import type { Target } from '../../../src/store/store.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { verifyAsNode } from '../../../src/verify/as-node/as-node.ts';
import { imagesOfPlaces, type NodeImage } from '../../../src/verify/as-node/expected.ts';
import { siteNamesOf } from '../../../src/verify/as-node/site.ts';
import type { ImageVerdict } from '../../../src/verify/as-node/verdict.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

export interface Served extends Omit<RunningServer, 'host'> {
  /** With its port. */
  readonly host: string;
  readonly asked: ServedRequest[];
}

/** A read-only registry until the test is over. */
export async function served(store: Target, options: ServeOptions = {}): Promise<Served> {
  const asked: ServedRequest[] = [];
  const server = await serveStore(store, { ...options, onRequest: (request) => void asked.push(request) });
  closing.push(() => server.close());
  return { ...server, host: new URL(server.url).host, asked };
}

export interface NodeOptions {
  readonly version?: string;
  readonly platforms?: readonly string[];
  readonly deep?: boolean;
  readonly siteHosts?: readonly string[];
  readonly known?: Partial<NodeImage>;
  readonly events?: AirgapEvent[];
}

/** What a node with this configuration makes of one image. */
export async function asNode(yaml: string, image: string, options: NodeOptions = {}): Promise<ImageVerdict> {
  const version = parseTalosVersion(options.version ?? 'v1.14.4');
  const config = readNodeConfig([{ name: 'node.yaml', text: yaml }], { version });
  const connections = openNodeConnections({
    trustedRoots: config.trustedRoots,
    siteNames: siteNamesOf(config, options.siteHosts ?? []),
    proxy: {},
    concurrency: 4,
    retries: 0,
    idleTimeoutMs: 5000,
    signal: new AbortController().signal,
    events: (event) => void options.events?.push(event),
  });
  const reference = parseReference(image);
  const images = imagesOfPlaces([{ source: reference, target: reference }]).map((one) => ({
    ...one,
    ...options.known,
  }));
  try {
    const { images: verdicts } = await verifyAsNode(images, {
      config,
      version,
      transport: connections,
      repairTarget: 'registry.site',
      platforms: (options.platforms ?? []).map(parsePlatform),
      deep: options.deep ?? false,
      siteHosts: options.siteHosts ?? [],
    });
    const [verdict] = verdicts;
    if (verdict === undefined) throw new Error('no verdict');
    return verdict;
  } finally {
    await connections.close();
  }
}

export interface Said {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** In front of a registry: what `says` gives is answered, everything else is passed on. Gives its URL. */
export async function inFrontOf(
  url: string,
  says: (method: string, path: string) => Said | undefined,
): Promise<string> {
  const server = createServer(async (request, response) => {
    const { method = 'GET', url: path = '/' } = request;
    const said = says(method, path);
    if (said !== undefined) {
      response.writeHead(said.status, said.headers).end(method === 'HEAD' ? undefined : said.body);
      return;
    }
    const answer = await fetch(new URL(path, url), { method, headers: { accept: request.headers.accept ?? '*/*' } });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
