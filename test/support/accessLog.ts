/** What a server was asked and what it gave: for questions like "was each blob fetched once?". */
import type { IncomingMessage } from 'node:http';

export interface LoggedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Which of the two servers was asked. */
  readonly at: 'registry' | 'blobHost' | 'tokens';
  readonly range: string | undefined;
  readonly hasAuthorization: boolean;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** 0 until an answer begins, and for requests that never got one. */
  status: number;
  /** Bytes of the answer's body that were written to the client. */
  sent: number;
  /** Bytes of the request's body that were taken. */
  received: number;
}

export class AccessLog {
  readonly requests: LoggedRequest[] = [];
  /** Requests under way, and the most there were at once. */
  open = 0;
  peak = 0;

  begin(request: IncomingMessage, at: LoggedRequest['at']): LoggedRequest {
    const entry: LoggedRequest = {
      method: request.method ?? 'GET',
      path: request.url ?? '/',
      at,
      range: request.headers.range,
      hasAuthorization: request.headers.authorization !== undefined,
      startedAt: performance.now(),
      status: 0,
      sent: 0,
      received: 0,
    };
    this.requests.push(entry);
    this.open += 1;
    this.peak = Math.max(this.peak, this.open);
    return entry;
  }

  end(): void {
    this.open -= 1;
  }

  /** Requests by method and path. */
  find(match: {
    readonly method?: string;
    readonly path?: string | RegExp;
    readonly at?: LoggedRequest['at'];
  }): LoggedRequest[] {
    return this.requests.filter(({ method, path, at }) => {
      if (match.method !== undefined && match.method !== method) return false;
      if (match.at !== undefined && match.at !== at) return false;
      if (match.path === undefined) return true;
      return typeof match.path === 'string' ? path.includes(match.path) : match.path.test(path);
    });
  }

  /** By digest: body bytes given for GETs of a blob, wherever they were asked. */
  blobBytes(): Map<string, number> {
    return this.#byDigest((entry) => entry.sent);
  }

  /** By digest: GETs of a blob that were answered with content. */
  blobFetches(): Map<string, number> {
    return this.#byDigest((entry) => (entry.status === 200 || entry.status === 206 ? 1 : 0));
  }

  clear(): void {
    this.requests.length = 0;
    this.peak = this.open;
  }

  #byDigest(count: (entry: LoggedRequest) => number): Map<string, number> {
    const counts = new Map<string, number>();
    for (const entry of this.requests) {
      const digest = /\/blobs\/(sha(?:256|512):[0-9a-f]+)/.exec(entry.path)?.[1];
      const added = entry.method === 'GET' ? count(entry) : 0;
      if (digest !== undefined && added > 0) counts.set(digest, (counts.get(digest) ?? 0) + added);
    }
    return counts;
  }
}
