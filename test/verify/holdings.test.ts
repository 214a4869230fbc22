import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import { placeImages } from '../../src/input/place.ts';
import { parseReceipt, printReceipt, receiptName, type SiteReceipt } from '../../src/lock/receipt.ts';
import type { MirrorRule } from '../../src/mirror/rule.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, parseTag } from '../../src/oci/reference.ts';
import { planImages } from '../../src/plan/build.ts';
import { splitDelta } from '../../src/plan/delta.ts';
import { lockOf } from '../../src/plan/lock-of.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { resolveImages } from '../../src/resolve/resolve.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source, Target } from '../../src/store/store.ts';
import { holdingsOfLock, mergeReceipts, readHoldings } from '../../src/verify/holdings.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedCosignTag, seedReferrer } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';
import { seedSet } from '../support/seedSet.ts';
import { watch } from '../support/watched.ts';

const both = ['linux/amd64', 'linux/arm64'];
const site = '10.5.0.1:6000';

function digests(contents: readonly { readonly digest: string }[]): string[] {
  return [...new Set(contents.map(({ digest }) => digest))].sort();
}

function manifestsOf(...images: readonly SeededImage[]): string[] {
  return digests(images.flatMap(({ manifests }) => manifests.map(({ descriptor }) => descriptor)));
}

function blobsOf(...images: readonly SeededImage[]): string[] {
  return digests(images.flatMap(({ blobs }) => blobs));
}

async function read(
  target: Source,
  options: Partial<Parameters<typeof readHoldings>[1]> = {},
): Promise<{ readonly receipt: SiteReceipt; readonly notices: string[] }> {
  const notices: string[] = [];
  const events = (event: AirgapEvent): void => {
    if (event.type === 'notice') notices.push(event.message);
  };
  return { receipt: await readHoldings(target, { site, events, ...options }), notices };
}

async function planOf(source: Target, references: Iterable<string>): Promise<Plan> {
  const rule: MirrorRule = { naming: 'keep', registry: '', prefix: '' };
  const requests = [...references].map((text) => ({ reference: parseReference(text), origins: [] }));
  const { images } = await resolveImages(placeImages(rule, requests), {
    source,
    wish: { platforms: [], narrow: false, require: false },
    signatures: true,
    includeForeign: false,
    sparse: async () => true,
  });
  return planImages(images, []);
}

/** A site whose blob, or manifest, is gone. */
function losing(store: Target, digest: string): Target {
  return watch(store, {
    before: (call) => {
      if (call.startsWith('exists ') || !call.endsWith(digest)) return;
      throw new AirgapError('ERR_NOT_FOUND', 'Cannot find it', { end: 'target' });
    },
  });
}

