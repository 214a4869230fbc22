import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/oci/reference.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { readVerified } from '../../../src/store/verified.ts';
import { type PackedSet, packSet, writeVolumes } from '../../support/packedSet.ts';

let root: string;
let directory: string;
let single: PackedSet;
let many: PackedSet;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-bundle-'));
  single = await packSet();
  many = await packSet({ volumeSize: 40_000, layerBytes: 70_000 });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

describe('openBundle()', () => {
  it('gives back every manifest and blob of a single file', async () => {
    const [path = ''] = await writeVolumes(directory, single.volumes);
    const bundle = await openBundle(path);
    expect([bundle.set?.id, bundle.missingVolumes, bundle.signature]).toEqual([single.set.id, [], 'absent']);
    for (const image of single.images) {
      const repository = bundle.repository(image.reference);
      expect(await repository.resolve(image.reference.tag ?? parseTag('none'))).toEqual(image.root);
      for (const descriptor of [...image.manifests.map((one) => one.descriptor), ...image.blobs]) {
        const bytes = await readVerified(repository, descriptor, { limit: 1e7 });
        expect(Buffer.from(bytes).equals(single.content.get(descriptor.digest) ?? Buffer.of())).toBe(true);
      }
    }
    expect(Buffer.from((await bundle.file('airgap.lock')) ?? []).toString()).toBe('lock');
    expect(await bundle.file('other')).toBeUndefined();
  });

  it('puts blobs together from volumes', async () => {
    expect(many.set.blobs.some((blob) => blob.parts.length > 1)).toBe(true);
    await writeVolumes(directory, many.volumes);
    const bundle = await openBundle(directory);
    for (const image of many.images) {
      for (const blob of image.blobs) {
        const bytes = await readVerified(bundle.repository(image.reference), blob, { limit: 1e7 });
        expect(Buffer.from(bytes).equals(many.content.get(blob.digest) ?? Buffer.of())).toBe(true);
      }
    }
  });
});
