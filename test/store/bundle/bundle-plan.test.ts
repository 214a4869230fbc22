import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import type { BundleContents } from '../../../src/store/bundle/bundle.ts';
import { planBundle } from '../../../src/store/bundle/bundle-plan.ts';
import { parseSet, parseVolume } from '../../../src/store/bundle/parse-set.ts';
import { printSet, setIdOf } from '../../../src/store/bundle/print-set.ts';
import { layOutVolume, volumeFileName, volumeText } from '../../../src/store/bundle/volume-layout.ts';

function descriptor(seed: string, size: number, mediaType: string = mediaTypes.ociManifest): Descriptor {
  return { mediaType, digest: digestOf(Buffer.from(seed)), size };
}

function contentsOf(sizes: readonly number[]): BundleContents {
  const child = descriptor('child', 600);
  const index = descriptor('index', 700, mediaTypes.ociIndex);
  const other = descriptor('other', 500);
  const name = { registry: 'ghcr.io', repository: 'a/b' };
  return {
    images: [
      {
        name,
        manifests: [
          { descriptor: child, children: [] },
          { descriptor: index, children: [child.digest] },
        ],
        tags: [{ tag: parseTag('v1'), digest: index.digest }],
      },
      { name, manifests: [{ descriptor: other, children: [] }], tags: [] },
    ],
    blobs: sizes.map((size, at) => descriptor(`blob ${at}`, size)),
    files: [{ name: 'airgap.lock', bytes: Buffer.from('version: 1\n') }],
    base: [{ digest: digestOf(Buffer.from('base')), size: 9, upstream: ['ghcr.io/b', 'ghcr.io/a'], repositories: [] }],
    known: [],
    talos: 'v1.14.4',
  };
}

describe('planBundle()', () => {
  it('volumes are never larger than asked, their entries do not overlap, and what they say is read back', () => {
    const sizes = fc.array(fc.nat(60_000), { maxLength: 30 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 40_000, max: 200_000 }), fc.boolean(), (content, volumeSize, signed) => {
        const { set } = planBundle(contentsOf(content), { volumeSize, signed });
        expect(parseSet(Buffer.from(printSet(set)), 'x')).toEqual(set);
        for (let number = 1; number <= set.volumes; number += 1) {
          const layout = layOutVolume(set, { number, signed });
          expect(layout.size).toBeLessThanOrEqual(volumeSize);
          let end = 0;
          for (const entry of [...layout.head, ...layout.segments]) {
            expect(entry.header).toBe(end);
            end = entry.offset + Math.ceil(entry.size / 512) * 512;
          }
          expect(layout.size).toBe(end + 1024);
          const text = volumeText(set, { number, checksumOf: (digest) => digest });
          expect(text).toHaveLength(layout.head.find(({ name }) => name === 'airgap/volume.json')?.size ?? 0);
          const volume = parseVolume(Buffer.from(text), 'x');
          expect(volume).toMatchObject({ set: set.id, number, volumes: set.volumes });
          expect(volume.content).toHaveLength(layout.segments.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same set for the same contents in whatever order', () => {
    const contents = contentsOf([5, 70_000, 900, 30_000]);
    const other: BundleContents = {
      ...contents,
      images: [...contents.images].reverse(),
      blobs: [...contents.blobs, ...contents.blobs].reverse(),
      base: contents.base.map((one) => ({ ...one, upstream: [...one.upstream, 'ghcr.io/a'].reverse() })),
    };
    const options = { volumeSize: 40_000, signed: false };
    expect(planBundle(other, options)).toEqual(planBundle(contents, options));
    const { set } = planBundle(contents, options);
    const { id, ...draft } = set;
    expect(setIdOf(draft)).toBe(id);
    expect(volumeFileName(set, 1)).toBe(`airgap-${id.slice(0, 8)}-1of${set.volumes}.tar`);
    expect(volumeFileName({ ...set, volumes: 120 }, 7)).toBe(`airgap-${id.slice(0, 8)}-007of120.tar`);
  });

  it('names in index.json what no other manifest names, and every tag', () => {
    const { files } = planBundle(contentsOf([]), { volumeSize: undefined, signed: false });
    const index = JSON.parse(Buffer.from(files.get('index.json') ?? []).toString()) as {
      manifests: { annotations: Record<string, string> }[];
    };
    expect(index.manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name'])).toEqual([
      `ghcr.io/a/b:v1`,
      `ghcr.io/a/b@${digestOf(Buffer.from('other'))}`,
    ]);
  });

  it('refuses volumes that are too small and names a size that works, and no smaller one does', () => {
    const contents = contentsOf([50_000, 3]);
    const plan = (volumeSize: number) => planBundle(contents, { volumeSize, signed: true });
    let hint = '';
    try {
      plan(4096);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_USAGE' });
      hint = (error as { hint: string }).hint;
    }
    const size = Number(/^use --volume-size (\d+) or more$/.exec(hint)?.[1]);
    const { set } = plan(size);
    for (let number = 1; number <= set.volumes; number += 1) {
      expect(layOutVolume(set, { number, signed: true }).size).toBeLessThanOrEqual(size);
    }
    expect(() => plan(size - 512)).toThrow('too small');
  });

  it('leaves out what is in the base, and refuses what contradicts itself', () => {
    const contents = contentsOf([5]);
    const [first] = contents.blobs;
    if (first === undefined) throw new Error('no blob');
    const options = { volumeSize: undefined, signed: false };
    const delta = { ...contents, base: [{ digest: first.digest, size: 5, upstream: [], repositories: [] }] };
    expect(planBundle(delta, options).set).toMatchObject({ blobs: [], base: [{ digest: first.digest }] });
    const twice = { ...contents, blobs: [first, { ...first, size: 6 }] };
    expect(() => planBundle(twice, options)).toThrow('should have 5 and 6 bytes');
    const files = [...contents.files, { name: 'index.json', bytes: Buffer.alloc(0) }];
    expect(() => planBundle({ ...contents, files }, options)).toThrow('two files');
  });
});
