import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { parseReference, type RepositoryName } from '../../src/oci/reference.ts';
import { resolveImages } from '../../src/resolve/resolve.ts';
import type { PlatformWish, ResolvedImage } from '../../src/resolve/resolved.ts';
import { findUnchanged, type KnownImage, knownKey, type UnchangedOptions } from '../../src/resolve/unchanged.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { seedImage } from '../support/seedImages.ts';
import { watch } from '../support/watched.ts';
import { everything, request, wishFor } from './builders.ts';

const asked = 'ghcr.io/a/b:1';
const both = { platforms: ['linux/amd64', 'linux/arm64'] } as const;

/** Puts what was resolved where it belongs, and says what a lock would know of it. */
async function place(
  image: ResolvedImage,
  { source, target }: { source: Target; target: Target },
): Promise<KnownImage> {
  const repository = target.repository(image.target);
  for (const blob of image.blobs) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await source.repository(image.reference).fetch(blob)) chunks.push(chunk);
    await repository.push(blob, contentOfBytes(blob, Buffer.concat(chunks)));
  }
  for (const { descriptor, bytes } of image.manifests) {
    const tag = image.tags.find((assignment) => assignment.digest === descriptor.digest)?.tag;
    await repository.pushManifest(descriptor, bytes, { tag });
  }
  return {
    source: image.reference,
    target: image.target,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.size,
    signatures: 'none',
    omitted: image.omitted.map((child) => child.digest),
    ...(image.narrowedFrom === undefined ? {} : { narrowedFrom: image.narrowedFrom }),
  };
}

async function mirrored(wish: PlatformWish = everything, reference = parseReference(asked)) {
  const source = openMemory();
  const target = openMemory();
  await seedImage(source, asked, both);
  const { images } = await resolveImages([request(reference)], { source, wish, signatures: false });
  const [image] = images;
  if (image === undefined) throw new Error('not resolved');
  const known = await place(image, { source, target });
  const from = watch(source);
  const to = watch(target);
  const again = async (more: Partial<UnchangedOptions> & { readonly knows?: Partial<KnownImage> } = {}) => {
    const now = { ...known, ...more.knows };
    return findUnchanged([request(reference)], {
      known: new Map([[knownKey(now), now]]),
      source: from.store,
      target: to.store,
      wish,
      signatures: false,
      ...more,
    });
  };
  return { source, target, image, known, from, to, again };
}

describe('findUnchanged()', () => {
  it('asks each end once for a tag that is still the same', async () => {
    const { again, from, to, image } = await mirrored();
    const { unchanged, changed } = await again();
    expect(changed).toEqual([]);
    expect(unchanged).toMatchObject([{ root: image.root, origins: [{ document: 'images.txt', line: 1 }] }]);
    expect(from.calls).toEqual(['resolve ghcr.io/a/b:1']);
    expect(to.calls).toEqual(['resolve registry.internal:6000/a/b:1']);
  });

  it('asks the source nothing about a reference with a digest', async () => {
    const source = openMemory();
    const { root } = await seedImage(source, asked, both);
    const target = openMemory();
    const { root: placed } = await seedImage(target, 'registry.internal:6000/a/b:1', { ...both, layers: ['other'] });
    for (const [reference, wanted, same] of [
      [`ghcr.io/a/b@${placed.digest}`, `@${placed.digest}`, true],
      [`ghcr.io/a/b:1@${placed.digest}`, ':1', true],
      [`ghcr.io/a/b:1@${root.digest}`, ':1', false],
    ] as const) {
      const image = request(reference);
      const known: KnownImage = {
        ...{ ...(same ? placed : root), source: image.reference, target: image.target },
        signatures: 'none',
        omitted: [],
      };
      const from = watch(source);
      const to = watch(target);
      const { unchanged } = await findUnchanged([image], {
        known: new Map([[knownKey(known), known]]),
        source: from.store,
        target: to.store,
        wish: everything,
        signatures: true,
      });
      expect(unchanged).toHaveLength(same ? 1 : 0);
      expect(from.calls).toEqual([]);
      expect(to.calls).toEqual([`resolve registry.internal:6000/a/b${wanted}`]);
    }
  });

  it('takes a tag that moved at either end for changed', async () => {
    const upstream = await mirrored();
    await seedImage(upstream.source, asked, { ...both, layers: ['new {platform}'] });
    expect((await upstream.again()).changed).toHaveLength(1);
    const local = await mirrored();
    await seedImage(local.target, 'registry.internal:6000/a/b:1', { ...both, layers: ['else {platform}'] });
    expect((await local.again()).changed).toHaveLength(1);
  });

  it('takes an image that cannot be asked for, or that nobody knows, for changed', async () => {
    const { again, source, target } = await mirrored();
    const before = (): void => {
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot connect');
    };
    expect((await again({ source: watch(source, { before }).store })).changed).toHaveLength(1);
    expect((await again({ target: watch(target, { before }).store })).changed).toHaveLength(1);
    expect((await again({ known: new Map() })).changed).toHaveLength(1);
    expect((await again({ target: openMemory() })).changed).toHaveLength(1);
  });

  it('does not take the same reference in another repository for the same', async () => {
    const { again } = await mirrored();
    const elsewhere: RepositoryName = { registry: 'registry.internal:6000', repository: 'prefix/a/b' };
    expect((await again({ knows: { target: elsewhere } })).changed).toHaveLength(1);
  });

  it('asks nobody when signatures are wanted and were not looked for', async () => {
    const { again, from, to } = await mirrored();
    for (const signatures of ['not-asked', 'unknown'] as const) {
      expect((await again({ signatures: true, knows: { signatures } })).changed).toHaveLength(1);
    }
    expect([...from.calls, ...to.calls]).toEqual([]);
    expect((await again({ signatures: true, knows: { signatures: 'found' } })).unchanged).toHaveLength(1);
  });

  it('holds what was left out against the platforms wanted now', async () => {
    const { again, to } = await mirrored(wishFor(['linux/amd64']));
    expect((await again()).unchanged).toHaveLength(1);
    expect(to.calls).toEqual(['manifest registry.internal:6000/a/b:1']);
    expect((await again({ wish: wishFor(['linux/arm64']) })).changed).toHaveLength(1);
    expect((await again({ wish: wishFor(['linux/amd64', 'linux/arm64']) })).changed).toHaveLength(1);
    expect((await again({ wish: everything })).changed).toHaveLength(1);
    expect((await again({ wish: wishFor(['linux/amd64'], { narrow: true }) })).changed).toHaveLength(1);
  });

  it('takes a whole image for enough where platforms are wanted', async () => {
    const { again } = await mirrored();
    expect((await again({ wish: wishFor(['linux/amd64']) })).unchanged).toHaveLength(1);
  });

  it('compares a narrowed image with the index upstream, and its platform with the one wanted now', async () => {
    const { again, source } = await mirrored(wishFor(['linux/amd64'], { narrow: true }));
    expect((await again()).unchanged).toHaveLength(1);
    expect((await again({ wish: wishFor(['linux/arm64'], { narrow: true }) })).changed).toHaveLength(1);
    expect((await again({ wish: wishFor(['linux/amd64']) })).changed).toHaveLength(1);
    expect((await again({ wish: everything })).changed).toHaveLength(1);
    await seedImage(source, asked, { ...both, layers: ['new {platform}'] });
    expect((await again()).changed).toHaveLength(1);
  });

  it('throws when it is interrupted', async () => {
    const { again } = await mirrored();
    await expect(again({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
  });
});
