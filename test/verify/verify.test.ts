import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import { hexOf } from '../../src/oci/digest.ts';
import { parseReference } from '../../src/oci/reference.ts';
import type { ResolvedImage } from '../../src/resolve/resolved.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source } from '../../src/store/store.ts';
import type { Finding } from '../../src/verify/verification.ts';
import { type VerifyOptions, verifyLock, verifyPlaced } from '../../src/verify/verify.ts';
import { blob, imageOf, put, wishFor } from '../resolve/builders.ts';
import { seedCosignTag } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { seedSet } from '../support/seedSet.ts';
import { watch } from '../support/watched.ts';
import { mirrored } from './mirrored.ts';

const asked = 'ghcr.io/a/b:1';
const both = { platforms: ['linux/amd64', 'linux/arm64'] } as const;

function options(target: Source, more: Partial<VerifyOptions> = {}): VerifyOptions {
  return { target, repairTarget: 'registry.internal:6000', ...more };
}

async function small(more: Parameters<typeof mirrored>[2] = {}) {
  const source = openMemory();
  const seeded = await seedImage(source, asked, both);
  return { source, seeded, ...(await mirrored(source, [asked], more)) };
}

const kinds = (findings: readonly Finding[]): string[] => findings.map((finding) => finding.kind);
const lastLayer = (image: ResolvedImage): string => image.blobs.at(-1)?.digest ?? '';
const firstChild = (image: ResolvedImage): string => image.manifests[0]?.descriptor.digest ?? '';