describe('readHoldings()', () => {
  it('states tags, manifests and blobs of a site, signatures and referrers included', async () => {
    const store = openMemory();
    const image = await seedImage(store, `${site}/infra/a/b:1`, { platforms: both });
    const signature = await seedCosignTag(store, image);
    const referrer = await seedReferrer(store, image);
    const { receipt, notices } = await read(store, { prefix: 'infra' });
    expect(notices).toEqual([]);
    expect(receipt.repositories).toMatchObject([{ registry: '', prefix: 'infra', path: 'a/b' }]);
    expect(receipt.repositories[0]?.tags.find(({ tag }) => tag === '1')?.digest).toBe(image.root.digest);
    expect(receipt.repositories[0]?.tags).toHaveLength(2);
    expect(digests(receipt.manifests)).toEqual(manifestsOf(image, signature, referrer));
    expect(digests(receipt.blobs)).toEqual(blobsOf(image, signature, referrer));
    expect(parseReceipt(printReceipt(receipt), 'x')).toEqual(receipt);
  });

  it('looks below the prefix only, and keeps the places of a shared blob', async () => {
    const store = openMemory();
    const layers = ['shared'];
    for (const name of ['infra/one:1', 'infra/two:1', 'other/three:1', 'infrastructure/four:1'])
      await seedImage(store, `${site}/${name}`, { layers });
    const { receipt } = await read(store, { prefix: 'infra' });
    expect(receipt.repositories.map(receiptName)).toEqual(['infra/one', 'infra/two']);
    expect(receipt.blobs.map((blob) => blob.in.length).sort()).toEqual([1, 1, 2]);
  });

  it('asks each manifest and each blob of a repository once', async () => {
    const store = openMemory();
    await seedSet(store);
    const target = watch(store, { noReferrersApi: true });
    await read(target);
    const asked = target.calls.filter((call) => /^(?:exists|manifest) /.test(call));
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('reports what is broken and leaves out what is not there', async () => {
    const store = openMemory();
    const good = await seedImage(store, `${site}/good:1`);
    const image = await seedImage(store, `${site}/broken:1`, { platforms: both, layers: ['one {platform}', 'two'] });
    const child = image.manifests[0]?.descriptor.digest ?? '';
    const { receipt, notices } = await read(losing(store, child));
    // A platform that was left out on purpose looks the same.
    expect(notices).toEqual([]);
    expect(digests(receipt.manifests)).not.toContain(child);

    const real = watch(store);
    const gone = good.blobs[1] as Descriptor;
    const lossy: Target = {
      ...real,
      repository: (name) => {
        const repository = real.repository(name);
        return { ...repository, name, exists: async (blob) => blob.digest !== gone.digest && repository.exists(blob) };
      },
    };
    const second = await read(lossy);
    expect(second.notices).toEqual([`${site}/good:1 is not whole: blob ${gone.digest} is not there`]);
    expect(digests(second.receipt.blobs)).not.toContain(gone.digest);
    expect(second.receipt.repositories.map(receiptName)).toEqual(['broken', 'good']);
  });

  it('says that an index is not whole when nothing of it is there', async () => {
    const store = openMemory();
    const image = await seedImage(store, `${site}/broken:1`, { platforms: both });
    const [one, other] = image.manifests.map(({ descriptor }) => descriptor.digest);
    const { notices } = await read(losing(losing(store, one ?? ''), other ?? ''));
    expect(notices).toEqual([expect.stringMatching(/broken:1 is not whole: manifest \S+ is not there, and 1 more$/)]);
  });

  it('ends when content hangs together in a circle', async () => {
    const store = openMemory();
    const image = await seedImage(store, `${site}/a:1`);
    const repository = store.repository(image.reference);
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [image.root], subject: image.root };
    const bytes = Buffer.from(JSON.stringify(index));
    const descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
    await repository.pushManifest(descriptor, bytes, { tag: parseTag('around') });
    const { receipt } = await read(store);
    expect(digests(receipt.manifests)).toEqual([descriptor.digest, image.root.digest].sort());
  });

  it('asks for the images of a lock where the target does not list', async () => {
    const store = openMemory();
    const image = await seedImage(store, `${site}/a/b:1`);
    const pinned = await seedImage(store, `${site}/a/pinned`, { byDigest: true });
    await seedImage(store, `${site}/a/other:1`);
    const unlisted = watch(store, { without: ['catalog', 'tags'] });
    await expect(readHoldings(unlisted, { site })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      end: 'target',
      hint: expect.stringContaining('--lock FILE'),
    });
    const plan = await planOf(store, [`${site}/a/b:1`, `${site}/a/pinned@${pinned.root.digest}`]);
    const rule: MirrorRule = { naming: 'replace-host', registry: site, prefix: '' };
    const lock = lockOf(plan.images, { rule, mirrors: [], contacts: [], carried: [] });
    const { receipt } = await read(unlisted, { lock });
    expect(digests(receipt.manifests)).toEqual(manifestsOf(image, pinned));
    expect(receipt.repositories.map(receiptName)).toEqual(['a/b', 'a/pinned']);
  });

  it.each(['ERR_DENIED', 'ERR_UNSUPPORTED', 'ERR_UNAUTHORIZED'] as const)(
    'names --lock when the catalog is %s',
    async (code) => {
      const before = () => {
        throw new AirgapError(code, 'Cannot list', { end: 'target' });
      };
      const reading = readHoldings(watch(openMemory(), { before }), { site });
      await expect(reading).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', hint: expect.stringContaining('--lock') });
    },
  );

  it('ends with the error of a site that stops answering', async () => {
    const store = openMemory();
    await seedSet(store);
    let answers = 10;
    const before = (): void => {
      answers -= 1;
      if (answers < 0) throw new AirgapError('ERR_UNREACHABLE', 'Cannot reach it', { end: 'target' });
    };
    await expect(read(watch(store, { before }))).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });
});

