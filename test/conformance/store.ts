/** What every store promises (`src/store/store.ts`), stated once for all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { formatRepository, parseTag, type RepositoryName } from '../../src/oci/reference.ts';
import type { ReopenableContent, Target, UnverifiedContent } from '../../src/store/store.ts';
import { contentOfBytes, reopenable } from '../../src/store/verified.ts';
import { randomBytes } from '../support/layers.ts';
import { seedCosignTag, seedReferrer } from '../support/seedAttached.ts';
import { seedImage, seedNestedIndex } from '../support/seedImages.ts';

export interface StoreUnderTest {
  readonly target: Target;
  /** The registry its repositories are named with. */
  readonly registry: string;
  /** Frees what `open` made, after the store was closed. */
  readonly release?: () => Promise<void>;
}

export interface StoreTraits {
  /** A blob pushed to one repository is there in all. Default false. */
  readonly sharedBlobs?: boolean;
  /** Content by sha512 is refused. Default false. */
  readonly sha256Only?: boolean;
  /** The store can list its repositories. Default true. */
  readonly listsCatalog?: boolean;
}

export function describeStore(title: string, open: () => Promise<StoreUnderTest>, traits: StoreTraits = {}): void {
  describe(`store: ${title}`, () => {
    let under: StoreUnderTest;
    let counter = 0;
    beforeAll(async () => {
      under = await open();
    });
    afterAll(async () => {
      await under.target.close();
      await under.release?.();
    });
    /** A repository nothing was written to yet. */
    const freshName = (): RepositoryName => {
      counter += 1;
      return { registry: under.registry, repository: `conformance/part-${counter}` };
    };
    const suite: Suite = { store: () => under.target, freshName, traits };
    describeBlobs(suite);
    describeBrokenPushes(suite);
    describeManifests(suite);
    describeListings(suite);
    describeRemoval(suite);
    describeUploads(suite);
  });
}

interface Suite {
  readonly store: () => Target;
  readonly freshName: () => RepositoryName;
  readonly traits: StoreTraits;
}