describe('verifyLock()', () => {
  it('finds nothing wrong with a mirror of every shape, shallow and deep, by every naming', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    for (const rule of [{}, { prefix: 'mirror' }, { naming: 'by-registry' }, { naming: 'keep' }] as const) {
      for (const deep of [false, true]) {
        // Two repositories of this set are one by the first rule.
        const names = [...images.keys()].filter(
          (name) => rule.naming !== undefined || !name.startsWith('quay.io/app/'),
        );
        const { lock, target } = await mirrored(source, names, { rule });
        const result = await verifyLock(lock, options(target, { deep, catalog: true }));
        expect(result).toMatchObject({ images: names.length, deep, findings: [], extras: [] });
        expect(result.catalogNote).toBeUndefined();
        expect(result.manifests).toBeGreaterThan(names.length);
        expect(result.bytes).toBeGreaterThan(0);
      }
    }
  });

  it('asks for each tag, manifest and blob of a repository once, however many images share it', async () => {
    const source = openMemory();
    const names = [asked, 'ghcr.io/a/b:2', 'ghcr.io/a/c:1'];
    for (const name of names) await seedImage(source, name, { ...both, layers: ['shared'] });
    const { lock, target } = await mirrored(source, names);
    const { store, calls } = watch(target);
    const result = await verifyLock(lock, options(store));
    expect(new Set(calls).size).toBe(calls.length);
    expect(calls.filter((call) => call.startsWith('resolve'))).toEqual([]);
    // A tag's manifest is read by its tag, which answers both questions.
    expect(calls.filter((call) => call.startsWith('manifest'))).toHaveLength(result.manifests);
    expect(calls.filter((call) => call.startsWith('exists'))).toHaveLength(result.blobs);
    expect(calls.filter((call) => call.startsWith('fetch'))).toEqual([]);
    expect([result.manifests, result.blobs]).toEqual([9, 5 + 3]);
  });

  it('quotes a directory with blanks in the command that repairs', async () => {
    const { lock } = await small({ rule: { naming: 'keep' } });
    const { findings } = await verifyLock(lock, options(openMemory(), { repairTarget: "oci:my d'ir" }));
    expect(findings[0]?.repair).toBe(`airgap mirror '${asked}' --to 'oci:my d'\\''ir' --recheck --lock repair.lock`);
  });

  it('names a missing tag, with the command that repairs', async () => {
    const { lock, target } = await small({ lost: () => ['1'] });
    const { findings } = await verifyLock(lock, options(target));
    expect(findings).toEqual([
      {
        image: asked,
        repository: 'registry.internal:6000/a/b',
        kind: 'tag-missing',
        digest: lock.images[0]?.digest,
        message: expect.stringContaining('tag "1"'),
        repair: `airgap mirror '${asked}' --to registry.internal:6000 --recheck --lock repair.lock`,
      },
    ]);
  });

  it('names a tag that stands for something else', async () => {
    const { lock, target } = await small();
    const other = await seedImage(target, 'registry.internal:6000/a/b:1', { layers: ['other'] });
    const { findings } = await verifyLock(lock, options(target));
    expect(kinds(findings)).toEqual(['tag-differs']);
    expect(findings[0]?.message).toContain(other.root.digest);
  });

  it('names a missing child although its index is there', async () => {
    const { lock, target, images } = await small({ lost: (image) => [firstChild(image)] });
    const { findings } = await verifyLock(lock, options(target));
    expect(findings).toMatchObject([{ kind: 'manifest-missing', digest: images[0]?.manifests[0]?.descriptor.digest }]);
  });

  it('names a missing blob once for each image', async () => {
    const source = openMemory();
    const names = [asked, 'ghcr.io/a/b:2'];
    for (const name of names) await seedImage(source, name, { layers: ['shared'] });
    const shared = (image: ResolvedImage): string[] =>
      image.blobs.filter((b) => b.mediaType.includes('layer')).map((b) => b.digest);
    const { lock, target } = await mirrored(source, names, { lost: shared });
    const { findings } = await verifyLock(lock, options(target));
    expect(findings.map(({ image, kind }) => [image, kind])).toEqual(names.map((name) => [name, 'blob-missing']));
  });

  it('names a missing signature tag and signature', async () => {
    const source = openMemory();
    const image = await seedImage(source, asked, both);
    const signature = await seedCosignTag(source, image);
    const { lock, target } = await mirrored(source, [asked], { lost: () => [signature.root.digest] });
    const { findings } = await verifyLock(lock, options(target));
    expect(kinds(findings).sort()).toEqual(['manifest-missing', 'tag-missing']);
    expect(findings.map((finding) => finding.digest)).toEqual([signature.root.digest, signature.root.digest]);
  });

  it('names a blob of another size', async () => {
    const source = openMemory();
    const repository = source.repository(parseReference(asked));
    const { blobs } = await seedImage(source, 'ghcr.io/a/b:0');
    const layer = blobs[0] ?? blob('none');
    await put(repository, imageOf('x', [{ ...layer, size: layer.size + 1 }]), { tag: '1' });
    const { lock, target } = await mirrored(source, [asked], { lost: (image) => [image.blobs[0]?.digest ?? ''] });
    for (const deep of [false, true]) {
      const { findings } = await verifyLock(lock, options(target, { deep }));
      expect(kinds(findings).sort()).toEqual(['blob-missing', 'size-differs']);
    }
  });

  it('names an index that is wrong about the size of its child', async () => {
    const { lock, target, images } = await small();
    const [child] = images[0]?.manifests ?? [];
    const repository = target.repository(parseReference('registry.internal:6000/a/b'));
    const index = await put(repository, { manifests: [{ ...child?.descriptor, size: 7 }] }, { tag: '1' });
    const [image] = lock.images;
    if (image === undefined) throw new Error('no image');
    const tags = [{ tag: image.tags[0]?.tag ?? '', digest: index.digest, role: 'image' }] as typeof image.tags;
    const wrong = { ...image, digest: index.digest, tags, manifests: [index.digest] };
    const { findings } = await verifyLock({ ...lock, images: [wrong] }, options(target));
    expect(kinds(findings)).toEqual(['size-differs']);
  });

  it('reads and hashes every blob when it goes deep, once each', async () => {
    const { lock, target } = await small();
    const flip = (chunk: Uint8Array): Uint8Array => chunk.map((byte) => byte ^ 1);
    const { store, count } = watch(target, { alterChunk: flip });
    expect((await verifyLock(lock, options(store))).findings).toEqual([]);
    const result = await verifyLock(lock, options(store, { deep: true }));
    expect(new Set(kinds(result.findings))).toEqual(new Set(['content-differs']));
    expect(result.findings).toHaveLength(4);
    expect(result).toMatchObject({ blobs: 0, bytes: 0 });
    expect(count('fetch')).toBe(4);
  });

  it('notices a blob that ends early, and one that does not end', async () => {
    const { lock, target } = await small();
    for (const alterChunk of [
      (chunk: Uint8Array) => chunk.subarray(1),
      (chunk: Uint8Array) => Buffer.concat([chunk, chunk]),
    ]) {
      const { findings } = await verifyLock(lock, options(watch(target, { alterChunk }).store, { deep: true }));
      expect(new Set(kinds(findings))).toEqual(new Set(['size-differs']));
    }
  });

  it('reads a blob again when its stream breaks', async () => {
    const { lock, target } = await small();
    const broken = new Set<string>();
    const before = (call: string): void => {
      if (!call.startsWith('fetch') || broken.has(call)) return;
      broken.add(call);
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot read: connection reset');
    };
    const result = await verifyLock(lock, options(watch(target, { before }).store, { deep: true }));
    expect(result).toMatchObject({ findings: [], blobs: 4 });
  });

  it('hashes manifests itself, whatever the store says of them', async () => {
    const { lock, target } = await small();
    const { store } = watch(target, { alter: (content) => ({ ...content, bytes: Buffer.from('{}') }) });
    const { findings } = await verifyLock(lock, options(store));
    expect(new Set(kinds(findings))).toEqual(new Set(['content-differs', 'tag-differs']));
    expect(findings).toHaveLength(4);
  });

  it('says once for each image that the target cannot be asked', async () => {
    const { lock, target } = await small();
    const before = (): void => {
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot connect to "registry.internal:6000": connection refused');
    };
    const { findings } = await verifyLock(lock, options(watch(target, { before }).store));
    expect(findings).toMatchObject([{ kind: 'unreachable', repair: 'airgap verify --to registry.internal:6000' }]);
  });

  it('requires no child that was left out on purpose', async () => {
    const { lock, target, images } = await small({ wish: wishFor(['linux/amd64']) });
    expect(images[0]?.omitted).toHaveLength(1);
    expect(await verifyLock(lock, options(target))).toMatchObject({ findings: [], manifests: 2 });
  });

  it('asks where a node asks, not where the copier wrote', async () => {
    const { lock, target } = await small({ rule: { naming: 'by-registry' } });
    expect((await verifyLock(lock, options(target))).findings).toEqual([]);
    const wrong = lock.mirrors.map((mirror) => ({ ...mirror, pathPrefix: 'elsewhere' }));
    const { findings } = await verifyLock({ ...lock, mirrors: wrong }, options(target));
    expect(kinds(findings)).toContain('tag-missing');
    expect(findings[0]?.repository).toBe('registry.internal:6000/elsewhere/a/b');
  });

  it('names a registry that no mirror serves', async () => {
    const { lock, target } = await small({ rule: { naming: 'by-registry' } });
    const other = lock.mirrors.map((mirror) => ({ ...mirror, registry: 'quay.io' }));
    const { findings } = await verifyLock({ ...lock, mirrors: other }, options(target));
    expect(findings).toMatchObject([
      { kind: 'tag-missing', message: expect.stringContaining('no mirror serves "ghcr.io"') },
    ]);
  });

  it('reports progress and does no more at once than it is told', async () => {
    const source = openMemory();
    const names = ['a', 'b', 'c'].map((path) => `ghcr.io/x/${path}:1`);
    for (const name of names) await seedImage(source, name, both);
    const { lock, target } = await mirrored(source, names);
    let under = 0;
    let most = 0;
    const before = async (): Promise<void> => {
      under += 1;
      most = Math.max(most, under);
      await new Promise(setImmediate);
      under -= 1;
    };
    const events: AirgapEvent[] = [];
    const { store } = watch(target, { before });
    await verifyLock(lock, options(store, { concurrency: 3, events: (event) => events.push(event) }));
    expect(most).toBe(3);
    expect(events).toEqual([1, 2, 3].map((done) => ({ type: 'verify:progress', done, total: 3 })));
  });

  it('throws when it is interrupted', async () => {
    const { lock, target } = await small();
    const controller = new AbortController();
    const { store } = watch(target, { before: () => controller.abort() });
    await expect(verifyLock(lock, options(store, { signal: controller.signal }))).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    });
  });
});

