/** What one client may take of a server: connections, header bytes, time. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { Refusal, refusals } from './refusal.ts';

export interface ServeLimits {
  /**
   * Connections at once. Above it, idle ones are closed; whoever comes then is answered 503, and cut without an answer when there
   * are an eighth more. Default 4096.
   */
  readonly connections: number;
  /** Bytes of a request's line and headers; more is answered 431. Default 16 384. */
  readonly headerBytes: number;
  /** From a request's first byte (for a new connection: from its opening) to the end of its headers; then 408. As long for a TLS handshake. Default 10 000. */
  readonly headerTimeoutMs: number;
  /** A connection without a byte either way, in the middle of a request or an answer, is cut after this. Default 120 000. */
  readonly idleTimeoutMs: number;
  /** A connection that waits for its next request is closed after this. Default 75 000. */
  readonly keepAliveMs: number;
}

export const defaultLimits: ServeLimits = {
  connections: 4096,
  headerBytes: 16_384,
  headerTimeoutMs: 10_000,
  idleTimeoutMs: 120_000,
  keepAliveMs: 75_000,
};

/** Longest path and query that is looked at. The longest that can mean something: two repository names, a digest, an artifact type. */
export const longestTarget = 4096;
/** Of a body nobody wants, so much is read, for so long. */
const unwantedBytes = 16 * 1024 * 1024;
const unwantedMs = 10_000;

/** Options for the server's constructor. */
export function serverOptions(limits: ServeLimits): object {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headerTimeoutMs,
    handshakeTimeout: limits.headerTimeoutMs,
    // Uploads take as long as they take: the idle time bounds them.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    // How often the time of headers is looked at.
    connectionsCheckingInterval: Math.max(20, Math.min(1000, Math.floor(limits.headerTimeoutMs / 4))),
  };
}

/** Who is connected. */
export class Connections {
  open = 0;
  refused = 0;
  readonly #limit: number;
  /** The last answer of each connection. */
  readonly #answers = new WeakMap<Duplex, Exchange>();

  constructor(server: Server, limits: ServeLimits) {
    this.#limit = limits.connections;
    server.maxConnections = limits.connections + Math.ceil(limits.connections / 8);
    server.setTimeout(limits.idleTimeoutMs);
    server.on('drop', () => {
      this.refused += 1;
    });
    server.on('connection', (socket: Duplex) => {
      this.open += 1;
      socket.once('close', () => {
        this.open -= 1;
      });
      if (this.open > limits.connections) server.closeIdleConnections();
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      // In the middle of an answer, another one would become part of its bytes.
      const isBusy = this.#answers.get(socket)?.response.writableFinished === false;
      const refusal = isBusy || !socket.writable ? undefined : meaningOf(error.code ?? '');
      if (refusal === undefined) socket.destroy();
      else answerRaw(socket, refusal);
    });
  }

  /**
   * Resolves when the answers before this one on the same connection have ended. Node hands over everything that one read of a socket
   * brings, a thousand requests at once if they are sent so, and each would hold a chunk of its answer until it is its turn.
   * Throws when the connection is gone by then.
   */
  async turn(exchange: Exchange): Promise<void> {
    const { socket } = exchange.request;
    const before = this.#answers.get(socket);
    this.#answers.set(socket, exchange);
    await before?.ended;
    if (socket.destroyed) throw new Refusal(refusals.internal, 'the client is gone');
  }

  /** Throws a refusal with status 503 when there are too many. */
  refuseWhenFull(): void {
    if (this.open <= this.#limit) return;
    this.refused += 1;
    throw new Refusal(refusals.busy, 'too many connections', { headers: { connection: 'close', 'retry-after': '2' } });
  }
}

/**
 * Reads what is left of a request's body without keeping it, so that whoever sends it sees the answer, and cuts the connection of who
 * sends more than anybody wants. Looked at from outside, as Node takes listeners off a request that was answered.
 */
export function dropBody(request: IncomingMessage): void {
  const { socket } = request;
  if (request.complete || socket.destroyed) return;
  const from = socket.bytesRead;
  const until = performance.now() + unwantedMs;
  const timer = setInterval(() => {
    if (request.complete || socket.destroyed) clearInterval(timer);
    else if (socket.bytesRead - from > unwantedBytes || performance.now() > until) socket.destroy();
  }, 50).unref();
  request.resume();
}

/** An answer to a request that could not be read. */
function answerRaw(socket: Duplex, refusal: Refusal): void {
  const body = refusal.body();
  const lines = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/** Too large, too slow, or not HTTP as RFC 9112 has it, such as two lengths in one request. Undefined for who cannot be told: no handshake, or gone. */
function meaningOf(code: string): Refusal | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return new Refusal(refusals.headersTooLarge, 'the headers are too large');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Refusal(refusals.tooSlow, 'the headers took too long');
  return code.startsWith('HPE_') ? new Refusal(refusals.badRequest, 'this is no HTTP request') : undefined;
}
