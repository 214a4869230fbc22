import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiptGathering, type ReceiptPlace } from '../../src/lock/gather-receipt.ts';
import type { SiteReceipt } from '../../src/lock/receipt.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { planImages } from '../../src/plan/build.ts';
import { splitDelta } from '../../src/plan/delta.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { ResolvedImage } from '../../src/resolve/resolved.ts';
import { blob, resolved } from './images.ts';

const atRegistry = (path: string, prefix = ''): ReceiptPlace => ({ registry: '', prefix, path });

/** What a site has that took these images whole. */
function holding(entries: readonly (readonly [ResolvedImage, ReceiptPlace])[]): SiteReceipt {
  const gathering = new ReceiptGathering('site');
  for (const [image, place] of entries) {
    for (const tag of image.tags) gathering.tag(place, tag);
    for (const { descriptor } of image.manifests) gathering.manifest(place, descriptor);
    for (const one of image.blobs) gathering.blob(place, one);
  }
  return gathering.done();
}

function digests(contents: readonly { readonly digest: string }[]): string[] {
  return contents.map(({ digest }) => digest);
}

const base = blob('base', 1000);
const kubelet = resolved({
  source: 'ghcr.io/siderolabs/kubelet:v1',
  blobs: [blob('config 1', 10), base, blob('one', 7)],
});
const newer = resolved({
  source: 'ghcr.io/siderolabs/kubelet:v2',
  blobs: [blob('config 2', 11), base, blob('two', 8)],
});
const pause = resolved({ source: 'registry.k8s.io/pause:3.10', blobs: [blob('config 3', 12), blob('pause', 9)] });

describe('splitDelta()', () => {
  it('leaves out what is whole, and of what is new the blobs that are there', () => {
    const delta = splitDelta(
      planImages([kubelet, newer, pause], []),
      holding([
        [kubelet, atRegistry('siderolabs/kubelet', 'infra')],
        [pause, atRegistry('pause', 'infra')],
      ]),
    );
    expect(delta.images).toEqual([newer]);
    expect(digests(delta.blobs)).toEqual(digests([blob('config 2', 11), blob('two', 8)]));
    const apart = [kubelet, pause]
      .flatMap(({ root, blobs }) => [root, ...blobs])
      .filter(({ digest }) => digest !== base.digest);
    expect(new Set(digests(delta.known))).toEqual(new Set(digests(apart)));
    expect(delta.base).toEqual([
      {
        digest: base.digest,
        size: 1000,
        upstream: ['ghcr.io/siderolabs/kubelet'],
        repositories: ['infra/siderolabs/kubelet'],
      },
    ]);
    expect([delta.savedBlobs, delta.savedBytes]).toEqual([5, 10 + 1000 + 7 + 12 + 9]);
  });

  it.each([
    ['the host replaced', atRegistry('siderolabs/kubelet')],
    ['below a prefix', atRegistry('siderolabs/kubelet', 'a/b')],
    ['registries kept apart', atRegistry('ghcr.io/siderolabs/kubelet', 'infra')],
    ['names kept', { registry: 'ghcr.io', prefix: '', path: 'siderolabs/kubelet' }],
  ])('knows an image again with %s', (_, place) => {
    expect(splitDelta(planImages([kubelet], []), holding([[kubelet, place]])).images).toEqual([]);
  });

  it.each([
    ['another prefix than was asked', atRegistry('other/siderolabs/kubelet')],
    ['another registry', { registry: 'quay.io', prefix: '', path: 'siderolabs/kubelet' }],
    ['another repository', atRegistry('kubelet')],
  ])('takes it along when it lies in %s, without its blobs', (_, place) => {
    const delta = splitDelta(planImages([kubelet], []), holding([[kubelet, place]]));
    expect([delta.images, delta.blobs, delta.known]).toEqual([[kubelet], [], []]);
    expect(delta.base).toHaveLength(3);
  });

  it('takes an image along whose tag stands for something else, whose manifest is lost, or which lies in pieces', () => {
    const place = atRegistry('siderolabs/kubelet');
    const moved = holding([
      [{ ...kubelet, tags: [{ tag: parseTag('v1'), digest: newer.root.digest, role: 'image' }] }, place],
    ]);
    const bare = holding([[{ ...kubelet, manifests: [] }, place]]);
    const pieces = holding([
      [{ ...kubelet, blobs: [] }, place],
      [{ ...kubelet, tags: [], manifests: [] }, atRegistry('other')],
    ]);
    for (const have of [moved, bare, pieces]) {
      const delta = splitDelta(planImages([kubelet], []), have);
      expect([delta.images, delta.blobs]).toEqual([[kubelet], []]);
    }
  });

  it('does not believe a blob of another size', () => {
    const lie = holding([[{ ...kubelet, blobs: [...kubelet.blobs.slice(1), blob('config 1', 5)] }, atRegistry('x')]]);
    expect(digests(splitDelta(planImages([kubelet], []), lie).blobs)).toEqual(digests([blob('config 1', 10)]));
  });

  it('takes every name of a manifest along when one is new', () => {
    const latest = resolved({ source: 'ghcr.io/siderolabs/kubelet:latest', blobs: kubelet.blobs });
    const delta = splitDelta(planImages([kubelet, latest], []), holding([[kubelet, atRegistry('siderolabs/kubelet')]]));
    expect(delta.images.map(({ reference }) => reference.tag).sort()).toEqual(['latest', 'v1']);
    expect([delta.known, delta.blobs]).toEqual([[], []]);
  });

  it('names upstream repositories of a receipt that keeps names', () => {
    const have = holding([[kubelet, { registry: 'mirror.gcr.io', prefix: '', path: 'a/kubelet' }]]);
    const [first] = splitDelta(planImages([kubelet], []), have).base;
    expect(first).toMatchObject({
      upstream: ['ghcr.io/siderolabs/kubelet', 'mirror.gcr.io/a/kubelet'],
      repositories: [],
    });
  });
});

