/** Real servers on loopback for the tests of this folder. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import type { HttpClient, HttpClientSettings, HttpRequest } from '../../src/http/client.ts';
import { openHttpClient } from '../../src/http/open.ts';

export function pem(name: string): string {
  return readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
}

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

export interface TestServer {
  readonly url: URL;
  readonly host: string;
  /** `METHOD path` in the order of arrival. */
  readonly seen: string[];
  readonly headers: IncomingMessage['headers'][];
  connections: number;
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** An HTTP server; `count` is 1 for the first request. Bodies are read before the handler runs unless `early`. */
export async function serve(
  handler: Handler,
  options: { readonly tls?: object | undefined; readonly early?: boolean } = {},
): Promise<TestServer> {
  const seen: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    seen.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    const count = seen.length;
    if (options.early === true) return handler(request, response, count);
    request.resume().on('end', () => handler(request, response, count));
  };
  const server: Server =
    options.tls === undefined
      ? createServer(listener)
      : createTlsServer({ cert: pem('server'), key: pem('server-key'), ...options.tls }, listener);
  return listen(server, { seen, headers, scheme: options.tls === undefined ? 'http' : 'https' });
}

/** A server that speaks for itself on the bare socket. */
export async function serveRaw(onSocket: (socket: Socket, count: number) => void): Promise<TestServer> {
  let count = 0;
  const server = createNetServer((socket) => {
    count += 1;
    socket.on('error', () => {});
    onSocket(socket, count);
  });
  return listen(server as unknown as Server, { seen: [], headers: [], scheme: 'http' });
}

async function listen(
  server: Server,
  facts: { readonly seen: string[]; readonly headers: IncomingMessage['headers'][]; readonly scheme: string },
): Promise<TestServer> {
  const sockets = new Set<Socket>();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  const made: TestServer = {
    url: new URL(`${facts.scheme}://127.0.0.1:${port}`),
    host: `127.0.0.1:${port}`,
    seen: facts.seen,
    headers: facts.headers,
    connections: 0,
    close,
  };
  server.on('connection', (socket: Socket) => {
    made.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  closers.push(close);
  return made;
}

/** A client with short waits, and what it reported. */
export function openClient(settings: Partial<HttpClientSettings> = {}): {
  readonly client: HttpClient;
  readonly events: AirgapEvent[];
} {
  const events: AirgapEvent[] = [];
  const client = openHttpClient({
    end: 'source',
    concurrency: 4,
    backoffMs: 2,
    events: (event) => events.push(event),
    ...settings,
  });
  closers.push(() => client.close());
  return { client, events };
}

export function get(base: URL, path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { method: 'GET', url: new URL(path, base), action: `fetch "${path}"`, ...more };
}

/** Sends and reads the body as text. */
export async function read(client: HttpClient, request: HttpRequest): Promise<string> {
  const response = await client.send(request);
  return response.body.text(64 * 1024 * 1024);
}

/** The AirgapError a promise rejects with; anything else fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<AirgapError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AirgapError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}
