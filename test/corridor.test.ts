import { describe, expect, it } from 'vitest';
import { copyAndVerify, type MirrorJob, type MirrorResult, prepareMirror } from '../src/corridor.ts';
import { AirgapError } from '../src/errors.ts';
import type { Contact } from '../src/lock/lock.ts';
import { printLock } from '../src/lock/print.ts';
import { type MirrorRule, mirrorsOf, placeRepository } from '../src/mirror/rule.ts';
import { childrenOf, parseManifest } from '../src/oci/manifest.ts';
import { parseReference, parseTag, printReference } from '../src/oci/reference.ts';
import { openMemory } from '../src/store/memory/open.ts';
import type { Target, UnverifiedContent } from '../src/store/store.ts';
import type { SeededImage } from './support/pile.ts';
import { seedReferrer } from './support/seedAttached.ts';
import { seedImage } from './support/seedImages.ts';
import { seedSet } from './support/seedSet.ts';
import { isWrite, watch } from './support/watched.ts';

const byRegistry: MirrorRule = { naming: 'by-registry', registry: '10.5.0.1:6000', prefix: '' };
const flat: MirrorRule = { ...byRegistry, naming: 'replace-host' };

interface Given extends Partial<Omit<MirrorJob, 'requests'>> {
  readonly references: Iterable<string>;
  readonly source: Target;
  readonly target: Target;
}

function jobOf({ references, ...given }: Given): MirrorJob {
  const requests = [...references].sort().map((text, at) => ({
    reference: parseReference(text),
    origins: [{ document: 'images.txt', line: at + 1 }],
  }));
  const rule = given.rule ?? byRegistry;
  const registries = requests.map(({ reference }) => reference.registry);
  return {
    requests,
    rule,
    mirrors: mirrorsOf(rule, 'http://10.5.0.1:6000', { registries }),
    wish: { platforms: [], narrow: false, require: false },
    ...given,
    copy: { backoffMs: 1, ...given.copy },
  };
}

async function mirror(given: Given, contacts: readonly Contact[] = []): Promise<MirrorResult> {
  const job = jobOf(given);
  return await copyAndVerify(job, await prepareMirror(job), () => contacts);
}

async function expectSame(image: SeededImage, { target, rule = byRegistry }: { target: Target; rule?: MirrorRule }) {
  const repository = target.repository(placeRepository(rule, image.reference));
  for (const { descriptor, bytes } of image.manifests) {
    expect(Buffer.from((await repository.manifest(descriptor.digest)).bytes)).toEqual(Buffer.from(bytes));
  }
  for (const blob of image.blobs) expect(await repository.exists(blob)).toBe(true);
  const { tag } = image.reference;
  if (tag !== undefined) expect((await repository.resolve(tag)).digest).toBe(image.root.digest);
}

function fetched(calls: readonly string[]): string[] {
  return calls.filter((call) => call.startsWith('fetch ')).map((call) => call.slice(call.indexOf('@') + 1));
}

