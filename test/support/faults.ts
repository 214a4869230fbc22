/** What can go wrong between a client and a registry: which requests meet it, and what happens to them. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export type Headers = Record<string, string>;

export type Action =
  /** Answered by the front itself; the registry behind does not see the request. */
  | { readonly kind: 'status'; readonly status: number; readonly headers: Headers; readonly body: string }
  /** Reset before any byte of an answer; the registry behind does not see the request. */
  | { readonly kind: 'resetAtOnce' }
  /** A response head that is no HTTP. */
  | { readonly kind: 'malformedHead' }
  /** No byte comes, ever. The registry behind does not see the request. */
  | { readonly kind: 'silence' }
  /** Reset after this many bytes of the answer's body. */
  | { readonly kind: 'cutAfter'; readonly bytes: number }
  /** Closed in an orderly way after this many bytes of the answer's body, whatever was promised. */
  | { readonly kind: 'finAfter'; readonly bytes: number }
  /** Nothing more comes after this many bytes of the answer's body; the connection stays. */
  | { readonly kind: 'stallAfter'; readonly bytes: number }
  /** The answer's body comes at this speed. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** The answer comes this much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** One byte of the answer's body is another. */
  | { readonly kind: 'flipByte'; readonly at: number }
  /** The whole comes with 200 whatever range was asked. */
  | { readonly kind: 'ignoreRange' }
  /** The answer's head is changed. */
  | { readonly kind: 'rewrite'; readonly head: (headers: Headers, request: IncomingMessage) => Headers }
  /** Reset after this many bytes of the request's body, which the registry behind has seen. */
  | { readonly kind: 'cutUpload'; readonly bytes: number }
  /** The registry behind does what was asked; its answer is lost in a reset. */
  | { readonly kind: 'loseAnswer' }
  /** Parts of the query and, when `body` is false, the body do not reach the registry behind. */
  | { readonly kind: 'strip'; readonly query: readonly string[]; readonly body: boolean };

export interface Match {
  /** Default: any. */
  readonly method?: string | readonly string[];
  /** Matched against path and query. Default: any. */
  readonly path?: string | RegExp;
  readonly when?: (headers: IncomingHttpHeaders) => boolean;
  /** How many matching requests meet it. Default: all. */
  readonly times?: number;
  /** How many matching requests pass before. Default 0. */
  readonly skip?: number;
  /** Which of the two servers: the registry, or the host that blobs are redirected to. Default: both. */
  readonly at?: 'registry' | 'blobHost';
}

export interface Fault extends Match {
  readonly action: Action;
}

/** `fault({ method: 'GET', path: /blobs/, times: 2 }, actions.cutAfter(1000))`. */
export function fault(match: Match, action: Action): Fault {
  return { ...match, action };
}

export const actions = {
  status: (status: number, options: { readonly headers?: Headers; readonly code?: string } = {}): Action => ({
    kind: 'status',
    status,
    headers: { 'content-type': 'application/json', ...options.headers },
    body: JSON.stringify({ errors: [{ code: options.code ?? 'UNKNOWN', message: `scripted ${status}` }] }),
  }),
  resetAtOnce: { kind: 'resetAtOnce' },
  malformedHead: { kind: 'malformedHead' },
  silence: { kind: 'silence' },
  loseAnswer: { kind: 'loseAnswer' },
  ignoreRange: { kind: 'ignoreRange' },
  cutAfter: (bytes: number): Action => ({ kind: 'cutAfter', bytes }),
  finAfter: (bytes: number): Action => ({ kind: 'finAfter', bytes }),
  stallAfter: (bytes: number): Action => ({ kind: 'stallAfter', bytes }),
  slow: (bytesPerSecond: number): Action => ({ kind: 'slow', bytesPerSecond }),
  delay: (ms: number): Action => ({ kind: 'delay', ms }),
  flipByte: (at: number): Action => ({ kind: 'flipByte', at }),
  cutUpload: (bytes: number): Action => ({ kind: 'cutUpload', bytes }),
  rewrite: (head: (headers: Headers, request: IncomingMessage) => Headers): Action => ({ kind: 'rewrite', head }),
  /** Sets these headers; an empty text drops one. Without `content-length` the body comes chunked. */
  setHeaders: (changes: Headers): Action => ({
    kind: 'rewrite',
    head: (headers) =>
      Object.fromEntries(Object.entries({ ...headers, ...changes }).filter(([, value]) => value !== '')),
  }),
  strip: (query: readonly string[], body = true): Action => ({ kind: 'strip', query, body }),
} as const satisfies Record<string, Action | ((...args: never[]) => Action)>;