describe('readHoldings() of a layout', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
  });

  it('keeps upstream names, and finds what has a digest alone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'airgap-holdings-'));
    folders.push(folder);
    const layout = await openLayout(join(folder, 'layout'), { create: true });
    const { images, attached } = await seedSet(layout);
    const { receipt, notices } = await read(layout, { keepsNames: true, site: 'oci:layout' });
    await layout.close();
    expect(notices).toEqual([]);
    expect(digests(receipt.manifests)).toEqual(manifestsOf(...images.values(), ...attached));
    expect(digests(receipt.blobs)).toEqual(blobsOf(...images.values(), ...attached));
    expect(receipt.repositories).toContainEqual(expect.objectContaining({ registry: 'quay.io', path: 'app/pinned' }));
  });
});

describe('a plan against the receipt of a site that took it', () => {
  it('has nothing to bring, by receipt and by lock', async () => {
    const source = openMemory();
    const { images } = await seedSet(source);
    const plan = await planOf(source, images.keys());
    const rule: MirrorRule = { naming: 'keep', registry: '', prefix: '' };
    const lock = lockOf(plan.images, { rule, mirrors: [], contacts: [], carried: [] });
    const { receipt } = await read(source, { keepsNames: true });
    const known = await holdingsOfLock(lock, { source });
    expect(splitDelta(plan, known)).toMatchObject({ images: [], blobs: [], base: [] });
    expect(splitDelta(plan, mergeReceipts([receipt, known]))).toMatchObject({ images: [], blobs: [], base: [] });
    // No list of a registry names what has a digest alone.
    const pinned = [...images.values()].filter(({ reference }) => reference.tag === undefined);
    const delta = splitDelta(plan, receipt);
    expect(delta.images.map(({ root }) => root.digest)).toEqual(pinned.map(({ root }) => root.digest));
    expect(digests(delta.blobs).every((digest) => blobsOf(...pinned).includes(digest))).toBe(true);
  });
});

describe('holdingsOfLock()', () => {
  it('counts what cannot be read upstream any more as not there, and says so once for each image', async () => {
    const source = openMemory();
    const names = ['ghcr.io/a/one:1', 'ghcr.io/a/two:1'];
    for (const name of names) await seedImage(source, name, { platforms: both });
    const plan = await planOf(source, names);
    const rule: MirrorRule = { naming: 'replace-host', registry: site, prefix: 'infra' };
    const images = plan.images.map((image) => ({
      ...image,
      target: { ...image.target, registry: site, repository: `infra/${image.reference.repository}` },
    }));
    const lock = lockOf(images, { rule, mirrors: [], contacts: [], carried: [] });
    const empty = openMemory();
    const only = await seedImage(empty, names[0] ?? '', { platforms: both });
    const notices: string[] = [];
    const events = (event: AirgapEvent): void => {
      if (event.type === 'notice') notices.push(event.message);
    };
    const receipt = await holdingsOfLock(lock, { source: empty, events });
    expect(receipt.repositories).toMatchObject([{ registry: '', prefix: 'infra', path: 'a/one' }]);
    expect(digests(receipt.blobs)).toEqual(blobsOf(only));
    expect(notices).toEqual([expect.stringMatching(/^ghcr\.io\/a\/two:1: .* 3 of its manifests cannot be read/)]);
    expect(splitDelta(plan, receipt).images.map(({ reference }) => reference.repository)).toEqual(['a/two']);
  });
});
