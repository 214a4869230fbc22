/** A run in which several things go wrong at once, chosen by a seed. */
import { setTimeout as delay } from 'node:timers/promises';
import { actions, type Fault, fault, quirks } from '../support/faultyServer.ts';
import { type Chance, chanceOf } from './chance.ts';
import { bigBytes } from './images.ts';
import { inParts, type RequestKind, requestKinds } from './requests.ts';
import type { FaultCase, Stage } from './stage.ts';

type Action = Fault['action'];

/** What may happen to any request. */
const anywhere: readonly ((chance: Chance) => Action)[] = [
  (chance) => actions.status(chance.oneOf([500, 502, 503, 504])),
  () => actions.status(429, { headers: { 'retry-after': '0.05' } }),
  () => actions.resetAtOnce,
  () => actions.malformedHead,
  () => actions.silence,
  (chance) => actions.delay(chance.below(200)),
];

const onBodies: readonly ((chance: Chance) => Action)[] = [
  (chance) => actions.cutAfter(chance.below(bigBytes)),
  (chance) => actions.finAfter(chance.below(bigBytes)),
  (chance) => actions.stallAfter(chance.below(bigBytes)),
  (chance) => actions.flipByte(chance.below(bigBytes)),
  () => actions.ignoreRange,
];

const onWrites: readonly ((chance: Chance) => Action)[] = [
  (chance) => actions.cutUpload(1 + chance.below(bigBytes)),
  () => actions.loseAnswer,
  () => actions.status(507),
  (chance) =>
    actions.status(400, { code: chance.oneOf(['DIGEST_INVALID', 'MANIFEST_BLOB_UNKNOWN', 'BLOB_UPLOAD_UNKNOWN']) }),
  (chance) => actions.status(chance.oneOf([404, 405, 413, 416])),
];

const upstreamQuirks = [
  'headRefused',
  'noDigestHeader',
  'noContentLength',
  'rangeIgnored',
  'wrongContentRange',
  'wholeGetReset',
] as const;
const targetQuirks = ['mountRefused', 'headRefused', 'patchRefused', 'noDigestHeader', 'absoluteLocation'] as const;

function actionFor(kind: RequestKind, chance: Chance): Action {
  const fitting = [
    ...anywhere,
    ...(kind.end === 'upstream' ? onBodies : []),
    ...(kind.end === 'target' && !kind.name.startsWith('HEAD') ? onWrites : []),
  ];
  return chance.oneOf(fitting)(chance);
}

/** Mostly a few times; now and then for ever. */
function randomFault(end: RequestKind['end'], chance: Chance): Fault {
  const kind = chance.oneOf(requestKinds.filter((candidate) => candidate.end === end));
  const times = chance.happens(0.12) ? {} : { times: 1 + chance.below(4) };
  return fault({ ...kind.match, ...times, skip: chance.below(6) }, actionFor(kind, chance));
}

/** Now and then an end dies at some point and is back a little later. */
function restarts(chance: Chance): (stage: Stage) => Promise<void> {
  if (!chance.happens(0.3)) return async () => {};
  const [end, after, down] = [chance.oneOf(['upstream', 'target'] as const), chance.below(300), chance.below(150)];
  return async (stage: Stage) => {
    await delay(after);
    await stage[end].stop();
    await delay(down);
    await stage[end].start();
  };
}

/** The same seed gives the same faults. What they meet depends on the order of things. */
export function randomCase(seed: number): FaultCase {
  const chance = chanceOf(seed);
  const faultsAt = (end: RequestKind['end']) => Array.from({ length: chance.below(5) }, () => randomFault(end, chance));
  const ranged = chance.happens(0.3) ? { copy: { rangeThreshold: 300_000, rangeBytes: 100_000 } } : {};
  const rules = () => (chance.happens(0.3) ? { tokens: { lifetimeMs: 300 + chance.below(2000), expiresIn: 1 } } : {});
  return {
    name: `seed ${seed}`,
    expected: 'complete',
    upstreamFaults: [...faultsAt('upstream'), ...(chance.happens(0.3) ? [quirks[chance.oneOf(upstreamQuirks)]] : [])],
    targetFaults: [...faultsAt('target'), ...(chance.happens(0.3) ? [quirks[chance.oneOf(targetQuirks)]] : [])],
    upstream: { ...rules(), redirectBlobs: chance.happens(0.2) },
    target: rules(),
    client: { concurrency: 1 + chance.below(12), idleTimeoutMs: 300, backoffMs: 4, retries: 3 },
    registry: chance.happens(0.4) ? inParts : {},
    job: ranged,
    during: restarts(chance),
  };
}

/** The faults of a case in a few words. */
export function describeFaults({ upstreamFaults = [], targetFaults = [] }: FaultCase): string {
  const words = (faults: FaultCase['upstreamFaults']) =>
    (typeof faults === 'function' ? faults() : (faults ?? [])).map(
      ({ action, times }) =>
        `${action.kind}${action.kind === 'status' ? ` ${action.status}` : ''}${times === undefined ? ' always' : ''}`,
    );
  return [
    ...words(upstreamFaults).map((word) => `up: ${word}`),
    ...words(targetFaults).map((word) => `to: ${word}`),
  ].join(', ');
}
