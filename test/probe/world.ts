/** Destinations on loopback that behave well and badly, and what is needed to try them. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { type CertifiedKey, makeAuthority, makeServerCertificate } from '../../src/certificates/certificate.ts';
import type { Destination } from '../../src/egress/destination.ts';
import type { ProxyServer } from '../../src/http/proxy.ts';
import { tlsOptions } from '../../src/http/tls.ts';
import type { Probing } from '../../src/probe/attempt.ts';
import type { Names } from '../../src/probe/names.ts';
import { StepFailure } from '../../src/probe/trail.ts';

const closers: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Ends something with the test. */
export function closing(close: () => Promise<unknown> | unknown): void {
  closers.push(close);
}

/** The authority of this site, and one of somebody else. */
export const [ownAuthority, otherAuthority] = [makeAuthority(), makeAuthority()];

/** Of a server, by default of the site's authority. */
export function certified(names: readonly string[], authority = ownAuthority): CertifiedKey {
  return makeServerCertificate(authority, { names });
}

/** Ran out years ago; its authority did not. */
export function expired(names: readonly string[]): CertifiedKey {
  return makeServerCertificate(ownAuthority, { names, now: new Date(Date.now() - 900 * 24 * 3_600_000) });
}

function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
}

/** For registry.site, vouched for by itself. */
export const selfSigned: CertifiedKey = { certificate: fixture('self-signed'), key: fixture('self-signed-key') };

async function listening(server: Server, address = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
  });
  server.listen(0, address);
  await once(server, 'listening');
  closing(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return (server.address() as AddressInfo).port;
}

/** Speaks TLS and HTTP. Gives the port. */
export function serveHttps(listener: RequestListener, { certificate, key }: CertifiedKey, more: object = {}) {
  return listening(createHttpsServer({ cert: certificate, key, ...more }, listener).on('tlsClientError', () => {}));
}

export function serveHttp(listener: RequestListener, address?: string) {
  return listening(createHttpServer(listener), address);
}

/** Does what it likes with a connection. */
export function serveRaw(onSocket: (socket: Socket) => void, address?: string) {
  return listening(createServer(onSocket), address);
}

/** Answers a datagram with what `answer` gives, or not. */
export async function serveUdp(
  answer: (question: Buffer) => Uint8Array | undefined,
  address = '127.0.0.1',
): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const reply = answer(bytes);
    if (reply !== undefined) socket.send(reply, from.port, from.address);
  });
  socket.bind(0, address);
  await once(socket, 'listening');
  closing(() => socket.close());
  return socket.address().port;
}

/** A port nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Answers as a registry does: `/v2/` with a status. */
export function registry(status: number, headers: Readonly<Record<string, string>> = {}): RequestListener {
  return (request, response) => {
    response.writeHead(request.url === '/v2/' ? status : 404, headers).end();
  };
}

/** A destination of the site, by default at a name that leads to 127.0.0.1. */
export function destination(port: number, more: Partial<Destination> = {}): Destination {
  return {
    role: 'staging',
    host: 'registry.site',
    port,
    protocol: 'tcp',
    speaks: 'https',
    isRegistry: true,
    required: true,
    purposes: ['registry'],
    component: 'site',
    evidence: [{ kind: 'configured', by: 'test' }],
    ...more,
  };
}

export interface ProbingOptions {
  /** By name; default: every name is 127.0.0.1. */
  readonly names?: Readonly<Record<string, readonly string[]>> | Names;
  readonly ca?: string | undefined;
  readonly proxy?: ProxyServer;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly insecureSkipVerify?: boolean;
  readonly client?: CertifiedKey;
}

export function probing(options: ProbingOptions = {}): Probing {
  const { names = {}, proxy, timeoutMs = 400, insecureSkipVerify } = options;
  const ca = 'ca' in options ? options.ca : ownAuthority.certificate;
  const byTable: Names = async (name) => {
    if (typeof names === 'function') throw new Error('not a table');
    const addresses = names[name] ?? (Object.keys(names).length === 0 ? ['127.0.0.1'] : []);
    if (addresses.length === 0) throw new StepFailure('blocked', `no such name: ${name}`);
    return { addresses, by: 'a table' };
  };
  return {
    names: typeof names === 'function' ? names : byTable,
    tls: tlsOptions({
      ca,
      insecureSkipVerify,
      clientCertificate: options.client?.certificate,
      clientKey: options.client?.key,
    }),
    publicTls: tlsOptions({ ca, insecureSkipVerify }),
    proxyFor: ({ through }) => (through === undefined ? undefined : proxy),
    question: 'registry.site',
    limits: { timeoutMs, signal: options.signal ?? new AbortController().signal },
  };
}
