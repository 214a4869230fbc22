import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { hexOf, parseDigest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { signatureTags } from '../../src/resolve/repository-tags.ts';
import { type ResolveOptions, resolveImages } from '../../src/resolve/resolve.ts';
import type { ResolvedImage } from '../../src/resolve/resolved.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source } from '../../src/store/store.ts';
import { seedCosignTag, seedFallbackReferrer, seedReferrer } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { type Watched, watch } from '../support/watched.ts';
import { blob, everything, put, request } from './builders.ts';

const asked = 'ghcr.io/a/b:1';
const both = { platforms: ['linux/amd64', 'linux/arm64'] } as const;

async function resolveOne(source: Source, more: Partial<ResolveOptions> = {}): Promise<ResolvedImage> {
  const { images, failures } = await resolveImages([request(asked)], {
    source,
    wish: everything,
    signatures: true,
    ...more,
  });
  const [image] = images;
  if (image === undefined) throw failures[0]?.error;
  return image;
}

/** What belongs to the image beside its own manifests. */
function attached(image: ResolvedImage): string[] {
  const own = new Set<string>();
  const root = image.manifests.find((document) => document.descriptor.digest === image.root.digest);
  if (root?.manifest.kind === 'index') for (const child of root.manifest.manifests) own.add(child.digest);
  own.add(image.root.digest);
  return image.manifests.map((document) => document.descriptor.digest as string).filter((digest) => !own.has(digest));
}

const asks = (watched: Watched, verb: string): string[] => watched.calls.filter((call) => call.startsWith(`${verb} `));

describe('signatures of an image', () => {
  it('are found under the tags of its root and of its children', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked, both);
    const signature = await seedCosignTag(memory, image);
    const [child] = image.manifests;
    if (child === undefined) throw new Error('no child');
    const attestation = await seedCosignTag(memory, { ...image, root: child.descriptor }, 'att');
    const resolved = await resolveOne(memory);
    expect(resolved.signatures).toEqual({ status: 'found', count: 2 });
    expect(resolved.tags.slice(1)).toEqual(
      [signature, attestation]
        .map(({ reference, root }) => ({ tag: reference.tag, digest: root.digest, role: 'signature' }))
        .sort((a, b) => ((a.tag ?? '') < (b.tag ?? '') ? -1 : 1)),
    );
    expect(attached(resolved).sort()).toEqual([signature.root.digest, attestation.root.digest].sort());
    for (const found of [signature, attestation]) {
      for (const b of found.blobs) expect(resolved.blobs.map((d) => d.digest)).toContain(b.digest);
    }
    expect(resolved.notices).toEqual([]);
  });

  it('are found by the referrers API, one level of their own referrers too', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked, both);
    const sbom = await seedReferrer(memory, image);
    const signed = await seedReferrer(
      memory,
      { ...image, root: sbom.root },
      {
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      },
    );
    const watched = watch(memory);
    const resolved = await resolveOne(watched.store);
    expect(resolved.signatures).toEqual({ status: 'found', count: 2 });
    expect(attached(resolved)).toEqual([sbom.root.digest, signed.root.digest]);
    expect(resolved.referrers).toMatchObject(
      [
        { subject: image.root.digest, descriptor: { digest: sbom.root.digest } },
        { subject: sbom.root.digest, descriptor: { digest: signed.root.digest } },
      ].sort((a, b) => (a.subject < b.subject ? -1 : 1)),
    );
    expect(asks(watched, 'referrers')).toHaveLength(4);
  });

  it('are found under the referrers tag with all it lists', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked, both);
    const fallback = await seedFallbackReferrer(memory, image);
    const resolved = await resolveOne(watch(memory, { noReferrersApi: true }).store);
    expect(resolved.signatures).toEqual({ status: 'found', count: 1 });
    expect(resolved.tags[1]).toEqual({ tag: fallback.reference.tag, digest: fallback.root.digest, role: 'signature' });
    expect(attached(resolved)).toEqual(fallback.manifests.map((manifest) => manifest.descriptor.digest));
  });

  it('are none when everything could be asked', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, both);
    const resolved = await resolveOne(memory);
    expect(resolved).toMatchObject({ signatures: { status: 'none' }, notices: [] });
  });

  it('are looked for with one list of tags and one question about the API for a repository', async () => {
    const memory = openMemory();
    const names = ['ghcr.io/a/b:1', 'ghcr.io/a/b:2', 'ghcr.io/a/b:3'];
    for (const name of names) await seedImage(memory, name, both);
    const watched = watch(memory, { noReferrersApi: true });
    await resolveImages(
      names.map((name) => request(name)),
      { source: watched.store, wish: everything, signatures: true },
    );
    expect(asks(watched, 'tags')).toEqual(['tags ghcr.io/a/b']);
    expect(asks(watched, 'referrers')).toHaveLength(1);
    expect(watched.calls).toHaveLength(2 + 9);
  });

  it('ask the API no more than 64 times for an image, and say so', async () => {
    const memory = openMemory();
    const repository = memory.repository(parseReference(asked));
    const children = [];
    for (let index = 0; index < 70; index += 1) {
      const config = blob(`${index}`, { mediaType: mediaTypes.ociEmpty });
      children.push(await put(repository, { config, layers: [] }));
    }
    await put(repository, { manifests: children }, { tag: '1' });
    const watched = watch(memory);
    const resolved = await resolveOne(watched.store);
    expect(asks(watched, 'referrers')).toHaveLength(64);
    expect(resolved.signatures.status).toBe('failed');
  });

  it('are unknown, not none, when tags cannot be listed and the root alone could be asked', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked, both);
    const watched = watch(memory, {
      noReferrersApi: true,
      before: (call) => {
        if (call.startsWith('tags')) throw new AirgapError('ERR_DENIED', 'Cannot list tags: the registry answered 403');
      },
    });
    const resolved = await resolveOne(watched.store);
    expect(resolved.signatures).toMatchObject({ status: 'failed', reason: expect.stringContaining('403') });
    expect(resolved.notices).toMatchObject([{ kind: 'signatures-unknown' }]);
    const hex = hexOf(image.root.digest);
    expect(asks(watched, 'resolve').sort()).toEqual(
      ['', '.att', '.sbom', '.sig'].map((suffix) => `resolve ghcr.io/a/b:sha256-${hex}${suffix}`),
    );
  });

  it('are found by probing where tags cannot be listed', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked);
    const signature = await seedCosignTag(memory, image);
    const resolved = await resolveOne(watch(memory, { without: ['tags', 'referrers'] }).store);
    expect(resolved.signatures).toEqual({ status: 'found', count: 1 });
    expect(attached(resolved)).toEqual([signature.root.digest]);
    expect(resolved.notices).toEqual([]);
  });

  it('are none for a single image whose own tags were all asked for one by one', async () => {
    const memory = openMemory();
    await seedImage(memory, asked);
    const resolved = await resolveOne(watch(memory, { without: ['tags'] }).store);
    expect(resolved).toMatchObject({ signatures: { status: 'none' }, notices: [] });
  });

  it('are unknown when the repository has too many tags to list', async () => {
    const memory = openMemory();
    await seedImage(memory, asked, both);
    await seedImage(memory, 'ghcr.io/a/b:2', both);
    const resolved = await resolveOne(memory, { tagLimit: 1 });
    expect(resolved.signatures).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('more than 1 tags'),
    });
  });

  it('count a repository without tags as one without signature tags', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, 'ghcr.io/a/b', { ...both, byDigest: true });
    const watched = watch(memory, {
      before: (call) => {
        if (call.startsWith('tags')) throw new AirgapError('ERR_NOT_FOUND', 'Cannot list tags: NAME_UNKNOWN');
      },
    });
    const { images } = await resolveImages([request(image.reference)], {
      source: watched.store,
      wish: everything,
      signatures: true,
    });
    expect(images[0]).toMatchObject({ signatures: { status: 'none' }, tags: [] });
  });

  it('do not fail the image when they cannot be read, and leave no half of themselves', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked, both);
    const hex = hexOf(image.root.digest);
    const repository = memory.repository(parseReference(asked));
    const lost = blob('lost', { mediaType: mediaTypes.ociManifest });
    await put(repository, { manifests: [lost] }, { tag: `sha256-${hex}` });
    await seedCosignTag(memory, image, 'sbom');
    const resolved = await resolveOne(
      watch(memory, {
        before: (call) => {
          if (call.startsWith('referrers')) throw new AirgapError('ERR_UNREACHABLE', 'Cannot reach "ghcr.io"');
        },
      }).store,
    );
    expect(resolved.signatures).toEqual({ status: 'found', count: 1 });
    expect(resolved.tags.map((tag) => tag.tag)).toEqual(['1', `sha256-${hex}.sbom`]);
    expect(attached(resolved)).toHaveLength(1);
    expect(resolved.notices).toMatchObject([{ kind: 'signatures-unknown' }]);
    expect(resolved.notices[0]?.message).toMatch(/cannot be found.*Cannot reach|Cannot reach.*cannot be found/);
  });

  it('are passed over when a tag went away after it was listed', async () => {
    const memory = openMemory();
    const image = await seedImage(memory, asked);
    await seedCosignTag(memory, image);
    const resolved = await resolveOne(
      watch(memory, {
        before: (call) => {
          if (call.endsWith('.sig')) throw new AirgapError('ERR_NOT_FOUND', 'Cannot find it');
        },
      }).store,
    );
    expect(resolved).toMatchObject({ signatures: { status: 'none' }, notices: [] });
  });

  it('are not asked for when they are not wanted', async () => {
    const memory = openMemory();
    await seedCosignTag(memory, await seedImage(memory, asked, both));
    const watched = watch(memory);
    const resolved = await resolveOne(watched.store, { signatures: false });
    expect(resolved.signatures).toEqual({ status: 'not-asked' });
    expect(watched.calls).toHaveLength(3);
  });
});

