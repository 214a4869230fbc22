/** A registry over any store: the distribution API turned inside out (OCI distribution-spec v1.1). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AirgapError } from '../errors.ts';
import { parseRoute, type WireErrorCode } from '../oci/distribution.ts';
import type { Source, Target } from '../store/store.ts';
import { Exchange } from './exchange.ts';
import { Finder, quoted } from './finder.ts';
import { Names, parseWireName, type WireName } from './names.ts';
import { type Library, listCatalog, listReferrers, listTags, readBlob, readManifest } from './reading.ts';
import { type Answer, Refusal, refusalFor, refusals } from './refusal.ts';
import { UploadSessions } from './sessions.ts';
import { Turns } from './turns.ts';
import type { Workshop } from './writing.ts';
import { type NamedRoute, write } from './writing-routes.ts';

/** One line of the access log. */
export interface ServedRequest {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly path: string;
  /** 0 when the client was gone before an answer. */
  readonly status: number;
  /** Bytes of the answer's body that were given to the socket. */
  readonly bytes: number;
  readonly ms: number;
}

export interface ServeOptions {
  /** Where to listen. Default 127.0.0.1, a free port. */
  readonly listen?: { readonly host?: string | undefined; readonly port?: number | undefined };
  /** Takes pushes too; the store must be a Target. Default false. */
  readonly writable?: boolean;
  /** When writable: takes an index whose children are absent. Default false. */
  readonly sparse?: boolean;
  /** When writable: an upload nobody touches for this long is given up. Default 3 600 000. */
  readonly uploadExpiryMs?: number;
  /** The registry under which repositories are kept whose path names none. Default `localhost`. */
  readonly registry?: string;
  /** PEM of a certificate and its key: serve HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** A connection without a byte either way is cut after this. Default 120 000. */
  readonly idleTimeoutMs?: number;
  /** How long close() waits for answers under way before it cuts them. Default 5 000. */
  readonly graceMs?: number;
  readonly onRequest?: (request: ServedRequest) => void;
  /** Decides who may ask. Default: everybody may read, and write where it is writable. */
  readonly access?: AccessControl;
  /** Answers GET and HEAD of `/`. Default: 404. */
  readonly page?: (exchange: Exchange, library: Library) => Promise<void>;
}

/** Who may ask for what, by user name and password (RFC 7617). */
export interface AccessControl {
  /** False is answered 401 with a Basic challenge. `authorization` is the header as it came. */
  allows(asked: {
    readonly authorization: string | undefined;
    readonly isWrite: boolean;
    readonly path: string;
  }): Promise<boolean>;
}

export interface RunningServer {
  /** `http://HOST:PORT`, nothing after it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Takes no new connection, lets answers end within the grace time, then cuts. The store stays open. */
  close(): Promise<void>;
}

/** Serves a store until close(). Throws ERR_UNREACHABLE when the address cannot be listened on. */
export async function serveStore(store: Source | Target, options: ServeOptions = {}): Promise<RunningServer> {
  const names = new Names(store, options.registry ?? 'localhost');
  const sessions = new UploadSessions(options.uploadExpiryMs);
  const workshop: Workshop = {
    names,
    finder: new Finder(store, names),
    target: store as Target,
    sessions,
    turns: new Turns(),
    sparse: options.sparse ?? false,
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    void answerLogged(new Exchange(request, response), workshop, options);
  };
  const server = options.tls === undefined ? createServer(answer) : createTlsServer({ ...options.tls }, answer);
  server.requestTimeout = 0;
  server.keepAliveTimeout = 75_000;
  server.setTimeout(options.idleTimeoutMs ?? 120_000);
  await listen(server, { host: options.listen?.host ?? '127.0.0.1', port: options.listen?.port ?? 0 });
  const { address, family, port } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    host: `${host}:${port}`,
    port,
    async close() {
      await shut(server, options.graceMs ?? 5_000);
      await sessions.close();
    },
  };
}

