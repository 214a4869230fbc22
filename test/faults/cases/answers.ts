/** Answers that say no: too many requests, and 5xx, on every kind of request. */
import { actions, type Fault, fault } from '../../support/faultyServer.ts';
import { inParts, type RequestKind, requestKinds } from '../requests.ts';
import { type CaseRun, type FaultCase, othersStand } from '../stage.ts';

/** A case in which requests of one kind meet `action` as often as said. */
export function caseFor(
  kind: RequestKind,
  given: Pick<FaultCase, 'name' | 'expected'> & Partial<FaultCase> & { readonly fault: Fault },
): FaultCase {
  const { fault: met, ...rest } = given;
  return {
    ...(kind.needs === 'tokens' ? { upstream: { tokens: {} } } : {}),
    ...(kind.needs === 'parts' ? { registry: inParts } : {}),
    // A body that was refused has to be fetched again: this layer fits into the sockets on its way.
    most: kind.name.startsWith('upload P') ? 1 + (met.times ?? 0) : 1,
    ...(kind.end === 'upstream' ? { upstreamFaults: [met] } : { targetFaults: [met] }),
    ...rest,
    check: async (run) => {
      if (!wasMet(run, kind)) throw new Error(`no ${kind.name} was made`);
      await rest.check?.(run);
    },
  };
}

function wasMet({ stage }: CaseRun, { end, match }: RequestKind): boolean {
  return stage[end].log.requests.some(
    ({ method, path }) =>
      (match.method === undefined || [match.method].flat().includes(method)) &&
      (match.path instanceof RegExp ? match.path.test(path) : true),
  );
}

const limited = requestKinds.filter(({ name }) => name !== 'mount POST' && name !== 'HEAD at the target');

const tooMany: readonly {
  readonly name: string;
  readonly headers: () => Record<string, string>;
  readonly atLeast: number;
}[] = [
  { name: 'Retry-After in seconds', headers: () => ({ 'retry-after': '1' }), atLeast: 1 },
  {
    name: 'Retry-After as a date',
    headers: () => ({ 'retry-after': new Date(Date.now() + 2000).toUTCString() }),
    atLeast: 0.9,
  },
  { name: 'no Retry-After', headers: () => ({}), atLeast: 0 },
];

export const tooManyRequests: readonly FaultCase[] = limited.flatMap((kind) =>
  tooMany.map(({ name, headers, atLeast }) => {
    const met = () =>
      fault({ ...kind.match, times: 1 }, actions.status(429, { headers: headers(), code: 'TOOMANYREQUESTS' }));
    const {
      upstreamFaults: _upstream,
      targetFaults: _target,
      ...made
    } = caseFor(kind, {
      name: `429 with ${name} on ${kind.name}`,
      expected: 'complete',
      fault: met(),
      check: (run) => {
        if (run.seconds < atLeast) throw new Error(`it did not wait ${atLeast} s`);
        if (atLeast > 0 && !run.events.some(({ type }) => type === 'wait')) throw new Error('the wait was not told');
      },
    });
    // The date counts from the moment the run begins.
    return kind.end === 'upstream'
      ? { ...made, upstreamFaults: () => [met()] }
      : { ...made, targetFaults: () => [met()] };
  }),
);

const serverErrors = [500, 502, 503, 504] as const;

export const serverFaults: readonly FaultCase[] = requestKinds.flatMap((kind) =>
  serverErrors.flatMap((status) =>
    [1, 3].map((times) =>
      caseFor(kind, {
        name: `${status} ${times === 1 ? 'once' : `${times} times`} on ${kind.name}`,
        expected: 'complete',
        fault: fault({ ...kind.match, times }, actions.status(status)),
      }),
    ),
  ),
);

/** A window in which so many manifests may be read; more are answered 429. */
function quota(size: number, windowMs: number): readonly Fault[] {
  let left = size;
  let endsAt = 0;
  const take = (): boolean => {
    if (performance.now() > endsAt) {
      left = size;
      endsAt = performance.now() + windowMs;
    }
    left -= 1;
    return left >= 0;
  };
  const manifests = { method: 'GET', path: /\/manifests\// } as const;
  const told = () => ({
    'ratelimit-limit': `${size};w=${windowMs / 1000}`,
    'ratelimit-remaining': `${Math.max(0, left)};w=${windowMs / 1000}`,
    'ratelimit-reset': '1',
  });
  return [
    fault({ ...manifests, when: () => !take() }, actions.status(429, { headers: { 'retry-after': '1' } })),
    fault(
      manifests,
      actions.rewrite((headers) => ({ ...headers, ...told() })),
    ),
  ];
}

export const quotas: readonly FaultCase[] = [
  {
    name: 'RateLimit-Remaining counts down to nothing',
    expected: 'complete',
    upstreamFaults: () => quota(2, 1000),
    client: { concurrency: 2 },
    check: ({ stage }) => {
      const refused = stage.upstream.log.requests.filter(({ status }) => status === 429).length;
      if (refused > 2) throw new Error(`${refused} requests were refused: the quota was not read`);
    },
  },
  {
    name: '429 for ever',
    expected: 'ERR_RATE_LIMITED',
    upstreamFaults: [
      fault({ method: 'GET', path: /\/blobs\/sha/ }, actions.status(429, { headers: { 'retry-after': '0.1' } })),
    ],
  },
  {
    name: '429 that asks for two hours',
    expected: 'ERR_RATE_LIMITED',
    upstreamFaults: [
      fault({ method: 'GET', path: /\/blobs\/sha/ }, actions.status(429, { headers: { 'retry-after': '7200' } })),
    ],
    check: ({ seconds }) => {
      if (seconds > 5) throw new Error('it waited');
    },
  },
];

/** One blob that is out of order does not stop what comes after it from the same host. */
export const lastingErrors: readonly FaultCase[] = ([500, 502, 504] as const).map((status) => ({
  name: `${status} for ever on one image's blobs`,
  expected: 'ERR_UNREACHABLE',
  client: { concurrency: 2 },
  upstreamFaults: [fault({ method: 'GET', path: /\/app\/big\/blobs\/sha/ }, actions.status(status))],
  check: othersStand,
}));

/** Codes that no repetition changes. */
export const finalAnswers: readonly FaultCase[] = (
  [
    [400, 'ERR_PROTOCOL'],
    [401, 'ERR_UNAUTHORIZED'],
    [403, 'ERR_DENIED'],
    [404, 'ERR_NOT_FOUND'],
  ] as const
).map(([status, expected]) => ({
  name: `${status} on the large blob, not repeated`,
  expected,
  upstreamFaults: [
    fault(
      { method: 'GET', path: /\/app\/big\/blobs\/sha/ },
      actions.status(status, status === 401 ? { headers: { 'www-authenticate': 'Basic realm="x"' } } : {}),
    ),
  ],
  check: ({ stage }) => {
    const asked = stage.upstream.log.blobFetches();
    const paths = stage.upstream.log.find({ method: 'GET', path: /\/app\/big\/blobs\/sha/ }).map(({ path }) => path);
    if (new Set(paths).size !== paths.length)
      throw new Error(`asked again: ${paths.length} times (${asked.size} blobs)`);
  },
}));