describe('signatureTags()', () => {
  it('names the three suffixes and the referrers tag', () => {
    const hex = 'a'.repeat(64);
    expect(signatureTags(parseDigest(`sha256:${hex}`))).toEqual(
      ['.sig', '.att', '.sbom', ''].map((suffix) => `sha256-${hex}${suffix}`),
    );
  });

  it('cuts a long digest for the referrers tag and names nothing that is too long for a tag', () => {
    expect(signatureTags(parseDigest(`sha512:${'a'.repeat(128)}`))).toEqual([`sha512-${'a'.repeat(64)}`]);
  });

  it('are not asked for without end: what they weigh together is limited', async () => {
    const memory = openMemory();
    await seedImage(memory, asked);
    const listed = Array.from({ length: 100 }, (_, index) =>
      blob(`referrer ${index}`, { mediaType: mediaTypes.ociManifest, size: 4 * 1024 * 1024 }),
    );
    const watched = watch(memory);
    const source: Source = {
      ...watched,
      repository: (name) => ({ ...watched.repository(name), referrers: async () => listed }),
    };
    const resolved = await resolveOne(source);
    expect(watched.count('manifest ') - 1).toBe(32);
    expect(resolved.notices).toEqual([
      { kind: 'signatures-unknown', message: expect.stringContaining('what belongs to the image exceeds') },
    ]);
  });
});
