/** Targets that take uploads in their own way only. */
import { actions, fault, quirks } from '../../support/faultyServer.ts';
import { bigBytes, sharedLayers } from '../images.ts';
import { inParts } from '../requests.ts';
import type { CaseRun, FaultCase } from '../stage.ts';

const uploads = { path: /\/blobs\/uploads\// } as const;
const longerThan = (bytes: number) => (headers: Record<string, unknown>) =>
  Number(headers['content-length'] ?? 0) > bytes;

/** What `change` makes of the Location of every upload. */
function located(change: (location: string) => string) {
  const rewritten = actions.rewrite((head) =>
    head.location === undefined ? head : { ...head, location: change(head.location) },
  );
  return fault({ ...uploads, method: ['POST', 'PATCH', 'GET'] }, rewritten);
}

export const locations: readonly FaultCase[] = [
  {
    name: 'Location with a query',
    expected: 'complete',
    registry: inParts,
    targetFaults: [located((at) => `${at}?_state=a%2Fb%3D`)],
  },
  {
    name: 'Location absolute, with a query',
    expected: 'complete',
    registry: inParts,
    targetFaults: [quirks.absoluteLocation],
  },
  {
    name: 'Location on another host',
    expected: 'ERR_PROTOCOL',
    targetFaults: [located((at) => `http://127.0.0.1:9${at}`)],
  },
  {
    name: 'Location missing',
    expected: 'ERR_PROTOCOL',
    targetFaults: [fault({ ...uploads, method: 'POST' }, actions.setHeaders({ location: '' }))],
  },
];

function mounting(name: string, more: Partial<FaultCase>): FaultCase[] {
  return [undefined, 2].map((concurrency) => ({
    name: concurrency === undefined ? name : `${name}, ${concurrency} requests at once`,
    expected: 'complete',
    images: sharedLayers,
    ...(concurrency === undefined ? {} : { client: { concurrency } }),
    ...more,
  }));
}

export const mounts: readonly FaultCase[] = [
  ...mounting('14 layers to be mounted', {}),
  ...mounting('mounts answered 202', { targetFaults: [quirks.mountRefused] }),
  ...[401, 403, 405].flatMap((status) =>
    mounting(`mounts answered ${status}`, {
      targetFaults: [fault({ method: 'POST', path: /[?&]mount=/ }, actions.status(status))],
    }),
  ),
  ...mounting('mounts answered 202, and 429 now and then', {
    targetFaults: () => {
      let seen = 0;
      const everyEighth = () => {
        seen += 1;
        return seen % 8 === 0 && seen < 80;
      };
      return [fault({ method: ['PUT', 'GET'], when: everyEighth }, actions.status(429)), quirks.mountRefused];
    },
    most: 2,
  }),
];

function partsAtLeast(bytes: number): (run: CaseRun) => void {
  return ({ stage }) => {
    const parts = stage.target.log.find({ method: 'PATCH' }).map(({ received }) => received);
    if (parts.length < 2) throw new Error('nothing was sent in parts');
    if (parts.slice(0, -1).some((part) => part < bytes)) throw new Error(`parts are too small: ${parts.join(', ')}`);
  };
}

const tooLarge = fault({ ...uploads, when: longerThan(1_200_000) }, actions.status(413));

export const ways: readonly FaultCase[] = [
  {
    name: 'PATCH only',
    expected: 'complete',
    most: 2,
    targetFaults: [fault({ ...uploads, method: 'PUT', when: longerThan(0) }, actions.status(405))],
  },
  {
    name: 'PUT only, PATCH answered 405',
    expected: 'complete',
    registry: inParts,
    targetFaults: [quirks.patchRefused],
  },
  {
    name: 'PUT only, PATCH answered 404',
    expected: 'complete',
    registry: inParts,
    targetFaults: [fault({ method: 'PATCH' }, actions.status(404))],
  },
  {
    name: 'neither PUT nor PATCH',
    expected: 'ERR_UNSUPPORTED',
    most: 3,
    targetFaults: [fault({ ...uploads, method: ['PUT', 'PATCH'], when: longerThan(0) }, actions.status(405))],
  },
  {
    name: 'OCI-Chunk-Min-Length of 700 000',
    expected: 'complete',
    registry: inParts,
    targetFaults: [fault({ ...uploads, method: 'POST' }, actions.setHeaders({ 'oci-chunk-min-length': '700000' }))],
    check: partsAtLeast(700_000),
  },
  { name: '413 above 1.2 MB', expected: 'complete', targetFaults: [tooLarge], most: 2, check: partsAtLeast(1) },
  {
    name: 'hung up above 1.2 MB',
    expected: 'complete',
    targetFaults: [fault({ ...uploads, when: longerThan(1_200_000) }, actions.cutUpload(bigBytes / 2))],
    most: 4,
    check: partsAtLeast(1),
  },
  {
    name: '413 whatever is sent',
    expected: 'ERR_PROTOCOL',
    targetFaults: [fault({ ...uploads, when: longerThan(500_000) }, actions.status(413))],
    most: 2,
  },
  { name: 'one request after the other', expected: 'complete', client: { concurrency: 1 } },
];
