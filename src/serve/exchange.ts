/** One request and its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { UnverifiedContent } from '../store/store.ts';
import { Refusal, refusals } from './refusal.ts';

export type Headers = Readonly<Record<string, string | number>>;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Without its query, percent-encoded as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborted when whoever asked is gone. */
  readonly signal: AbortSignal;
  /** Bytes of the body that were handed to the socket. */
  sent = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    const target = request.url ?? '/';
    const mark = target.indexOf('?');
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1));
    const gone = new AbortController();
    this.signal = gone.signal;
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new Refusal(refusals.internal, 'the client is gone'));
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

  /** Answers with content as fast as it is taken; `headers` say its length. Content that fails cuts the connection, as the head is out by then. */
  async stream(status: number, headers: Headers, content: UnverifiedContent): Promise<void> {
    this.response.writeHead(status, { ...headers });
    await pipeline(this.#counted(content), this.response).catch(() => {
      this.response.destroy();
    });
  }

  async *#counted(content: UnverifiedContent): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      this.sent += chunk.length;
      yield chunk;
    }
  }

  /** The request's body as it comes. Leaving it early keeps the connection, so that an answer can still be given. */
  incoming(): UnverifiedContent {
    const { request } = this;
    return { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array> };
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