/** Whole behaviours of registries that are worth a name. */
export const quirks = {
  /** 202 with an upload session instead of a mount. */
  mountRefused: fault({ method: 'POST', path: /[?&]mount=/ }, actions.strip(['mount', 'from'])),
  /** 202 for `POST …?digest=`, its body not taken (distribution 2.8). */
  singlePostIgnored: fault({ method: 'POST', path: /[?&]digest=/ }, actions.strip(['digest'], false)),
  headRefused: fault({ method: 'HEAD' }, actions.status(405)),
  patchRefused: fault({ method: 'PATCH' }, actions.status(405)),
  noReferrersApi: fault({ method: 'GET', path: /\/referrers\// }, actions.status(404)),
  noDigestHeader: fault({}, actions.setHeaders({ 'docker-content-digest': '' })),
  wrongDigestHeader: fault({}, actions.setHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` })),
  noContentLength: fault({ method: 'GET' }, actions.setHeaders({ 'content-length': '' })),
  rangeIgnored: fault({ method: 'GET', path: /\/blobs\// }, actions.ignoreRange),
  wrongContentRange: fault(
    { method: 'GET', path: /\/blobs\//, when: (headers) => headers.range !== undefined },
    actions.setHeaders({ 'content-range': 'bytes 1-2/3' }),
  ),
  /** Whole GETs of blobs are reset; only ranges get through. */
  wholeGetReset: fault(
    { method: 'GET', path: /\/blobs\//, when: (headers) => headers.range === undefined },
    actions.cutAfter(10),
  ),
  absoluteLocation: fault(
    { method: ['POST', 'PATCH', 'GET'], path: /\/blobs\/uploads\// },
    actions.rewrite((headers, request) => ({
      ...headers,
      ...(headers.location === undefined
        ? {}
        : { location: `http://${request.headers.host}${headers.location}?_state=abc` }),
    })),
  ),
} as const;

/** The faults of one server, with how often each was met. */
export class FaultList {
  #items: { readonly fault: Fault; seen: number }[] = [];

  add(...faults: readonly Fault[]): void {
    this.#items.push(...faults.map((item) => ({ fault: item, seen: 0 })));
  }

  clear(): void {
    this.#items = [];
  }

  /** The first fault that matches and has turns left. Each match counts. */
  meet(request: IncomingMessage, at: 'registry' | 'blobHost'): Action | undefined {
    for (const item of this.#items) {
      if (!matches(item.fault, { request, at })) continue;
      const { skip = 0, times = Number.POSITIVE_INFINITY } = item.fault;
      item.seen += 1;
      if (item.seen > skip && item.seen <= skip + times) return item.fault.action;
    }
    return undefined;
  }
}

function matches(
  item: Fault,
  met: { readonly request: IncomingMessage; readonly at: 'registry' | 'blobHost' },
): boolean {
  const { method = 'GET', url = '/', headers } = met.request;
  if (item.at !== undefined && item.at !== met.at) return false;
  if (item.method !== undefined && ![item.method].flat().includes(method)) return false;
  if (typeof item.path === 'string' && !url.includes(item.path)) return false;
  if (item.path instanceof RegExp && !item.path.test(url)) return false;
  return item.when?.(headers) ?? true;
}