const words = fc.uniqueArray(
  fc.nat(12).map((at) => blob(`layer ${at}`, 100 + at)),
  {
    selector: ({ digest }) => digest,
    minLength: 1,
    maxLength: 5,
  },
);
const images = fc
  .uniqueArray(fc.record({ name: fc.nat(3), version: fc.nat(3), blobs: words }), {
    selector: ({ name, version }) => `${name} ${version}`,
    maxLength: 6,
  })
  .map((made) => made.map(({ name, version, blobs }) => resolved({ source: `ghcr.io/a/b${name}:${version}`, blobs })));

/** A site that has some images whole, and some blobs without any. */
const site = fc.tuple(images, words, fc.constantFrom('', 'infra')).map(([whole, loose, prefix]) => {
  const gathering = new ReceiptGathering('site');
  gathering.take(holding(whole.map((image) => [image, atRegistry(image.reference.repository, prefix)])));
  for (const one of loose) gathering.blob(atRegistry('loose', prefix), one);
  return gathering.done();
});

describe('for any plan and receipt', () => {
  const keys = (blobs: readonly Descriptor[]): Set<string> => new Set(digests(blobs));
  const check = (test: (plan: Plan, have: SiteReceipt) => void): void =>
    fc.assert(
      fc.property(images, site, (wanted, have) => test(planImages(wanted, []), have)),
      { numRuns: 400 },
    );

  it('what travels is wanted minus present, each blob once', () => {
    check((plan, have) => {
      const delta = splitDelta(plan, have);
      const present = new Set(digests(have.blobs));
      const wanted = new Set(digests(plan.blobs.map(({ descriptor }) => descriptor)));
      const expected = [...wanted].filter((digest) => !present.has(digest));
      expect(keys(delta.blobs).size).toBe(delta.blobs.length);
      expect([...keys(delta.blobs)].sort()).toEqual(expected.sort());
      for (const digest of wanted) expect(keys(delta.blobs).has(digest) || present.has(digest)).toBe(true);
    });
  });

  it('every image is in the bundle with what it needs, or known with all its manifests', () => {
    check((plan, have) => {
      const delta = splitDelta(plan, have);
      const [travelling, base, known] = [
        keys(delta.blobs),
        new Set(digests(delta.base)),
        new Set(digests(delta.known)),
      ];
      const carried = new Set(
        delta.images.flatMap(({ manifests }) => manifests.map(({ descriptor }) => descriptor.digest)),
      );
      for (const image of delta.images)
        for (const { digest } of image.blobs) expect(travelling.has(digest) !== base.has(digest)).toBe(true);
      for (const image of plan.images.filter((one) => !delta.images.includes(one))) {
        for (const { digest } of [image.root, ...image.blobs])
          expect(known.has(digest) || travelling.has(digest) || base.has(digest)).toBe(true);
        expect(carried.has(image.root.digest)).toBe(false);
      }
      for (const digest of known) expect(carried.has(digest as Digest)).toBe(false);
    });
  });

  it('what is saved and what travels are the whole', () => {
    check((plan, have) => {
      const delta = splitDelta(plan, have);
      const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
      const whole = sum(plan.blobs.map(({ descriptor }) => descriptor.size));
      expect(delta.savedBytes + sum(delta.blobs.map(({ size }) => size))).toBe(whole);
      expect(delta.savedBlobs + delta.blobs.length).toBe(plan.blobs.length);
    });
  });

  it('a receiver who has everything gets nothing, and one who has nothing gets everything', () => {
    check((plan) => {
      const all = holding(plan.images.map((image) => [image, atRegistry(image.reference.repository)]));
      expect(splitDelta(plan, all)).toMatchObject({ images: [], blobs: [], base: [] });
      const nothing = splitDelta(plan, holding([]));
      expect(nothing).toMatchObject({ images: plan.images, known: [], base: [], savedBytes: 0 });
      expect(nothing.blobs).toHaveLength(plan.blobs.length);
    });
  });
});
