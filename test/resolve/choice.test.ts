import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { type ResolveOptions, resolveImages } from '../../src/resolve/resolve.ts';
import type { PlatformWish, ResolvedImage } from '../../src/resolve/resolved.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source } from '../../src/store/store.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedArtifact, seedCosignTag } from '../support/seedAttached.ts';
import { seedImage, seedNestedIndex } from '../support/seedImages.ts';
import { watch } from '../support/watched.ts';
import { imageOf, put, request, wishFor } from './builders.ts';

const asked = 'ghcr.io/a/b:1';
const amd64 = wishFor(['linux/amd64']);

async function resolveOne(
  source: Source,
  wish: PlatformWish,
  more: Partial<ResolveOptions> = {},
): Promise<ResolvedImage> {
  const { images, failures } = await resolveImages([request(asked)], {
    source,
    wish,
    signatures: false,
    ...more,
  });
  const [image] = images;
  if (image === undefined) throw failures[0]?.error;
  return image;
}

function childOf(seeded: SeededImage, platform: string): string {
  const index = JSON.parse(Buffer.from(seeded.manifests.at(-1)?.bytes ?? '').toString()) as {
    manifests: { digest: string; platform: { architecture: string } }[];
  };
  return index.manifests.find((child) => child.platform.architecture === platform)?.digest ?? 'none';
}

const kinds = (image: ResolvedImage): string[] => image.notices.map((notice) => notice.kind);
const manifests = (image: ResolvedImage): string[] => image.manifests.map((document) => document.descriptor.digest);

