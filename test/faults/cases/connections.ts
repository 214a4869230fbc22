/** Connections that break, stall or never begin. */
import { actions, fault, quirks } from '../../support/faultyServer.ts';
import { bigBytes, bigLayer, withAnother } from '../images.ts';
import { inParts, requestKinds } from '../requests.ts';
import { type CaseRun, type FaultCase, othersStand } from '../stage.ts';
import { caseFor } from './answers.ts';

const blobs = { method: 'GET', path: /\/blobs\/sha/ } as const;
/** The large layer alone: configs are small. */
const big = { method: 'GET', path: /\/app\/big\/blobs\/sha/ } as const;
const offsets = [1, 1000, 500_000, bigBytes];

async function expectOneFetch({ stage }: CaseRun): Promise<void> {
  const fetches = stage.upstream.log.blobFetches().get(await bigLayer());
  if (fetches !== 1) throw new Error(`the large layer was fetched ${fetches} times`);
}

/** Goes on at the byte where it broke, as far as any had arrived. */
async function expectResumed({ stage }: CaseRun): Promise<void> {
  const layer = await bigLayer();
  const [, ...again] = stage.upstream.log.find({ method: 'GET', path: layer }).filter(({ status }) => status > 0);
  if (!again.some(({ range }) => range !== undefined)) throw new Error('the layer was fetched whole again');
}

export const resets: readonly FaultCase[] = [
  ...requestKinds.flatMap((kind) =>
    [1, 3].map((times) =>
      caseFor(kind, {
        name: `reset before the answer ${times === 1 ? 'once' : `${times} times`} on ${kind.name}`,
        expected: 'complete',
        fault: fault({ ...kind.match, times }, actions.resetAtOnce),
      }),
    ),
  ),
  ...requestKinds.map((kind) =>
    caseFor(kind, {
      name: `malformed response head on ${kind.name}`,
      expected: 'complete',
      fault: fault({ ...kind.match, times: 1 }, actions.malformedHead),
    }),
  ),
  ...requestKinds
    .filter(({ end, needs }) => end === 'target' || needs === 'tokens')
    .filter(({ needs }) => needs !== 'tokens')
    .map((kind) =>
      caseFor(kind, {
        name: `answer lost after ${kind.name}`,
        expected: 'complete',
        fault: fault({ ...kind.match, times: 1 }, actions.loseAnswer),
      }),
    ),
];

export const cutBodies: readonly FaultCase[] = [
  ...offsets.map(
    (bytes): FaultCase => ({
      name: `reset after ${bytes} bytes of a layer`,
      expected: 'complete',
      upstreamFaults: [fault({ ...big, skip: 0, times: 2 }, actions.cutAfter(bytes))],
      ...(bytes > 1000 ? { check: expectResumed } : {}),
      // A reset drops what nobody had read yet.
      most: 1.1 + (2 * bytes) / bigBytes,
    }),
  ),
  ...offsets.map(
    (bytes): FaultCase => ({
      name: `clean end after ${bytes} bytes of a layer`,
      expected: 'complete',
      upstreamFaults: [fault({ ...big, times: 2 }, actions.finAfter(bytes))],
      ...(bytes > 1000 ? { check: expectResumed } : {}),
    }),
  ),
  {
    name: 'reset in the middle of every answer with a blob, again and again',
    expected: 'complete',
    upstreamFaults: [fault(blobs, actions.cutAfter(200_000))],
    most: 1.7,
    check: expectResumed,
  },
  {
    name: 'manifest cut short once',
    expected: 'complete',
    upstreamFaults: [fault({ method: 'GET', path: /\/manifests\//, times: 1 }, actions.finAfter(10))],
  },
  {
    name: 'every whole GET is reset in its body, ranges get through',
    expected: 'complete',
    upstreamFaults: [quirks.wholeGetReset],
  },
  {
    name: 'every whole GET is reset before its answer, ranges get through',
    expected: 'complete',
    upstreamFaults: [fault({ ...blobs, when: (headers) => headers.range === undefined }, actions.resetAtOnce)],
  },
  {
    name: 'no body of a layer gets through at all',
    expected: 'ERR_UNREACHABLE',
    upstreamFaults: [fault(big, actions.cutAfter(0))],
    client: { concurrency: 2 },
    most: 1.2,
    check: othersStand,
  },
];

export const cutUploads: readonly FaultCase[] = [1, 1000, 700_000].flatMap((bytes): FaultCase[] => [
  {
    name: `reset after ${bytes} bytes of an upload in one request`,
    expected: 'complete',
    most: 3.1,
    targetFaults: [fault({ method: 'PUT', path: /\/uploads\//, times: 2 }, actions.cutUpload(bytes))],
  },
  {
    name: `reset after ${Math.min(bytes, 200_000)} bytes of an upload in parts`,
    expected: 'complete',
    most: 3.1,
    registry: inParts,
    targetFaults: [fault({ method: 'PATCH', times: 2 }, actions.cutUpload(Math.min(bytes, 200_000)))],
  },
]);

export const silences: readonly FaultCase[] = [
  ...requestKinds.map((kind) =>
    caseFor(kind, {
      name: `no byte of an answer on ${kind.name}`,
      expected: 'complete',
      client: { idleTimeoutMs: 400 },
      fault: fault({ ...kind.match, times: 1 }, actions.silence),
    }),
  ),
  {
    name: 'stalled in the middle of a layer',
    expected: 'complete',
    client: { idleTimeoutMs: 400 },
    upstreamFaults: [fault({ ...big, times: 2 }, actions.stallAfter(1000))],
    check: expectResumed,
  },
  {
    name: 'slow but moving is not cut',
    expected: 'complete',
    client: { idleTimeoutMs: 700 },
    upstreamFaults: [fault(big, actions.slow(500_000))],
    check: async (run) => {
      if (run.seconds < 2) throw new Error('the link was not slow');
      await expectOneFetch(run);
    },
  },
  {
    name: 'silent for ever',
    expected: 'ERR_TIMEOUT',
    client: { idleTimeoutMs: 200, retries: 1 },
    upstreamFaults: [fault(big, actions.silence)],
  },
];

export const unreachable: readonly FaultCase[] = [
  {
    name: 'the name of one upstream among several is not known',
    expected: 'ERR_UNREACHABLE',
    images: () => withAnother('quay.io/other/app:1'),
    elsewhere: { 'quay.io': 'http://does-not-exist.invalid' },
    repairable: false,
    check: expectQuickAndAlone,
  },
  {
    name: 'one upstream among several refuses connections',
    expected: 'ERR_UNREACHABLE',
    images: () => withAnother('quay.io/other/app:1'),
    elsewhere: { 'quay.io': 'http://127.0.0.1:9' },
    repairable: false,
    check: expectQuickAndAlone,
  },
];

function expectQuickAndAlone({ seconds, errors, result }: CaseRun): void {
  if (seconds > 5) throw new Error(`it took ${seconds} s`);
  if (errors.length !== 1) throw new Error(`${errors.length} images failed`);
  if (result?.receipt.images.some(({ status }) => status !== 'complete')) throw new Error('others failed too');
}
