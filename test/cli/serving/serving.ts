/** `airgap serve` while it runs: started in this process, asked over a socket, ended as by Ctrl-C. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { serveStore } from '../../../src/serve/open.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import type { Ran, WorkFolder } from '../airgap.ts';

export const pause = 'registry.k8s.io/pause:3.10';
export const flannel = 'ghcr.io/siderolabs/flannel:1';
export const pausePath = '/v2/pause/manifests/3.10?ns=registry.k8s.io';

/** A layout with both images in `airgap-mirror`. */
export async function seedLayout(folder: WorkFolder): Promise<void> {
  const store = await openLayout(folder.file('airgap-mirror'), { create: true });
  for (const image of [pause, flannel]) await seedImage(store, image);
  await store.close();
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly user?: string;
  /** PEM to trust: asks over TLS. */
  readonly ca?: string;
  /** Name the certificate has to be for. Default: the address. */
  readonly servername?: string;
}

export interface Running {
  readonly port: number;
  ask(path: string, options?: AskOptions): Promise<Answered>;
  /** Interrupts it and gives what it printed. */
  end(): Promise<Ran>;
}

/** Runs `airgap serve ARGS --listen HOST:PORT` until it answers `/healthz`. Throws what it printed when it ends before. */
export async function serving(
  folder: WorkFolder,
  args: readonly string[],
  { host = '127.0.0.1', ...asking }: AskOptions & { readonly host?: string } = {},
): Promise<Running> {
  const port = await freePort();
  const controller = new AbortController();
  const listen = ['--listen', `${host}:${port}`];
  const running = folder.airgap(['serve', ...args, ...listen], { signal: controller.signal });
  const ask = (path: string, options: AskOptions = {}) => askAt(port, { path, ...asking, ...options });
  const ended = running.then((ran) => {
    throw new Error(`airgap serve ended with ${ran.status}: ${ran.stderr}${ran.stdout}`);
  });
  ended.catch(() => {});
  await Promise.race([answering(() => ask('/healthz', { ca: '' })), ended]);
  const end = async (): Promise<Ran> => {
    controller.abort();
    return running;
  };
  return { port, ask, end };
}

/** With an empty `ca` only a connection is wanted, by whichever protocol. */
function askAt(port: number, asked: AskOptions & { readonly path: string }): Promise<Answered> {
  const { path, method = 'GET', user, ca, servername } = asked;
  const headers = user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  const at = { host: '127.0.0.1', port, path, method, headers, agent: false };
  return new Promise((resolve, reject) => {
    const request =
      ca === undefined || ca === '' ? httpRequest(at) : httpsRequest({ ...at, ca, ...(servername && { servername }) });
    request.once('error', (error: NodeJS.ErrnoException) => {
      if (ca === '' && error.code !== 'ECONNREFUSED') resolve({ status: 0, headers: {}, text: '' });
      else reject(error);
    });
    request.once('response', async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    request.end();
  });
}

export async function freePort(): Promise<number> {
  const server = await serveStore(openMemory());
  await server.close();
  return server.port;
}

async function answering(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const isUp = await work().then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error('nothing answers');
}