describe('choosePlatforms()', () => {
  it('reads each of the indexes inside indexes once, however often they are listed', async () => {
    const memory = openMemory();
    const repository = memory.repository(parseReference(asked));
    let level = await put(repository, imageOf('leaf'));
    for (let depth = 0; depth < 7; depth += 1) {
      const platform = depth === 0 ? { platform: { os: 'linux', architecture: 'amd64' } } : {};
      const many = Array.from({ length: 20 }, () => ({ ...level, ...platform }));
      level = await put(repository, { manifests: many }, depth === 6 ? { tag: '1' } : {});
    }
    const image = await resolveOne(memory, amd64);
    expect(image.manifests).toHaveLength(8);
  });

  it('keeps the index as it is and only the wanted child with its attestation, without reading the others', async () => {
    const memory = openMemory();
    const seeded = await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'], attestations: true });
    const { store, calls } = watch(memory);
    const targets: string[] = [];
    const image = await resolveOne(store, amd64, {
      sparse: async (target) => {
        targets.push(target.registry);
        return true;
      },
    });
    expect(image.root.digest).toBe(seeded.root.digest);
    expect(image.manifests).toHaveLength(3);
    expect(manifests(image)[0]).toBe(childOf(seeded, 'amd64'));
    expect(image.omitted).toHaveLength(2);
    expect(image.omitted[0]?.digest).toBe(childOf(seeded, 'arm64'));
    expect(kinds(image)).toEqual(['sparse']);
    expect(targets).toEqual(['registry.internal:6000']);
    expect(calls).toHaveLength(3);
  });

  it('copies everything and says so when the target refuses a part of an index', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const image = await resolveOne(memory, amd64, { sparse: async () => false });
    expect(image.manifests).toHaveLength(3);
    expect(image.omitted).toEqual([]);
    expect(kinds(image)).toEqual(['sparse-refused']);
  });

  it('does not ask the target when nothing would be left out', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const never = async (): Promise<boolean> => {
      throw new Error('asked');
    };
    const image = await resolveOne(memory, wishFor(['linux/amd64', 'linux/arm64']), { sparse: never });
    expect(image).toMatchObject({ omitted: [], notices: [] });
  });

  it('blames the target when it cannot be asked', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const sparse = async (): Promise<boolean> => {
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot connect');
    };
    await expect(resolveOne(memory, amd64, { sparse })).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      end: 'target',
    });
  });

  it('narrows to the platform, and tells the digest upstream', async () => {
    const memory = openMemory();
    const seeded = await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const image = await resolveOne(memory, wishFor(['linux/arm64'], { narrow: true }));
    expect(image.root.digest).toBe(childOf(seeded, 'arm64'));
    expect(image.narrowedFrom).toBe(seeded.root.digest);
    expect(image.tags).toMatchObject([{ tag: '1', digest: image.root.digest }]);
    expect(image.manifests).toHaveLength(1);
    expect(kinds(image)).toEqual(['narrowed']);
    expect(image.notices[0]?.message).toContain(seeded.root.digest);
  });

  it('does not narrow what is asked for by the digest of its index', async () => {
    const memory = openMemory();
    const { root } = await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const wish = wishFor(['linux/amd64'], { narrow: true });
    const pinned = request(`${asked}@${root.digest}`);
    const { images } = await resolveImages([pinned], { source: memory, wish, signatures: false });
    expect(images[0]).toMatchObject({ root: { digest: root.digest } });
    expect(images[0]?.narrowedFrom).toBeUndefined();
    expect(images[0]?.omitted).toHaveLength(1);
    expect(images[0]?.notices.map((notice) => notice.kind)).toEqual(['narrowed', 'sparse']);
  });

  it('says which wanted platform is missing, and copies what is there', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    const image = await resolveOne(memory, wishFor(['linux/amd64', 'linux/s390x']));
    expect(kinds(image)).toEqual(['platform-missing', 'sparse']);
    expect(image.notices[0]?.message).toMatch(/linux\/s390x.*linux\/amd64, linux\/arm64/);
    expect(image.omitted).toHaveLength(1);
  });

  it('takes an image whole that has none of the wanted platforms', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    for (const narrow of [false, true]) {
      const image = await resolveOne(memory, wishFor(['linux/s390x'], { narrow }));
      expect(image.manifests).toHaveLength(3);
      expect(kinds(image)).toEqual(['platform-missing']);
    }
  });

  it('fails an image without a required platform, naming what there is', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    await expect(resolveOne(memory, wishFor(['linux/s390x'], { require: true }))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('linux/amd64, linux/arm64'),
    });
  });

  it('learns the platform of a single image from its config', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, { platforms: ['linux/arm64'], docker: true });
    expect(await resolveOne(memory, wishFor(['linux/arm64']))).toMatchObject({ notices: [], omitted: [] });
    const missing = await resolveOne(memory, amd64);
    expect(kinds(missing)).toEqual(['platform-missing']);
    expect(missing.manifests).toHaveLength(1);
    await expect(resolveOne(memory, { ...amd64, require: true })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('expects no platform of an artifact', async () => {
    const memory = openMemory();
    await seedArtifact(memory, asked);
    expect(await resolveOne(memory, { ...amd64, require: true })).toMatchObject({ notices: [], omitted: [] });
  });

  it('looks into nested indexes', async () => {
    const memory = openMemory();
    await seedNestedIndex(memory, asked, { platforms: ['linux/amd64', 'linux/arm64', 'linux/s390x'] });
    const image = await resolveOne(memory, wishFor(['linux/arm64']));
    expect(image.omitted.map((child) => child.platform?.architecture)).toEqual(['amd64', 's390x']);
    expect(image.manifests).toHaveLength(3);
    const narrowed = await resolveOne(memory, wishFor(['linux/s390x'], { narrow: true }));
    expect(narrowed.manifests).toHaveLength(1);
  });

  it('reads the config of a child without a platform', async () => {
    const memory = openMemory();
    const one = await seedImage(memory, asked, { platforms: ['linux/amd64'] });
    const two = await seedImage(memory, asked, { platforms: ['linux/arm64'] });
    const repository = memory.repository(parseReference(asked));
    await put(repository, { manifests: [one.root, two.root] }, { tag: '1', mediaType: mediaTypes.ociIndex });
    const image = await resolveOne(memory, amd64);
    expect(image.omitted.map((child) => child.digest)).toEqual([two.root.digest]);
  });

  it('looks for signatures of what is kept and of the index', async () => {
    const memory = openMemory();
    const seeded = await seedImage(memory, asked, { platforms: ['linux/amd64', 'linux/arm64'] });
    await seedCosignTag(memory, seeded);
    const { store, calls } = watch(memory);
    const wish = wishFor(['linux/amd64'], { narrow: true });
    const image = await resolveOne(store, wish, { signatures: true });
    expect(image.signatures).toEqual({ status: 'found', count: 1 });
    expect(image.tags.map((tag) => tag.role)).toEqual(['image', 'signature']);
    const referrers = calls.filter((call) => call.startsWith('referrers'));
    expect(referrers.sort()).toEqual(
      [seeded.root.digest, childOf(seeded, 'amd64')].map((d) => `referrers ghcr.io/a/b@${d}`).sort(),
    );
  });
});