describe('verifyPlaced()', () => {
  it('wants the tag and all it stands for, without knowing the digest', async () => {
    const { target } = await small();
    const image = { source: parseReference(asked), target: { registry: 'registry.internal:6000', repository: 'a/b' } };
    expect(await verifyPlaced([image], options(target))).toMatchObject({
      findings: [],
      images: 1,
      manifests: 3,
      blobs: 4,
    });
    const none = { ...image, source: parseReference('ghcr.io/a/b:2') };
    expect(kinds((await verifyPlaced([none], options(target))).findings)).toEqual(['tag-missing']);
  });

  it('names what is missing below the tag', async () => {
    const { target } = await small({ lost: (image) => [lastLayer(image)] });
    const image = { source: parseReference(asked), target: { registry: 'registry.internal:6000', repository: 'a/b' } };
    expect(kinds((await verifyPlaced([image], options(target))).findings)).toEqual(['blob-missing']);
  });

  it('holds a reference with a digest against it', async () => {
    const { target, seeded } = await small();
    const place = { registry: 'registry.internal:6000', repository: 'a/b' };
    const good = { source: parseReference(`${asked}@${seeded.root.digest}`), target: place };
    expect((await verifyPlaced([good], options(target))).findings).toEqual([]);
    const bad = { source: parseReference(`${asked}@sha256:${'0'.repeat(64)}`), target: place };
    expect(kinds((await verifyPlaced([bad], options(target))).findings).sort()).toEqual([
      'manifest-missing',
      'tag-differs',
    ]);
  });

  it('asks where a mirror says', async () => {
    const { target } = await small({ rule: { prefix: 'p' } });
    const image = { source: parseReference(asked), target: { registry: 'registry.internal:6000', repository: 'x' } };
    const mirrors = [{ registry: '*', endpoint: 'http://registry.internal:6000', pathPrefix: 'p' }];
    expect((await verifyPlaced([image], { ...options(target), mirrors })).findings).toEqual([]);
  });
});