describe('prepareMirror() and copyAndVerify()', () => {
  it('bring every manifest, blob, tag and signature over unchanged, each blob fetched once', async () => {
    const source = watch(openMemory());
    const { images, attached } = await seedSet(source);
    source.calls.length = 0;
    const target = openMemory();
    const result = await mirror({ references: images.keys(), source, target });
    expect(result.failures).toEqual([]);
    expect(result.receipt.images.every(({ status }) => status === 'complete')).toBe(true);
    for (const image of [...images.values(), ...attached]) await expectSame(image, { target });
    const fetches = fetched(source.calls);
    expect(new Set(fetches).size).toBe(fetches.length);
    expect(fetches.length).toBe(result.work.totals.moveBlobs);
    expect(result.receipt.totals.fetchedBytes).toBe(result.work.totals.moveBytes);
    expect(result.verification.findings).toEqual([]);
    expect(result.lock.images).toHaveLength(images.size);
  });

  it('do nothing the second time: one question per tag to each end, no write', async () => {
    const store = openMemory();
    const { images } = await seedSet(store);
    const target = openMemory();
    const first = await mirror({ references: images.keys(), source: store, target });
    const [source, watchedTarget] = [watch(store), watch(target)];
    const second = await mirror({ references: images.keys(), source, target: watchedTarget, previous: first.lock });
    const tags = [...images.keys()].filter((name) => !name.includes('@'));
    expect(source.calls.filter((call) => !call.startsWith('resolve '))).toEqual([]);
    expect(source.calls).toHaveLength(tags.length);
    expect(watchedTarget.calls).toHaveLength(images.size);
    expect(second.plan.unchanged).toHaveLength(images.size);
    expect(printLock(second.lock)).toBe(printLock(first.lock));
  });

  it('ask everything again with recheck and repair what the target lost under a standing tag', async () => {
    const source = openMemory();
    const image = await seedImage(source, 'ghcr.io/a/b:1', { platforms: ['linux/amd64', 'linux/arm64'] });
    const target = openMemory();
    const first = await mirror({ references: ['ghcr.io/a/b:1'], source, target });
    const lossy = losing(target, image.blobs[0]?.digest ?? '');
    const again = await mirror({
      references: ['ghcr.io/a/b:1'],
      source,
      target: lossy,
      previous: first.lock,
      recheck: true,
    });
    expect(again.work.totals.moveBlobs).toBe(1);
    expect(again.verification.findings).toEqual([]);
  });

  it('add up what was seen of contacts while the lock shares an image, changed or not, with the one before', async () => {
    const source = openMemory();
    for (const name of ['ghcr.io/a/b:1', 'ghcr.io/a/c:1']) await seedImage(source, name);
    const seen = (requests: number): Contact => {
      const times = { first: '2026-11-26T10:00:00Z', last: '2026-11-26T10:00:00Z' };
      const counts = { registries: ['ghcr.io:443'], through: [], requests, receivedBytes: 0, sentBytes: 0 };
      return { host: 'ghcr.io:443', purpose: 'registry', observed: { ...counts, ...times } };
    };
    const target = openMemory();
    const run = async (name: string, before: Pick<MirrorJob, 'earlier' | 'previous' | 'recheck'> = {}) => {
      const { lock } = await mirror({ references: [name], source, target, ...before }, [seen(1), seen(2)]);
      return { lock, requests: lock.contacts.map(({ observed }) => observed?.requests) };
    };
    const first = await run('ghcr.io/a/b:1');
    const { lock: previous } = first;
    const second = await run('ghcr.io/a/b:1', { previous });
    const rechecked = await run('ghcr.io/a/b:1', { previous, recheck: true });
    const forContactsOnly = await run('ghcr.io/a/b:1', { earlier: previous });
    const other = await run('ghcr.io/a/c:1', { previous });
    expect([first, second, rechecked, forContactsOnly, other].map(({ requests }) => requests)).toEqual([
      [3],
      [6],
      [6],
      [6],
      [3],
    ]);
    await seedImage(source, 'ghcr.io/a/b:1', { layers: ['changed'] });
    const changed = await run('ghcr.io/a/b:1', { previous });
    expect(changed.lock.images[0]?.digest).not.toBe(previous.images[0]?.digest);
    expect(changed.requests).toEqual([6]);
  });

  it('give the same lock and the same content with one transfer and with sixteen', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    const locks = await Promise.all(
      [1, 16].map(async (count) => {
        const copy = { transfersPerHost: count, transfersIntoTarget: count };
        return printLock((await mirror({ references: images.keys(), source, target: openMemory(), copy })).lock);
      }),
    );
    expect(locks[0]).toBe(locks[1]);
  });

  it('refuse two images on one tag before anything is written, naming both', async () => {
    const source = openMemory();
    await seedImage(source, 'ghcr.io/a/b:1', { layers: ['one'] });
    await seedImage(source, 'quay.io/a/b:1', { layers: ['two'] });
    const target = watch(openMemory());
    const references = ['ghcr.io/a/b:1', 'quay.io/a/b:1'];
    const attempt = mirror({ references, source, target, rule: flat });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_MIRROR_CONFLICT' });
    await expect(attempt).rejects.toThrow(/ghcr\.io\/a\/b:1[\s\S]*quay\.io\/a\/b:1/);
    expect(target.calls.filter((call) => /^(push|mount)/.test(call))).toEqual([]);
  });

  it('keep other images going when one cannot be resolved, and leave it out of the lock', async () => {
    const source = openMemory();
    await seedImage(source, 'ghcr.io/a/b:1');
    const result = await mirror({ references: ['ghcr.io/a/b:1', 'ghcr.io/a/missing:9'], source, target: openMemory() });
    expect(result.failures.map(({ error }) => error)).toMatchObject([
      { code: 'ERR_NOT_FOUND', end: 'source', reference: 'ghcr.io/a/missing:9', origins: ['images.txt:2'] },
    ]);
    expect(result.lock.images.map((image) => printReference(image.source))).toEqual(['ghcr.io/a/b:1']);
  });

  it('never tag an image whose bytes stay wrong, and name image and digest', async () => {
    const real = openMemory();
    const bad = await seedImage(real, 'ghcr.io/a/bad:1', { layers: ['bad'] });
    await seedImage(real, 'ghcr.io/a/good:1', { layers: ['good'] });
    const wrong = bad.blobs.at(-1)?.digest;
    const source = watch(real, {
      fetch: async (open, { descriptor }) => (descriptor.digest === wrong ? flipped(await open()) : await open()),
    });
    const target = openMemory();
    const result = await mirror({ references: ['ghcr.io/a/bad:1', 'ghcr.io/a/good:1'], source, target });
    expect(result.receipt.images.map(({ status }) => status)).toEqual(['failed', 'complete']);
    const [failed] = result.receipt.images;
    expect(failed).toMatchObject({
      error: { code: 'ERR_DIGEST_MISMATCH', reference: 'ghcr.io/a/bad:1', digest: wrong },
    });
    const repository = target.repository(placeRepository(byRegistry, bad.reference));
    await expect(repository.resolve(parseReference('a:1').tag ?? bad.root.digest)).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    });
  });

  it('fetch wrong bytes once more and then stand complete', async () => {
    const real = openMemory();
    const image = await seedImage(real, 'ghcr.io/a/b:1');
    let lies = 1;
    const source = watch(real, { fetch: async (open) => (lies-- > 0 ? flipped(await open()) : await open()) });
    const target = openMemory();
    const result = await mirror({ references: ['ghcr.io/a/b:1'], source, target });
    expect(result.receipt.images).toMatchObject([{ status: 'complete' }]);
    await expectSame(image, { target });
  });

  it('go on at the byte where a stream broke, instead of fetching a blob again', async () => {
    const real = openMemory();
    const image = await seedImage(real, 'ghcr.io/a/b:1', { layerBytes: 1_000_000, compression: 'none' });
    const asked: number[] = [];
    const source = watch(real, {
      fetch: async (open, { descriptor, options }) => {
        if (descriptor.size > 500_000) asked.push(options.offset ?? 0);
        return asked.length === 1 && descriptor.size > 500_000 ? cut(await open(), 300_000) : await open();
      },
    });
    const target = openMemory();
    const result = await mirror({ references: ['ghcr.io/a/b:1'], source, target });
    await expectSame(image, { target });
    expect(asked).toEqual([0, 300_000]);
    expect(result.receipt.totals.fetchedBytes).toBe(result.work.totals.moveBytes);
  });

  it.each([
    ['by mounts', []],
    ['by copies where mounts are refused', ['mount' as const]],
  ])('take what other repositories of the target have from there %s', async (_, without) => {
    const real = openMemory();
    const old = await seedImage(real, 'ghcr.io/a/old:1', { layers: ['base', 'old'], layerBytes: 700_000 });
    const image = await seedImage(real, 'ghcr.io/a/new:1', { layers: ['base', 'new'], layerBytes: 700_000 });
    const store = openMemory();
    await mirror({ references: ['ghcr.io/a/old:1'], source: real, target: store });
    const shared = image.blobs.filter(({ digest }) => old.blobs.some((blob) => blob.digest === digest));
    const home = placeRepository(byRegistry, old.reference);
    const absent = { ...home, repository: 'not/there' };
    const source = watch(real, {
      before: (call) => {
        if (shared.some(({ digest }) => call.startsWith('fetch ') && call.endsWith(digest))) throw new Error(call);
      },
    });
    const base = new Map(shared.map(({ digest }) => [digest, [absent, home]]));
    const target = watch(store, { without });
    const result = await mirror({ references: ['ghcr.io/a/new:1'], source, target, base });
    expect(shared).toHaveLength(1);
    expect(result.verification.findings).toEqual([]);
    await expectSame(image, { target: store });
    expect(result.work.totals).toMatchObject({ moveBlobs: 2, mounts: 1, presentBlobs: 0 });
    expect(result.receipt.totals).toMatchObject({ copiedBlobs: 2, mountedBlobs: 1, presentBlobs: 0 });
  });

  it('copy inside the target where mounts are refused, never again from upstream', async () => {
    const source = watch(openMemory());
    const { images } = await seedSet(source);
    source.calls.length = 0;
    const store = openMemory();
    const result = await mirror({ references: images.keys(), source, target: watch(store, { without: ['mount'] }) });
    expect(result.verification.findings).toEqual([]);
    expect(new Set(fetched(source.calls)).size).toBe(fetched(source.calls).length);
    for (const image of images.values()) await expectSame(image, { target: store });
  });

  it('keep referrers findable by a fallback tag where the target has no referrers API', async () => {
    const source = openMemory();
    const image = await seedImage(source, 'ghcr.io/a/b:1', { platforms: ['linux/amd64', 'linux/arm64'] });
    const referrers = [await seedReferrer(source, image), await seedReferrer(source, image, { text: 'another' })];
    const store = openMemory();
    const { lock } = await mirror({ references: ['ghcr.io/a/b:1'], source, target: withoutReferrers(store) });
    const tag = parseTag(image.root.digest.replace(':', '-'));
    const index = await store.repository(placeRepository(byRegistry, image.reference)).manifest(tag);
    const listed = childrenOf(parseManifest(index.bytes, index.descriptor.mediaType)).map(({ digest }) => digest);
    expect(listed).toEqual(referrers.map(({ root }) => root.digest).sort());
    expect(lock.images[0]?.tags.map((locked) => locked.tag)).toContain(tag);
  });

  it('write no tag before everything under it is in place', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    const target = watch(openMemory());
    await mirror({ references: images.keys(), source, target });
    const isTag = (call: string) => call.startsWith('pushManifest ') && !call.includes('@sha256:');
    for (const image of images.values()) {
      const place = `${placeRepository(byRegistry, image.reference).registry}/${placeRepository(byRegistry, image.reference).repository}`;
      const tagged = target.calls.indexOf(`pushManifest ${place}:${image.reference.tag}`);
      if (tagged < 0) continue;
      const later = target.calls
        .slice(tagged + 1)
        .filter((call) => call.includes(`${place}@`) && /^(push|mount)/.test(call) && !isTag(call));
      const own = new Set(
        [...image.blobs, ...image.manifests.map(({ descriptor }) => descriptor)].map(({ digest }) => digest),
      );
      expect(later.filter((call) => own.has(call.slice(call.indexOf('@') + 1) as never))).toEqual([]);
    }
  });

  it('stop the rest at once when the target is full', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    let writes = 0;
    const target = watch(openMemory(), {
      before: (call) => {
        if (!isWrite(call)) return;
        writes += 1;
        throw new AirgapError('ERR_NO_SPACE', 'Cannot push blob: no space left', { end: 'target' });
      },
    });
    const result = await mirror({ references: images.keys(), source, target });
    expect(result.receipt.images.every(({ status }) => status === 'failed')).toBe(true);
    expect(result.receipt.images).toMatchObject(result.receipt.images.map(() => ({ error: { code: 'ERR_NO_SPACE' } })));
    expect(writes).toBeLessThan(15);
  });

  it('end with the interruption when the signal aborts, leaving no half image tagged', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    const controller = new AbortController();
    const store = openMemory();
    let writes = 0;
    const target = watch(store, {
      before: (call) => {
        if (isWrite(call)) writes += 1;
        if (writes === 10) controller.abort(new AirgapError('ERR_INTERRUPTED', 'Interrupted'));
      },
    });
    const attempt = mirror({ references: images.keys(), source, target, signal: controller.signal });
    await expect(attempt).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
    const again = await mirror({ references: images.keys(), source, target: store });
    expect(again.verification.findings).toEqual([]);
    for (const image of images.values()) await expectSame(image, { target: store });
  });
});

function withoutReferrers(store: Target): Target {
  return {
    ...watch(store),
    repository: (name) => ({ ...watch(store).repository(name), referrers: async () => undefined }),
  };
}

async function* flipped(content: UnverifiedContent): UnverifiedContent {
  let first = true;
  for await (const chunk of content) {
    if (!first) yield chunk;
    else yield Buffer.from(chunk.map((byte, at) => (at === 0 ? byte ^ 1 : byte)));
    first = false;
  }
}

async function* cut(content: UnverifiedContent, after: number): UnverifiedContent {
  let left = after;
  for await (const chunk of content) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) throw new AirgapError('ERR_UNREACHABLE', 'Cannot fetch: cut', { end: 'source', retryable: true });
  }
}

/** The target as if it had lost one blob, until it is pushed again. */
function losing(store: Target, digest: string): Target {
  let lost = true;
  const watched = watch(store, {
    before: (call) => {
      if (call.startsWith('push ') && call.endsWith(digest)) lost = false;
    },
  });
  return {
    ...watched,
    repository: (name) => {
      const repository = watched.repository(name);
      return {
        ...repository,
        exists: async (descriptor, call) =>
          !(lost && descriptor.digest === digest) && (await repository.exists(descriptor, call)),
      };
    },
  };
}
