/** Ends that lie about what they give, or say too little of it. */
import { actions, fault, quirks } from '../../support/faultyServer.ts';
import { type FaultCase, othersStand } from '../stage.ts';

const big = { method: 'GET', path: /\/app\/big\/blobs\/sha/ } as const;
const anyBlob = { method: 'GET', path: /\/blobs\/sha/ } as const;
const manifests = { method: 'GET', path: /\/manifests\// } as const;
/** Layers count as large from here on, so that they are fetched in ranges. */
const ranged = { copy: { rangeThreshold: 300_000, rangeBytes: 100_000 } } as const;
const hasRange = { ...anyBlob, when: (headers: Record<string, unknown>) => headers.range !== undefined };

export const ranges: readonly FaultCase[] = [
  { name: 'a layer in ranges', expected: 'complete', job: ranged },
  {
    name: 'a layer in ranges, Range ignored',
    expected: 'complete',
    job: ranged,
    upstreamFaults: [quirks.rangeIgnored],
    most: 2,
  },
  {
    name: 'a layer in ranges, answered 416',
    expected: 'complete',
    job: ranged,
    upstreamFaults: [fault(hasRange, actions.status(416))],
  },
  {
    name: 'a layer in ranges, wrong Content-Range',
    expected: 'complete',
    job: ranged,
    upstreamFaults: [quirks.wrongContentRange],
    most: 1.2,
  },
  {
    name: 'a layer in ranges, each of them cut',
    expected: 'complete',
    job: ranged,
    upstreamFaults: [fault(big, actions.cutAfter(60_000))],
  },
  {
    name: 'cut, then Range ignored',
    expected: 'complete',
    upstreamFaults: [fault({ ...big, times: 2 }, actions.cutAfter(700_000)), quirks.rangeIgnored],
    most: 2.6,
  },
  {
    name: 'cut, then wrong Content-Range',
    expected: 'complete',
    upstreamFaults: [fault({ ...big, times: 2 }, actions.cutAfter(700_000)), quirks.wrongContentRange],
    most: 2.6,
  },
];

export const wrongBytes: readonly FaultCase[] = [
  {
    name: 'one wrong byte in a layer, once',
    expected: 'complete',
    upstreamFaults: [fault({ ...big, times: 2 }, actions.flipByte(1000))],
    most: 2.1,
  },
  {
    name: 'one wrong byte in a layer, always',
    expected: 'ERR_DIGEST_MISMATCH',
    upstreamFaults: [fault(big, actions.flipByte(1000))],
    most: 2.1,
    check: othersStand,
  },
  {
    name: 'one wrong byte in a small blob, once',
    expected: 'complete',
    upstreamFaults: [fault({ ...anyBlob, path: /\/app\/two\/blobs\/sha/, times: 1 }, actions.flipByte(10))],
    most: 1.1,
  },
  {
    name: 'one wrong byte in a small blob, always',
    expected: 'ERR_DIGEST_MISMATCH',
    upstreamFaults: [fault({ ...anyBlob, path: /\/app\/two\/blobs\/sha/ }, actions.flipByte(10))],
    most: 1.1,
    check: othersStand,
  },
  {
    name: 'one wrong byte in a manifest, once',
    expected: 'complete',
    upstreamFaults: [fault({ ...manifests, times: 1 }, actions.flipByte(100))],
  },
  {
    name: 'one wrong byte in a manifest, always',
    expected: 'ERR_DIGEST_MISMATCH',
    upstreamFaults: [fault({ ...manifests, path: /\/app\/two\/manifests\// }, actions.flipByte(100))],
    check: othersStand,
  },
  {
    name: 'the target alters what is sent to it, once',
    expected: 'complete',
    most: 2.1,
    targetFaults: [
      fault(
        { method: 'PUT', path: /\/app\/big\/blobs\/uploads\//, times: 1 },
        actions.status(400, { code: 'DIGEST_INVALID' }),
      ),
    ],
  },
];

export const headers: readonly FaultCase[] = [
  { name: 'upstream sends no Docker-Content-Digest', expected: 'complete', upstreamFaults: [quirks.noDigestHeader] },
  { name: 'the target sends no Docker-Content-Digest', expected: 'complete', targetFaults: [quirks.noDigestHeader] },
  {
    name: 'upstream sends a wrong Docker-Content-Digest',
    expected: 'ERR_DIGEST_MISMATCH',
    upstreamFaults: [
      fault(
        { path: /\/app\/two\/manifests\// },
        actions.setHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` }),
      ),
    ],
    check: othersStand,
  },
  {
    name: 'the target sends a wrong Docker-Content-Digest',
    expected: 'ERR_DIGEST_MISMATCH',
    targetFaults: [
      fault(
        { method: 'PUT', path: /\/app\/two\/manifests\// },
        actions.setHeaders({ 'docker-content-digest': `sha256:${'0'.repeat(64)}` }),
      ),
    ],
    check: othersStand,
  },
  { name: 'upstream sends no Content-Length', expected: 'complete', upstreamFaults: [quirks.noContentLength] },
  {
    name: 'upstream sends no Content-Length, and cuts',
    expected: 'complete',
    upstreamFaults: [fault({ ...big, times: 2 }, actions.cutAfter(700_000)), quirks.noContentLength],
    most: 2,
  },
  { name: 'upstream refuses HEAD', expected: 'complete', upstreamFaults: [quirks.headRefused] },
  { name: 'the target refuses HEAD', expected: 'complete', targetFaults: [quirks.headRefused] },
  {
    name: 'upstream announces another length',
    expected: 'complete',
    client: { idleTimeoutMs: 400 },
    upstreamFaults: [
      fault(
        { method: 'GET', path: /\/app\/two\/blobs\/sha/ },
        actions.rewrite((head) => ({ ...head, 'content-length': String(Number(head['content-length']) + 7) })),
      ),
    ],
    most: 2.1,
  },
];