describe('findExtras()', () => {
  it('names repositories and tags that the lock does not know, but no signature of what it knows', async () => {
    const { lock, target, seeded } = await small({ rule: { prefix: 'p' }, signatures: false });
    await seedImage(target, 'registry.internal:6000/p/a/b:old', { layers: ['old'] });
    await seedImage(target, 'registry.internal:6000/p/other:1');
    await seedImage(target, 'registry.internal:6000/somebody/else:1');
    await seedCosignTag(target, { ...seeded, reference: parseReference('registry.internal:6000/p/a/b:1') });
    const result = await verifyLock(lock, options(target, { catalog: true }));
    expect(result.extras).toEqual(['registry.internal:6000/p/a/b:old', 'registry.internal:6000/p/other']);
  });

  it('knows signatures of images of which only the tag is known, and of their children', async () => {
    const { target, seeded } = await small();
    await seedCosignTag(target, { ...seeded, reference: parseReference('registry.internal:6000/a/b:1') });
    await seedImage(target, 'registry.internal:6000/a/b:old', { layers: ['old'] });
    const place = parseReference('registry.internal:6000/a/b:1');
    const { extras, findings } = await verifyPlaced([{ source: parseReference('ghcr.io/a/b:1'), target: place }], {
      ...options(target),
      catalog: true,
    });
    expect({ extras, findings }).toEqual({ extras: ['registry.internal:6000/a/b:old'], findings: [] });
  });

  it('names the signature of what it does not know', async () => {
    const { lock, target } = await small();
    const old = await seedImage(target, 'registry.internal:6000/a/b', { layers: ['old'], byDigest: true });
    await seedCosignTag(target, old);
    const { extras } = await verifyLock(lock, options(target, { catalog: true }));
    expect(extras).toEqual([`registry.internal:6000/a/b:sha256-${hexOf(old.root.digest)}.sig`]);
  });

  it('says why the catalog could not be read, and still reads the tags', async () => {
    const { lock, target } = await small();
    await seedImage(target, 'registry.internal:6000/a/b:old', { layers: ['old'] });
    const denied = (call: string): void => {
      if (call === 'catalog') throw new AirgapError('ERR_DENIED', 'Cannot read the catalog: the registry answered 403');
    };
    for (const watched of [watch(target, { before: denied }), watch(target, { without: ['catalog'] })]) {
      const result = await verifyLock(lock, options(watched.store, { catalog: true }));
      expect(result.catalogNote).toMatch(/^Cannot read the catalog/);
      expect(result.extras).toEqual(['registry.internal:6000/a/b:old']);
      expect(result.findings).toEqual([]);
    }
  });

  it('is not asked for unless wanted', async () => {
    const { lock, target } = await small();
    const { store, count } = watch(target);
    await verifyLock(lock, options(store));
    expect(count('catalog') + count('tags')).toBe(0);
  });
});
