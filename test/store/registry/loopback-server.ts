/** Real HTTP servers on loopback whose answers a test writes itself, and a registry store that talks to them. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { AirgapError } from '../../../src/errors.ts';
import type { HttpClientSettings } from '../../../src/http/client.ts';
import { openHttpClient } from '../../../src/http/open.ts';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { openRegistry, type RegistryOptions } from '../../../src/store/registry/open.ts';
import type { Target, WritableRepository } from '../../../src/store/store.ts';

/** One request as it arrived, with its whole body. */
export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Cut the connection after this many bytes of the body, or at once for 0. */
  readonly cutAfter?: number;
}

export interface LoopbackServer {
  readonly host: string;
  readonly root: URL;
  readonly requests: Received[];
  /** `METHOD path` of every request, in order. */
  log(): string[];
}

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

export function closeAfterTest(close: () => Promise<unknown>): void {
  closers.push(close);
}

/** `early` may answer before the body is read; the connection is closed then. */
export async function startServer(
  answer: (request: Received) => Reply | Promise<Reply>,
  options: { readonly early?: (request: Omit<Received, 'body'>) => Reply | undefined } = {},
): Promise<LoopbackServer> {
  const requests: Received[] = [];
  const server = createServer(async (message, response) => {
    const url = new URL(message.url ?? '/', 'http://localhost');
    const head = {
      method: message.method ?? '',
      url: message.url ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: message.headers,
    };
    const early = options.early?.(head);
    if (early !== undefined) {
      requests.push({ ...head, body: Buffer.alloc(0) });
      response.setHeader('connection', 'close');
      write(response, early);
      return;
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const received = { ...head, body: Buffer.concat(chunks) };
    requests.push(received);
    write(response, await answer(received));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAfterTest(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = () => requests.map((request) => `${request.method} ${request.path}`);
  return { host, root: new URL(`http://${host}`), requests, log };
}

function write(response: ServerResponse, reply: Reply): void {
  if (reply.cutAfter === 0) {
    response.destroy();
    return;
  }
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : (reply.body ?? Buffer.alloc(0));
  const headers = { 'content-length': String(body.length), ...reply.headers };
  for (const [name, value] of Object.entries(headers)) if (value !== '') response.setHeader(name, value);
  response.writeHead(reply.status);
  if (reply.cutAfter === undefined) {
    response.end(body);
    return;
  }
  // Not destroy(): a reset may overtake what was written.
  response.write(body.subarray(0, reply.cutAfter), () => response.socket?.end());
}

export function refuse(status: number, code: string, message = 'refused'): Reply {
  return {
    status,
    body: JSON.stringify({ errors: [{ code, message }] }),
    headers: { 'content-type': 'application/json' },
  };
}

/** A target (or source) over one server, closed after the test. */
export function openStore(
  server: { readonly root: URL },
  options: Partial<RegistryOptions> & { readonly http?: Partial<HttpClientSettings> } = {},
): Target {
  const { http, ...registry } = options;
  const end = registry.end ?? 'target';
  const client = openHttpClient({ end, concurrency: 6, retries: 1, backoffMs: 1, ...http });
  const store = openRegistry({ client, end, baseUrlFor: () => server.root, ...registry });
  closeAfterTest(() => store.close());
  return store;
}

export function openRepository(
  server: { readonly root: URL; readonly host: string },
  options: Parameters<typeof openStore>[1] = {},
): WritableRepository {
  return openStore(server, options).repository({ registry: server.host, repository: 'team/app' });
}

export function blobOf(bytes: Uint8Array): Descriptor {
  return { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length };
}

/** Bytes that repeat late enough to notice a part in the wrong place. */
export function patternBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index += 1) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[index] = state >> 16;
  }
  return bytes;
}

/** A small image manifest as it would be pushed. */
export function manifestOf(annotation = 'one'): { readonly bytes: Buffer; readonly descriptor: Descriptor } {
  const empty = blobOf(Buffer.from('{}'));
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { ...empty, mediaType: mediaTypes.ociConfig },
      layers: [],
      annotations: { annotation },
    }),
  );
  return { bytes, descriptor: { mediaType: mediaTypes.ociManifest, digest: digestOf(bytes), size: bytes.length } };
}

export async function collect(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The AirgapError a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<AirgapError> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as AirgapError;
  }
  throw new Error('nothing was thrown');
}

export type { Digest };
