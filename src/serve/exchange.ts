/** One request and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UnverifiedContent } from '../store/store.ts';
import { Refusal, refusals } from './refusal.ts';

export type Headers = Readonly<Record<string, string | number>>;

/** What a request is about: one word for each kind of endpoint, for counting. */
export type RequestKind =
  | 'base'
  | 'blob'
  | 'catalog'
  | 'healthz'
  | 'manifest'
  | 'metrics'
  | 'other'
  | 'page'
  | 'referrers'
  | 'tags'
  | 'upload';

export interface StreamedAnswer {
  readonly content: UnverifiedContent;
  readonly length: number;
  readonly beforeEnd: () => Promise<void>;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Without its query, percent-encoded as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborted when whoever asked is gone. */
  readonly signal: AbortSignal;
  /** Resolves when the answer has ended, or whoever asked is gone. */
  readonly ended: Promise<void>;
  /** Bytes of the answer's body that were handed to the socket. */
  sent = 0;
  /** Bytes of the request's body that were read. */
  received = 0;
  kind: RequestKind = 'other';
  /** Who asked, once that is proven. */
  user: string | undefined;
  /** Ends the wait for a write that nobody will take any more. */
  #leave: () => void = () => {};

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    // Proxies send a whole URL, which every server has to take (RFC 9112, 3.2.2).
    const target = (request.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '');
    const mark = target.indexOf('?');
    this.path = (mark < 0 ? target : target.slice(0, mark)) || '/';
    this.query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
    const gone = new AbortController();
    this.signal = gone.signal;
    this.ended = new Promise((resolve) => {
      const end = () => {
        if (!response.writableFinished) gone.abort(new Refusal(refusals.internal, 'the client is gone'));
        this.#leave();
        resolve();
      };
      response.once('close', end);
      // An answer whose turn on the connection never came is not told that the connection is gone; its request is.
      request.once('close', () => {
        if (request.socket.destroyed) end();
      });
    });
  }

  /** True when the answer's body is wanted. */
  get wantsBody(): boolean {
    return this.method !== 'HEAD';
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Content-Length, where it was said. */
  get contentLength(): number | undefined {
    const text = this.header('content-length');
    return text === undefined || !/^[0-9]{1,15}$/.test(text) ? undefined : Number(text);
  }

  /** True when whoever asks says that it has what carries this ETag (If-None-Match; RFC 9110, 13.1.2). */
  has(etag: string): boolean {
    const known = (this.header('if-none-match') ?? '').split(',');
    return known.some((tag) => tag.trim().replace(/^W\//, '') === etag);
  }

  /** Answers with bytes in memory. HEAD gets the same head without the body. */
  send(status: number, headers: Headers, body: Uint8Array | string = ''): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const hasBody = status !== 204 && status !== 304;
    this.response.writeHead(status, hasBody ? { ...headers, 'content-length': bytes.length } : { ...headers });
    if (!hasBody || !this.wantsBody) {
      this.response.end();
      return;
    }
    this.sent += bytes.length;
    this.response.end(bytes);
  }

  /** Answers a HEAD: `headers` say what a GET would get. */
  sendHead(status: number, headers: Headers): void {
    this.response.writeHead(status, { ...headers }).end();
  }

  json(status: number, value: unknown, headers: Headers = {}): void {
    this.send(status, { 'content-type': 'application/json', ...headers }, `${JSON.stringify(value)}\n`);
  }

  /**
   * Answers with `length` bytes of content as fast as they are taken. The next chunk is asked for when the system has taken the last
   * one whole, so one chunk at a time is in memory and the content may use it again. `beforeEnd` has a last look before the last
   * chunk. Throws what the content throws before its first byte, when an answer can still say so. Content that fails later cuts the
   * connection, as the head is out by then, and so does `beforeEnd`.
   */
  async stream(status: number, headers: Headers, answer: StreamedAnswer): Promise<void> {
    const chunks = answer.content[Symbol.asyncIterator]();
    let result = await chunks.next();
    this.response.writeHead(status, { ...headers, 'content-length': answer.length });
    let left = answer.length;
    try {
      for (; result.done !== true; result = await chunks.next()) {
        left -= result.value.length;
        if (left <= 0) await answer.beforeEnd();
        await this.#write(result.value);
        this.sent += result.value.length;
      }
      this.response.end();
    } catch {
      this.response.destroy();
    } finally {
      await chunks.return?.();
    }
  }

  #write(chunk: Uint8Array): Promise<void> {
    if (this.signal.aborted) return Promise.reject(this.signal.reason);
    return new Promise((resolve, reject) => {
      // A response that has no socket any more calls nobody back.
      this.#leave = () => reject(this.signal.reason);
      this.response.write(chunk, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
  }

  /** The request's body as it comes. Leaving it early keeps the connection, so that an answer can still be given. */
  incoming(): UnverifiedContent {
    return { [Symbol.asyncIterator]: () => this.#received() };
  }

  #received(): AsyncIterator<Uint8Array> {
    const chunks = this.request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
    return {
      next: async () => {
        const result = await chunks.next();
        if (result.done !== true) this.received += result.value.length;
        return result;
      },
      return: async () => (await chunks.return?.()) ?? { done: true, value: undefined },
    };
  }

  /** The request's body whole. Throws a refusal with status 413 beyond `limit` bytes. */
  async body(limit: number): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.incoming()) {
      size += chunk.length;
      if (size > limit) throw new Refusal(refusals.tooLarge, `larger than ${limit} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}