function blobOf(bytes: Uint8Array): Descriptor {
  return { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
}

async function readAll(content: UnverifiedContent): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function chunked(descriptor: Descriptor, bytes: Uint8Array): ReopenableContent {
  return reopenable(descriptor, async function* (offset) {
    for (let at = offset; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
  });
}

/** Reaches a store as it is, without any check of ours on the way. */
function unchecked(bytes: Uint8Array): ReopenableContent {
  return {
    async *open(offset) {
      if (offset < bytes.length) yield bytes.subarray(offset);
    },
  };
}

function describeBlobs({ store, freshName, traits }: Suite): void {
  it('gives back the bytes it was given, whole and in part', async () => {
    const repository = store().repository(freshName());
    const bytes = randomBytes('conformance', 700_001);
    const descriptor = blobOf(bytes);
    expect(await repository.exists(descriptor)).toBe(false);
    expect(await repository.push(descriptor, chunked(descriptor, bytes))).toMatchObject({ startedAt: 0 });
    expect(await repository.exists(descriptor)).toBe(true);
    expect((await readAll(await repository.fetch(descriptor))).equals(bytes)).toBe(true);
    for (const [offset, end] of [
      [0, 10],
      [699_000, 700_001],
      [300_000, 300_001],
      [700_001, 700_001],
    ] as const) {
      const part = await readAll(await repository.fetch(descriptor, { offset, end }));
      expect(part.equals(bytes.subarray(offset, end)), `${offset}-${end}`).toBe(true);
    }
    expect((await readAll(await repository.fetch(descriptor, { offset: 123 }))).equals(bytes.subarray(123))).toBe(true);
  });

  it('takes the empty blob, sha512, and the same blob many times at once', async () => {
    const repository = store().repository(freshName());
    const empty = blobOf(new Uint8Array());
    await repository.push(empty, contentOfBytes(empty, new Uint8Array()));
    expect((await readAll(await repository.fetch(empty))).length).toBe(0);
    const bytes = randomBytes('many', 50_000);
    const long = {
      mediaType: mediaTypes.octetStream,
      digest: digestOf(bytes, 'sha512'),
      size: bytes.length,
    };
    if (traits.sha256Only === true) {
      const pushed = repository.push(long, chunked(long, bytes));
      await expect(pushed).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
      expect(await repository.exists(long)).toBe(false);
      long.digest = digestOf(bytes);
    }
    await Promise.all([1, 2, 3, 4].map(() => repository.push(long, chunked(long, bytes))));
    expect((await readAll(await repository.fetch(long))).equals(bytes)).toBe(true);
  });

  it('says that a blob is not here when it is absent or of another size', async () => {
    const repository = store().repository(freshName());
    const bytes = Buffer.from('sized');
    const descriptor = blobOf(bytes);
    await repository.push(descriptor, contentOfBytes(descriptor, bytes));
    expect(await repository.exists({ ...descriptor, size: 4 })).toBe(false);
    expect(await repository.exists(blobOf(Buffer.from('absent')))).toBe(false);
    const fetched = repository.fetch(blobOf(Buffer.from('absent'))).then(readAll);
    await expect(fetched).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('stays usable when readers leave early', async () => {
    const repository = store().repository(freshName());
    const bytes = randomBytes('early', 2_000_000);
    const descriptor = blobOf(bytes);
    await repository.push(descriptor, contentOfBytes(descriptor, bytes));
    for (let round = 0; round < 15; round += 1) {
      for await (const _ of await repository.fetch(descriptor)) break;
    }
    expect((await readAll(await repository.fetch(descriptor))).equals(bytes)).toBe(true);
  });

  it('mounts a blob of another repository, and not one that is nowhere', async () => {
    const from = freshName();
    const repository = store().repository(freshName());
    const bytes = randomBytes('mounted', 1_000);
    const descriptor = blobOf(bytes);
    await store().repository(from).push(descriptor, contentOfBytes(descriptor, bytes));
    expect(await repository.exists(descriptor)).toBe(traits.sharedBlobs ?? false);
    expect(await repository.mount?.(descriptor, from)).not.toBe(false);
    expect(await repository.exists(descriptor)).toBe(repository.mount !== undefined || (traits.sharedBlobs ?? false));
    if (repository.mount === undefined) return;
    expect(await repository.mount(blobOf(Buffer.from('nowhere')), from)).toBe(false);
  });
}

function describeBrokenPushes({ store, freshName }: Suite): void {
  const bytes = randomBytes('right', 30_000);
  const flipped = Uint8Array.from(bytes);
  flipped[29_999] = (flipped[29_999] ?? 0) ^ 1;
  const cases: [string, Uint8Array][] = [
    ['one wrong byte', flipped],
    ['a byte too few', bytes.subarray(0, 29_999)],
    ['a byte too many', Buffer.concat([bytes, Buffer.from('x')])],
    ['nothing', new Uint8Array()],
  ];
  for (const [what, wrong] of cases) {
    it(`makes nothing visible of a push with ${what}, and takes the right bytes afterwards`, async () => {
      const repository = store().repository(freshName());
      // The seed keeps stores with shared blobs from having it already.
      const own = Buffer.concat([Buffer.from(what), bytes]);
      const descriptor = blobOf(own);
      const bad = what === 'nothing' ? wrong : Buffer.concat([Buffer.from(what), wrong]);
      for (const content of [unchecked(bad), reopenable(descriptor, (offset) => unchecked(bad).open(offset))]) {
        const failed = await repository.push(descriptor, content).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failed).toMatchObject({ name: 'AirgapError' });
        expect(await repository.exists(descriptor)).toBe(false);
      }
      for (let tries = 0; ; tries += 1) {
        try {
          await repository.push(descriptor, contentOfBytes(descriptor, own));
          break;
        } catch (error) {
          if (tries === 2) throw error;
          expect(error).toMatchObject({ retryable: true });
        }
      }
      expect((await readAll(await repository.fetch(descriptor))).equals(own)).toBe(true);
    });
  }

  it('passes on why content failed, and goes on afterwards', async () => {
    const repository = store().repository(freshName());
    const own = randomBytes('passing', 40_000);
    const descriptor = blobOf(own);
    const failing: ReopenableContent = {
      async *open() {
        yield own.subarray(0, 20_000);
        throw new Error('the source broke');
      },
    };
    await expect(repository.push(descriptor, failing)).rejects.toThrow();
    expect(await repository.exists(descriptor)).toBe(false);
    await repository.push(descriptor, chunked(descriptor, own));
    expect((await readAll(await repository.fetch(descriptor))).equals(own)).toBe(true);
  });

  it('does nothing once its signal is aborted', async () => {
    const repository = store().repository(freshName());
    const signal = AbortSignal.abort();
    const descriptor = blobOf(bytes);
    await expect(repository.push(descriptor, contentOfBytes(descriptor, bytes), { signal })).rejects.toThrow();
    await expect(repository.resolve(parseTag('v1'), { signal })).rejects.toThrow();
    await expect(repository.exists(descriptor, { signal })).rejects.toThrow();
  });
}

function describeManifests({ store, freshName }: Suite): void {
  it('gives manifests back by tag and by digest with exact bytes and media type', async () => {
    const name = formatRepository(freshName());
    const shapes = { platforms: ['linux/amd64', 'linux/arm64'] };
    for (const options of [shapes, { ...shapes, docker: true }, { ...shapes, withoutMediaType: true }, {}]) {
      const image = await seedImage(store(), `${name}:v1`, options);
      const repository = store().repository(image.reference);
      for (const { descriptor, bytes } of image.manifests) {
        expect(await repository.exists(descriptor)).toBe(true);
        expect(await repository.resolve(descriptor.digest)).toEqual(descriptor);
        const got = await repository.manifest(descriptor.digest);
        expect(got.descriptor).toEqual(descriptor);
        expect(Buffer.from(got.bytes).equals(bytes)).toBe(true);
      }
      expect(await repository.resolve(parseTag('v1'))).toEqual(image.root);
      expect((await repository.manifest(parseTag('v1'))).descriptor).toEqual(image.root);
    }
  });

  it('takes nested indexes, artifacts and signatures', async () => {
    const name = formatRepository(freshName());
    const image = await seedNestedIndex(store(), `${name}:nested`);
    const signature = await seedCosignTag(store(), image);
    const repository = store().repository(image.reference);
    for (const { descriptor } of [...image.manifests, ...signature.manifests]) {
      expect(await repository.exists(descriptor)).toBe(true);
    }
  });

  it('says ERR_NOT_FOUND for tags, digests and repositories that are not here', async () => {
    const name = freshName();
    const repository = store().repository(name);
    const absent = digestOf(Buffer.from('absent'));
    for (const what of [parseTag('v1'), absent]) {
      await expect(repository.resolve(what)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
      await expect(repository.manifest(what)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    }
    expect(await repository.exists({ mediaType: mediaTypes.ociManifest, digest: absent, size: 6 })).toBe(false);
    await seedImage(store(), `${formatRepository(name)}:v1`);
    await expect(repository.resolve(parseTag('v2'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('refuses manifest bytes that are not what the descriptor says', async () => {
    const repository = store().repository(freshName());
    const bytes = Buffer.from('{"schemaVersion":2,"manifests":[]}');
    const descriptor: Descriptor = {
      mediaType: mediaTypes.ociIndex,
      digest: digestOf(Buffer.from('other')),
      size: bytes.length,
    };
    await expect(repository.pushManifest(descriptor, bytes, { tag: parseTag('v1') })).rejects.toMatchObject({
      name: 'AirgapError',
    });
    await expect(repository.resolve(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('moves a tag to what was pushed with it last and keeps the earlier manifest', async () => {
    const name = formatRepository(freshName());
    const first = await seedImage(store(), `${name}:v1`, { layers: ['first'] });
    const second = await seedImage(store(), `${name}:v1`, { layers: ['second'] });
    const repository = store().repository(first.reference);
    expect((await repository.resolve(parseTag('v1'))).digest).toBe(second.root.digest);
    expect(await repository.exists(first.root)).toBe(true);
    expect((await repository.manifest(first.root.digest)).descriptor.digest).toBe(first.root.digest);
    await seedImage(store(), `${name}:v2`, { layers: ['second'] });
    expect(await collectTags(repository.tags?.())).toEqual(['v1', 'v2']);
  });

  it('takes an index without its children exactly when it says so', async () => {
    const name = freshName();
    const accepts = (await store().acceptsSparseIndex?.(name)) ?? false;
    const child = { mediaType: mediaTypes.ociManifest, digest: digestOf(Buffer.from('absent child')), size: 12 };
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [child] }));
    const descriptor: Descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
    const pushed = store()
      .repository(name)
      .pushManifest(descriptor, bytes, { tag: parseTag('v1') });
    expect(
      await pushed.then(
        () => true,
        () => false,
      ),
    ).toBe(accepts);
  });
}

async function collectTags(tags: AsyncIterable<string> | undefined): Promise<string[]> {
  const collected: string[] = [];
  for await (const tag of tags ?? []) collected.push(tag);
  return collected.sort();
}

function describeListings({ store, freshName, traits }: Suite): void {
  it('lists tags, and says ERR_NOT_FOUND for a repository that is not here', async () => {
    const name = freshName();
    const repository = store().repository(name);
    if (repository.tags === undefined) return;
    await expect(collectTags(repository.tags())).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    const wanted = ['v1', 'v1.0', 'latest', 'A_b'];
    for (const tag of wanted) await seedImage(store(), `${formatRepository(name)}:${tag}`);
    expect(await collectTags(repository.tags())).toEqual([...wanted].sort());
  });

  it('lists every repository that has a manifest', async () => {
    if (traits.listsCatalog === false) return;
    const names = [freshName(), freshName()].map(formatRepository);
    for (const name of names) await seedImage(store(), `${name}:v1`);
    const listed: string[] = [];
    for await (const name of store().catalog?.() ?? []) listed.push(formatRepository(name));
    expect(listed).toEqual(expect.arrayContaining(names));
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('lists referrers of one subject with their artifact type, where it can', async () => {
    const name = formatRepository(freshName());
    const image = await seedImage(store(), `${name}:v1`, { platforms: ['linux/amd64', 'linux/arm64'] });
    const other = await seedImage(store(), `${name}:v2`);
    const repository = store().repository(image.reference);
    const none = await repository.referrers?.(image.root.digest);
    const about = await seedReferrer(store(), image, { annotations: { note: 'about v1' } });
    const second = await seedReferrer(store(), image, {
      artifactType: 'application/vnd.example.second',
      text: 'second',
    });
    await seedReferrer(store(), other);
    if (none === undefined) return;
    expect(none).toEqual([]);
    const listed = (await repository.referrers?.(image.root.digest)) ?? [];
    const byDigest = (a: Descriptor, b: Descriptor) => (a.digest < b.digest ? -1 : 1);
    expect([...listed].sort(byDigest)).toEqual(
      [
        { ...about.root, artifactType: 'application/spdx+json', annotations: { note: 'about v1' } },
        { ...second.root, artifactType: 'application/vnd.example.second' },
      ].sort(byDigest),
    );
    const nothing: Digest = digestOf(Buffer.from('no subject'));
    expect(await repository.referrers?.(nothing)).toEqual([]);
  });
}

function describeRemoval({ store, freshName, traits }: Suite): void {
  it('takes a tag away and keeps its manifest, where it removes tags', async () => {
    const name = formatRepository(freshName());
    const image = await seedImage(store(), `${name}:v1`, { platforms: ['linux/amd64', 'linux/arm64'] });
    const repository = store().repository(image.reference);
    if (repository.removeTag === undefined) return;
    expect(await repository.removeTag(parseTag('v2'))).toBe(false);
    expect(await repository.removeTag(parseTag('v1'))).toBe(true);
    expect(await repository.removeTag(parseTag('v1'))).toBe(false);
    await expect(repository.resolve(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    for (const { descriptor } of image.manifests) expect(await repository.exists(descriptor)).toBe(true);
    expect(await collectTags(repository.tags?.())).toEqual([]);
  });

  it('takes a manifest away with its tags and keeps its children, but none that an index lists', async () => {
    const name = formatRepository(freshName());
    const image = await seedImage(store(), `${name}:v1`, { platforms: ['linux/amd64', 'linux/arm64'] });
    const other = await seedImage(store(), `${name}:other`, { layers: ['other'] });
    const repository = store().repository(image.reference);
    const root = await repository.manifest(image.root.digest);
    await repository.pushManifest(root.descriptor, root.bytes, { tag: parseTag('v1.0') });
    if (repository.removeManifest === undefined) return;
    const children = image.manifests.map(({ descriptor }) => descriptor).filter((d) => d.digest !== image.root.digest);
    for (const child of children) {
      await expect(repository.removeManifest(child.digest)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    }
    expect(await repository.removeManifest(image.root.digest)).toBe(true);
    expect(await repository.removeManifest(image.root.digest)).toBe(false);
    expect(await repository.exists(image.root)).toBe(false);
    expect(await collectTags(repository.tags?.())).toEqual(['other']);
    for (const child of children) {
      expect(await repository.exists(child)).toBe(true);
      expect(await repository.removeManifest(child.digest)).toBe(true);
      expect(await repository.exists(child)).toBe(false);
    }
    expect((await repository.resolve(parseTag('other'))).digest).toBe(other.root.digest);
  });

  it('forgets a repository when its last manifest is gone, and takes new ones', async () => {
    const name = freshName();
    const image = await seedImage(store(), `${formatRepository(name)}:v1`, { layers: ['last one'] });
    const repository = store().repository(name);
    if (repository.removeManifest === undefined) return;
    expect(await repository.removeManifest(image.root.digest)).toBe(true);
    await expect(collectTags(repository.tags?.())).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await seedImage(store(), `${formatRepository(name)}:v1`, { layers: ['last one'] });
    expect(await repository.resolve(parseTag('v1'))).toEqual(image.root);
  });

  it('takes a blob away, but none that a manifest needs', async () => {
    const name = freshName();
    const image = await seedImage(store(), `${formatRepository(name)}:v1`, { layers: ['layer of its own'] });
    const repository = store().repository(name);
    if (repository.removeBlob === undefined || repository.removeManifest === undefined) return;
    const [blob] = image.blobs.filter(({ size }) => size > 2);
    if (blob === undefined) throw new Error('the seed has no blob');
    await expect(repository.removeBlob(blob.digest)).rejects.toMatchObject({ code: 'ERR_DENIED' });
    expect(await repository.exists(blob)).toBe(true);
    await repository.removeManifest(image.root.digest);
    expect(await repository.removeBlob(blob.digest)).toBe(true);
    expect(await repository.exists(blob)).toBe(false);
    expect(await repository.removeBlob(blob.digest)).toBe(false);
  });

  it('keeps a blob that another repository needs, where blobs are shared', async () => {
    if (traits.sharedBlobs !== true) return;
    const [here, there] = [freshName(), freshName()];
    const image = await seedImage(store(), `${formatRepository(there)}:v1`, { layers: ['needed elsewhere'] });
    const blob = image.blobs.find(({ size }) => size > 2);
    const removed = blob === undefined ? undefined : store().repository(here).removeBlob?.(blob.digest);
    if (removed !== undefined) await expect(removed).rejects.toMatchObject({ code: 'ERR_DENIED' });
  });
}

function describeUploads({ store, freshName }: Suite): void {
  const parts = (bytes: Uint8Array, size: number) =>
    (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();

  it('takes bytes before their digest is known, in parts, with either digest', async () => {
    const repository = store().repository(freshName());
    if (repository.receive === undefined) return;
    const bytes = randomBytes('received', 3_000_001);
    for (const [claimed, algorithm] of [
      ['sha256', 'sha256'],
      ['sha512', 'sha512'],
      ['sha256', 'sha512'],
    ] as const) {
      const own = Buffer.concat([Buffer.from(`${claimed}-${algorithm}`), bytes]);
      const upload = await repository.receive({ algorithm: claimed });
      await upload.append(parts(own.subarray(0, 2_000_000), 70_000));
      await upload.append(parts(own.subarray(2_000_000, 2_000_000), 1));
      expect(upload.size).toBe(2_000_000);
      const descriptor = { ...blobOf(own), digest: digestOf(own, algorithm) };
      expect(await repository.exists(descriptor)).toBe(false);
      await upload.finish(parts(own.subarray(2_000_000), 70_000), { digest: descriptor.digest });
      await upload.drop();
      expect((await readAll(await repository.fetch(descriptor))).equals(own)).toBe(true);
    }
  });

  it('keeps what came before a failure, shows nothing of a wrong digest and nothing after drop()', async () => {
    const repository = store().repository(freshName());
    if (repository.receive === undefined) return;
    const bytes = randomBytes('cut upload', 100_000);
    const upload = await repository.receive();
    const broken = (async function* () {
      yield bytes.subarray(0, 60_000);
      throw new Error('the client is gone');
    })();
    await expect(upload.append(broken)).rejects.toThrow('gone');
    expect(upload.size).toBe(60_000);
    await upload.finish(parts(bytes.subarray(60_000), 7_000), { digest: digestOf(bytes) });
    expect(await repository.exists(blobOf(bytes))).toBe(true);
    const wrong = await repository.receive();
    const other = blobOf(Buffer.from('other content'));
    await expect(wrong.finish(parts(bytes, 7_000), { digest: other.digest })).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    });
    await wrong.drop();
    expect(await repository.exists(other)).toBe(false);
    const again = await repository.receive();
    await again.finish(parts(bytes, 7_000), { digest: digestOf(bytes) });
    expect((await readAll(await repository.fetch(blobOf(bytes)))).equals(bytes)).toBe(true);
  });
}
