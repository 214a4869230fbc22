import { describe, expect, it } from 'vitest';
import { contentKey } from '../../src/copy/survey.ts';
import { workOf } from '../../src/copy/work.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { Plan, PlannedBlob } from '../../src/plan/plan.ts';

const a = { registry: 't:1', repository: 'a' };
const b = { registry: 't:1', repository: 'b' };

function planned(name: string, size: number): PlannedBlob {
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(Buffer.from(name)), size };
  return { descriptor, from: [{ registry: 'ghcr.io', repository: name }], to: [a, b] };
}

function planOf(...blobs: PlannedBlob[]): Plan {
  return { images: [], unchanged: [], blobs };
}

describe('workOf()', () => {
  it('moves a blob once and mounts it into the other repository', () => {
    const { totals } = workOf(planOf(planned('x', 100)), { present: new Set(), tags: new Map() });
    expect(totals).toMatchObject({ moveBlobs: 1, moveBytes: 100, mounts: 1, mountBytes: 100, presentBlobs: 0 });
  });

  it('moves nothing when another repository of the target has the blob', () => {
    const blob = planned('x', 100);
    const present = new Set([contentKey(b, blob.descriptor.digest)]);
    const { blobs, totals } = workOf(planOf(blob), { present, tags: new Map() });
    expect(totals).toMatchObject({ moveBlobs: 0, moveBytes: 0, mounts: 1, presentBlobs: 1, presentBytes: 100 });
    expect(blobs[0]).toMatchObject({ present: [b], missing: [a] });
  });

  it('has nothing to do when everything is there', () => {
    const blob = planned('x', 100);
    const present = new Set([contentKey(a, blob.descriptor.digest), contentKey(b, blob.descriptor.digest)]);
    const { totals } = workOf(planOf(blob), { present, tags: new Map() });
    expect(totals).toMatchObject({ moveBlobs: 0, mounts: 0, presentBlobs: 2, bytes: 100 });
  });

  it('mounts a blob from elsewhere into every repository, and counts it neither as moved nor as placed', () => {
    const blob = planned('x', 100);
    const elsewhere = new Map([[blob.descriptor.digest, { registry: 't:1', repository: 'old' }]]);
    const { blobs, totals } = workOf(planOf(blob), { present: new Set(), tags: new Map(), elsewhere });
    expect(totals).toMatchObject({ moveBlobs: 0, moveBytes: 0, mounts: 2, mountBytes: 200, presentBlobs: 0 });
    expect(blobs[0]).toMatchObject({ present: [], missing: [a, b], elsewhere: { repository: 'old' } });
  });

  it('does not look elsewhere for what a repository of the plan has', () => {
    const blob = planned('x', 100);
    const elsewhere = new Map([[blob.descriptor.digest, { registry: 't:1', repository: 'old' }]]);
    const present = new Set([contentKey(b, blob.descriptor.digest)]);
    expect(workOf(planOf(blob), { present, tags: new Map(), elsewhere }).blobs[0]?.elsewhere).toBeUndefined();
  });
});
