import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRepository, printReference } from '../../src/oci/reference.ts';
import { planImages } from '../../src/plan/build.ts';
import { blob, resolved } from './images.ts';

describe('planImages()', () => {
  const shared = blob('shared', 1000);
  const images = [
    resolved({ source: 'quay.io/b:1', blobs: [blob('config b'), shared] }),
    resolved({ source: 'ghcr.io/a:2', blobs: [blob('config a2'), shared] }),
    resolved({ source: 'ghcr.io/a:1', blobs: [blob('config a1'), shared] }),
  ];

  it('plans each digest once, in the order images need them, with every place it comes from and goes to', () => {
    const plan = planImages(images, []);
    expect(plan.images.map(({ reference }) => printReference(reference))).toEqual([
      'ghcr.io/a:1',
      'ghcr.io/a:2',
      'quay.io/b:1',
    ]);
    expect(plan.blobs.map(({ descriptor }) => descriptor)).toEqual([
      blob('config a1'),
      shared,
      blob('config a2'),
      blob('config b'),
    ]);
    const place = plan.blobs[1];
    expect(place?.from).toEqual([
      { registry: 'ghcr.io', repository: 'a' },
      { registry: 'quay.io', repository: 'b' },
    ]);
    expect(place?.to).toEqual([
      { registry: 'target.local:5000', repository: 'a' },
      { registry: 'target.local:5000', repository: 'b' },
    ]);
  });

  it('names one target repository once, also when two upstream repositories meet in it', () => {
    const twins = [
      resolved({ source: 'ghcr.io/x:1', target: 'target.local:5000/x', blobs: [shared] }),
      resolved({ source: 'quay.io/x:2', target: 'target.local:5000/x', blobs: [shared] }),
    ];
    const [only] = planImages(twins, []).blobs;
    expect(only?.from.map(formatRepository)).toEqual(['ghcr.io/x', 'quay.io/x']);
    expect(only?.to.map(formatRepository)).toEqual(['target.local:5000/x']);
  });

  it('gives the same plan in whatever order images come', () => {
    const expected = planImages(images, []);
    fc.assert(
      fc.property(fc.shuffledSubarray(images, { minLength: images.length }), (shuffled) => {
        expect(planImages(shuffled, [])).toEqual(expected);
      }),
    );
  });

  it('keeps unchanged images apart, sorted, and plans nothing for them', () => {
    const plan = planImages([], images);
    expect(plan.unchanged.map(({ reference }) => printReference(reference))).toEqual([
      'ghcr.io/a:1',
      'ghcr.io/a:2',
      'quay.io/b:1',
    ]);
    expect(plan.images).toEqual([]);
    expect(plan.blobs).toEqual([]);
  });

  it('takes one digest under two media types for one blob', () => {
    const docker = { ...shared, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' };
    const both = [resolved({ source: 'a.io/a', blobs: [shared] }), resolved({ source: 'b.io/b', blobs: [docker] })];
    expect(planImages(both, []).blobs.map(({ descriptor }) => descriptor)).toEqual([shared]);
  });

  it('refuses two sizes for one digest, naming both images', () => {
    const liar = resolved({ source: 'evil.io/z:1', blobs: [blob('shared', 7)], line: 9 });
    expect(() => planImages([liar, ...images], [])).toThrow(
      expect.objectContaining({
        code: 'ERR_PROTOCOL',
        message: expect.stringMatching(/"evil\.io\/z:1" says it has 7 bytes, "ghcr\.io\/a:1" says 1000/),
        origins: ['images.txt:1', 'images.txt:9'],
      }),
    );
  });
});
