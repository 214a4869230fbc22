/** A registry over any store: the distribution API turned inside out (OCI distribution-spec v1.1). */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { AirgapError } from '../errors.ts';
import type { Source, Target } from '../store/store.ts';
import { describeRequest } from './access-log.ts';
import { dispatch, type Service } from './dispatch.ts';
import { Exchange } from './exchange.ts';
import { Finder } from './finder.ts';
import { Integrity } from './integrity.ts';
import { Connections, defaultLimits, dropBody, serverOptions } from './limits.ts';
import { Metrics } from './metrics.ts';
import { Names } from './names.ts';
import type { RunningServer, ServeOptions } from './options.ts';
import { type Refusal, refusalFor } from './refusal.ts';
import { UploadSessions } from './sessions.ts';
import { Troubles } from './troubles.ts';
import { Turns } from './turns.ts';
import type { Workshop } from './writing.ts';

export type { ServedRequest } from './access-log.ts';
export type { ServeProblem } from './integrity.ts';
export type { ServeStatistics } from './metrics.ts';
export type { AccessControl, RunningServer, ServeOptions } from './options.ts';

/** The same, with who is connected and what fails. */
interface WatchedService extends Service {
  readonly connections: Connections;
  readonly troubles: Troubles;
}

/** Serves a store until close(). Throws ERR_UNREACHABLE when the address cannot be listened on. */
export async function serveStore(store: Source | Target, options: ServeOptions = {}): Promise<RunningServer> {
  const limits = { ...defaultLimits, ...options.limits };
  const server =
    options.tls === undefined
      ? createServer(serverOptions(limits))
      : createTlsServer({ ...serverOptions(limits), ...options.tls });
  const connections = new Connections(server, limits);
  const workshop = openWorkshop(store, options);
  const { sessions, integrity } = workshop;
  const metrics = new Metrics(
    {
      connections: () => connections.open,
      connectionsRefused: () => connections.refused,
      uploadsOpen: () => sessions.count,
      blobsChecked: () => integrity.checked,
      blobsCorrupt: () => integrity.corrupt,
    },
    options.version ?? 'unknown',
  );
  const troubles = new Troubles(options.onTrouble ?? (() => {}));
  const service: WatchedService = { workshop, options, metrics, connections, troubles };
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void answerLogged(new Exchange(request, response), service);
  });
  await listen(server, { host: options.listen?.host ?? '127.0.0.1', port: options.listen?.port ?? 0 });
  const { address, family, port } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    host: `${host}:${port}`,
    port,
    statistics: () => metrics.statistics(),
    renewCertificate: (tls) => {
      if (server instanceof TlsServer) server.setSecureContext(tls);
    },
    async close() {
      integrity.close();
      await shut(server, options.graceMs ?? 5_000);
      await sessions.close();
    },
  };
}

function openWorkshop(store: Source | Target, options: ServeOptions): Workshop {
  const names = new Names(store, options.registry ?? 'localhost');
  return {
    store,
    names,
    finder: new Finder(store, names),
    integrity: new Integrity(options.onProblem),
    target: store as Target,
    sessions: new UploadSessions(options.uploadExpiryMs),
    turns: new Turns(),
    sparse: options.sparse ?? false,
  };
}

async function answerLogged(exchange: Exchange, service: WatchedService): Promise<void> {
  const { request, response } = exchange;
  const time = new Date().toISOString();
  const client = request.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '-';
  const startedAt = performance.now();
  service.metrics.begun();
  void exchange.ended.then(() => {
    const status = response.headersSent ? response.statusCode : 0;
    const ms = performance.now() - startedAt;
    service.metrics.ended(exchange, { status, ms });
    service.options.onRequest?.(describeRequest(exchange, { time, client, status, ms }));
  });
  request.on('error', () => {});
  response.on('error', () => {});
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.setHeader('x-content-type-options', 'nosniff');
  try {
    await service.connections.turn(exchange);
    service.connections.refuseWhenFull();
    await dispatch(exchange, service);
  } catch (error) {
    const refusal = refusalFor(error);
    service.troubles.met(error, refusal.status);
    refuse(exchange, refusal);
  }
  dropBody(request);
}

function refuse(exchange: Exchange, refusal: Refusal): void {
  if (exchange.response.headersSent || exchange.request.socket.destroyed) {
    exchange.response.destroy();
    return;
  }
  exchange.send(refusal.status, { 'content-type': 'application/json', ...refusal.headers }, refusal.body());
}

/** Why nothing listens there, by the code of the system. */
const listenStates: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'the system does not allow it',
};

function listen(server: Server, at: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    // For as long as it runs: without a listener a failure to take one connection would end the process.
    server.on('error', (cause: NodeJS.ErrnoException) => {
      const state = listenStates[cause.code ?? ''] ?? cause.message;
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
