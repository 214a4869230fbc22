/**
 * A registry over any store with scripted faults in front of it, on real sockets. The registry behind is `serveStore()`;
 * the front meets each request first, logs it, asks for credentials where told to, and does what the first matching fault says.
 *
 *     const upstream = await startUpstream({ store, faults: [fault({ path: /blobs/, times: 1 }, actions.cutAfter(1000))] });
 *     ... upstream.url ... upstream.log.blobFetches() ...
 *     await upstream.close();
 */
import { randomUUID } from 'node:crypto';
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ServeOptions, serveStore } from '../../src/serve/open.ts';
import type { Source } from '../../src/store/store.ts';
import { AccessLog, type LoggedRequest } from './accessLog.ts';
import { type Fault, FaultList } from './faults.ts';
import { Guard, type GuardRules } from './guard.ts';
import { relay } from './relay.ts';

export { AccessLog } from './accessLog.ts';
export { actions, type Fault, fault, quirks } from './faults.ts';

export interface UpstreamOptions extends GuardRules {
  readonly store: Source;
  readonly faults?: readonly Fault[];
  /** For the registry behind: `writable`, `sparse`, `registry`. */
  readonly serve?: ServeOptions;
  /** GETs of blobs are redirected to another origin, which refuses Authorization and URLs older than `expiresMs` (default 60 000). */
  readonly redirectBlobs?: boolean | { readonly expiresMs: number };
}

export interface Upstream {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** `127.0.0.1:PORT`, as it stands in references. */
  readonly host: string;
  readonly port: number;
  /** The origin blobs are redirected to, as `host:port`. */
  readonly blobHost: string | undefined;
  readonly log: AccessLog;
  readonly faults: FaultList;
  readonly guard: Guard;
  /** Cuts every connection and takes no new ones, as a killed server does. Content and upload sessions stay. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  start(): Promise<void>;
  /** Cuts what is under way and ends everything. The store stays open. */
  close(): Promise<void>;
}

export async function startUpstream(options: UpstreamOptions): Promise<Upstream> {
  const behind = await serveStore(options.store, { graceMs: 50, ...options.serve });
  const front = new Front(options, behind.port);
  const registry = await front.listen('registry');
  const blobHost =
    options.redirectBlobs === undefined || options.redirectBlobs === false ? undefined : await front.listen('blobHost');
  front.blobPort = blobHost === undefined ? undefined : portOf(blobHost);
  const port = portOf(registry);
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    blobHost: front.blobPort === undefined ? undefined : `127.0.0.1:${front.blobPort}`,
    log: front.log,
    faults: front.faults,
    guard: front.guard,
    stop: () => shut(registry),
    start: () => new Promise<void>((resolve) => registry.listen(port, '127.0.0.1', resolve)),
    async close() {
      if (registry.listening) await shut(registry);
      if (blobHost !== undefined) await shut(blobHost);
      front.agent.destroy();
      await behind.close();
    },
  };
}

class Front {
  readonly log = new AccessLog();
  readonly faults = new FaultList();
  readonly guard: Guard;
  readonly agent = new Agent({ keepAlive: true });
  blobPort: number | undefined;
  readonly #expiresMs: number;
  readonly #behind: number;
  /** Signatures of redirected URLs, with when they end. */
  readonly #signed = new Map<string, number>();

  constructor(options: UpstreamOptions, behind: number) {
    this.#behind = behind;
    this.#expiresMs = typeof options.redirectBlobs === 'object' ? options.redirectBlobs.expiresMs : 60_000;
    this.guard = new Guard(options);
    this.faults.add(...(options.faults ?? []));
  }

  async listen(at: 'registry' | 'blobHost'): Promise<Server> {
    const server = createServer((request, response) => void this.#meet(request, { response, at }));
    server.requestTimeout = 0;
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  async #meet(request: IncomingMessage, met: { response: ServerResponse; at: 'registry' | 'blobHost' }): Promise<void> {
    const { response, at } = met;
    request.on('error', () => {});
    response.on('error', () => {});
    const asksToken = at === 'registry' && (request.url ?? '').startsWith('/token');
    const entry = this.log.begin(request, asksToken ? 'tokens' : at);
    response.once('close', () => this.log.end());
    const action = this.faults.meet(request, at);
    const answersItself =
      action !== undefined && ['status', 'resetAtOnce', 'malformedHead', 'silence'].includes(action.kind);
    const path = answersItself ? request.url : await this.#admit(request, { response, entry, asksToken });
    if (path === undefined) return;
    await relay({ request, response, entry, action, port: this.#behind, agent: this.agent, path });
  }

  /** The path to ask of the registry behind; undefined when the request was answered here. */
  async #admit(
    request: IncomingMessage,
    met: { response: ServerResponse; entry: LoggedRequest; asksToken: boolean },
  ): Promise<string | undefined> {
    const { response, entry } = met;
    if (met.asksToken) {
      entry.status = await this.guard.issue(request, response);
      return undefined;
    }
    if (entry.at === 'blobHost') return this.#admitSigned(request, { response, entry });
    if (!this.guard.admits(request, response)) {
      entry.status = 401;
      return undefined;
    }
    const isBlob = request.method === 'GET' && /\/blobs\/sha/.test(request.url ?? '');
    if (!isBlob || this.blobPort === undefined) return request.url ?? '/';
    const signature = randomUUID();
    this.#signed.set(signature, performance.now() + this.#expiresMs);
    const separator = request.url?.includes('?') === true ? '&' : '?';
    entry.status = 307;
    response
      .writeHead(307, { location: `http://127.0.0.1:${this.blobPort}${request.url}${separator}signature=${signature}` })
      .end();
    return undefined;
  }

  /** As an object store does: no foreign credentials, no old URLs. */
  #admitSigned(request: IncomingMessage, met: { response: ServerResponse; entry: LoggedRequest }): string | undefined {
    const signature = /[?&]signature=([0-9a-f-]+)/.exec(request.url ?? '')?.[1] ?? '';
    const isFresh = (this.#signed.get(signature) ?? 0) > performance.now();
    if (isFresh && request.headers.authorization === undefined)
      return (request.url ?? '/').replace(/[?&]signature=[^&]*/, '');
    met.entry.status = isFresh ? 400 : 403;
    met.response.writeHead(met.entry.status, { 'content-type': 'application/xml' }).end('<Error/>');
    return undefined;
  }
}

async function shut(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
