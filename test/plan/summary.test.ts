import { describe, expect, it } from 'vitest';
import { planImages } from '../../src/plan/build.ts';
import { summarise } from '../../src/plan/summary.ts';
import { blob, resolved } from './images.ts';

describe('summarise()', () => {
  it('counts what is moved once, what is placed often, and what reuse saves', () => {
    const shared = blob('shared', 1000);
    const notice = { kind: 'foreign-layer', message: 'one foreign layer stays upstream' } as const;
    const same = [blob('same', 3)];
    const plan = planImages(
      [
        resolved({ source: 'quay.io/b:1', blobs: [blob('b', 10), shared], more: { notices: [notice] } }),
        resolved({ source: 'ghcr.io/a:1', blobs: [blob('a', 20), shared] }),
        resolved({ source: 'ghcr.io/c:1', blobs: same }),
        resolved({ source: 'ghcr.io/c:2', blobs: same }),
      ],
      [resolved({ source: 'ghcr.io/d:1' })],
    );
    expect(summarise(plan)).toEqual({
      images: 4,
      unchanged: 1,
      manifests: 3,
      uniqueBlobs: 4,
      uniqueBytes: 1033,
      blobPlacements: 5,
      bytesWithoutReuse: 1010 + 1020 + 3 + 3,
      notices: [{ image: 'quay.io/b:1', notice }],
    });
  });

  it('is all zeros for nothing', () => {
    const { notices, ...figures } = summarise(planImages([], []));
    expect(notices).toEqual([]);
    expect(new Set(Object.values(figures))).toEqual(new Set([0]));
  });
});