async function answerLogged(exchange: Exchange, workshop: Workshop, options: ServeOptions): Promise<void> {
  const { onRequest } = options;
  if (onRequest !== undefined) {
    const startedAt = performance.now();
    exchange.response.once('close', () => {
      const status = exchange.response.headersSent ? exchange.response.statusCode : 0;
      const ms = performance.now() - startedAt;
      onRequest({ method: exchange.method, path: exchange.request.url ?? '/', status, bytes: exchange.sent, ms });
    });
  }
  exchange.request.on('error', () => {});
  exchange.response.on('error', () => {});
  exchange.response.setHeader('docker-distribution-api-version', 'registry/2.0');
  try {
    await dispatch(exchange, workshop, options);
  } catch (error) {
    refuse(exchange, refusalFor(error));
  }
  exchange.request.resume();
}

function refuse(exchange: Exchange, refusal: Refusal): void {
  if (exchange.response.headersSent) {
    exchange.response.destroy();
    return;
  }
  exchange.send(refusal.status, { 'content-type': 'application/json', ...refusal.headers }, refusal.body());
}

async function dispatch(exchange: Exchange, workshop: Workshop, options: ServeOptions): Promise<void> {
  if (exchange.path === '/healthz') return exchange.send(200, { 'content-type': 'text/plain' }, 'ok\n');
  const isRead = exchange.method === 'GET' || exchange.method === 'HEAD';
  await checkAccess(exchange, isRead, options.access);
  if (exchange.path === '/' && isRead && options.page !== undefined) return options.page(exchange, workshop);
  const route = parseRoute(exchange.path);
  if (route.kind === 'unknown') throw new Refusal(refusals.notFound, `no such endpoint: ${quoted(exchange.path)}`);
  if (route.kind === 'invalid') throw new Refusal(answerFor(route.code), route.message);
  if (route.kind === 'base' || route.kind === 'catalog') {
    if (!isRead) throw notAllowed(exchange);
    return route.kind === 'base' ? exchange.json(200, {}) : listCatalog(exchange, workshop);
  }
  const wire = parseWireName(route.repository, exchange.query.get('ns'));
  if (wire === undefined) {
    throw new Refusal(refusals.nameInvalid, `no repository can have the name ${quoted(route.repository)}`);
  }
  const handled = isRead ? read(exchange, workshop, { route, wire }) : undefined;
  const pending = handled ?? (options.writable === true ? write(exchange, workshop, { route, wire }) : undefined);
  if (pending === undefined) throw notAllowed(exchange);
  await pending;
}

/** Throws a refusal with a challenge for who may not ask. */
async function checkAccess(exchange: Exchange, isRead: boolean, access: AccessControl | undefined): Promise<void> {
  const asked = { authorization: exchange.header('authorization'), isWrite: !isRead, path: exchange.path };
  if (access === undefined || (await access.allows(asked))) return;
  throw new Refusal(refusals.unauthorized, 'a user name and a password are needed', {
    headers: { 'www-authenticate': 'Basic realm="airgap", charset="UTF-8"' },
  });
}

function answerFor(code: WireErrorCode): Answer {
  return { code, status: code === 'MANIFEST_UNKNOWN' || code === 'BLOB_UPLOAD_UNKNOWN' ? 404 : 400 };
}

function read(
  exchange: Exchange,
  library: Workshop,
  asked: { route: NamedRoute; wire: WireName },
): Promise<void> | undefined {
  const { route, wire } = asked;
  if (route.kind === 'manifest') return readManifest(exchange, library, { wire, reference: route.reference });
  if (route.kind === 'blob') return readBlob(exchange, library, { wire, digest: route.digest });
  if (route.kind === 'tags') return listTags(exchange, library, wire);
  if (route.kind === 'referrers') return listReferrers(exchange, library, { wire, digest: route.digest });
  return undefined;
}

function notAllowed(exchange: Exchange): Refusal {
  return new Refusal(refusals.methodNotAllowed, `${exchange.method} is not possible here`, {
    headers: { allow: 'GET, HEAD' },
  });
}

function listen(server: Server, at: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    // For as long as it runs: without a listener a failure to take one connection would end the process.
    server.on('error', (cause: NodeJS.ErrnoException) => {
      const state = cause.code === 'EADDRINUSE' ? 'the port is taken' : cause.message;
      reject(new AirgapError('ERR_UNREACHABLE', `Cannot listen on "${at.host}:${at.port}": ${state}`, { cause }));
    });
    server.listen(at.port, at.host, resolve);
  });
}

async function shut(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 20);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
