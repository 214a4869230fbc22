import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hexOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parsePlatform } from '../../../src/oci/platform.ts';
import { parseReference } from '../../../src/oci/reference.ts';
import { readInventory } from '../../../src/serve/page/inventory.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { Pile, type SeededImage } from '../../support/pile.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { pushIndex, seedImage } from '../../support/seedImages.ts';
import { seedSet } from '../../support/seedSet.ts';
import { watch } from '../../support/watched.ts';

const both = ['linux/amd64', 'linux/arm64'];
let directory: string;
let store: Target;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-page-'));
  store = await openLayout(directory, { create: true });
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const fileOf = ({ digest }: { digest: SeededImage['root']['digest'] }) =>
  join(directory, 'blobs', 'sha256', hexOf(digest));

async function only(of: Target = store) {
  const { images } = await readInventory(of);
  expect(images).toHaveLength(1);
  const [image] = images;
  if (image === undefined) throw new Error('no image');
  return image;
}

describe('readInventory()', () => {
  it('lists every image of a set once, signatures and referrers with what they belong to', async () => {
    const set = await seedSet(store);
    const inventory = await readInventory(store);
    expect(inventory.images.map(({ reference }) => reference).sort()).toEqual([...set.images.keys()].sort());
    expect(inventory.images.filter(({ state }) => state !== 'complete')).toEqual([]);
    const attached = new Map(inventory.images.map(({ reference, attachments }) => [reference, attachments]));
    expect(attached.get('ghcr.io/siderolabs/kubelet:v1.37.1')).toEqual([
      { kind: 'signature', by: 'tag', count: 1 },
      { kind: 'attestation', by: 'inside', count: 2 },
    ]);
    expect(attached.get('ghcr.io/siderolabs/installer:v1.14.4')).toEqual([
      { kind: 'attestation', by: 'tag', count: 1 },
    ]);
    expect(attached.get('ghcr.io/app/referred:1')).toEqual([
      { kind: 'SBOM', by: 'referrer', count: 1 },
      { kind: 'referrer', by: 'referrer', count: 1 },
    ]);
    expect(attached.get('ghcr.io/app/fallback:1')).toEqual([{ kind: 'SBOM', by: 'referrer', count: 1 }]);
  });

  it('adds up exactly the bytes that are there, each once', async () => {
    const set = await seedSet(store);
    const all = new Map<string, number>();
    for (const { manifests, blobs } of [...set.images.values(), ...set.attached]) {
      for (const { descriptor } of manifests) all.set(descriptor.digest, descriptor.size);
      for (const blob of blobs) all.set(blob.digest, blob.size);
    }
    const inventory = await readInventory(store);
    expect(inventory.bytes).toBe([...all.values()].reduce((sum, size) => sum + size, 0));
    for (const { image, reference } of inventory.images) {
      const seeded = set.images.get(reference);
      const own = new Map(seeded?.blobs.map((blob) => [blob.digest, blob.size]));
      for (const { descriptor } of seeded?.manifests ?? []) own.set(descriptor.digest, descriptor.size);
      expect(image?.size, reference).toBe([...own.values()].reduce((sum, size) => sum + size, 0));
    }
  });

  it('says the same of a store without an index of its own, but for what has no tag', async () => {
    const memory = openMemory();
    const set = await seedSet(memory);
    const shown = async (from: Target) =>
      (await readInventory(from)).images.map(({ reference, state, attachments }) => ({
        reference,
        state,
        attachments,
      }));
    await seedSet(store);
    const untagged = [...set.images.keys()].filter((reference) => reference.includes('@'));
    const inLayout = (await shown(store)).filter(({ reference }) => !untagged.includes(reference));
    expect(await shown(memory)).toEqual(inLayout);
  });

  it('reads the platform of a single image from its config, and sorts newest tags first', async () => {
    for (const tag of ['v1.9.0', 'v1.10.0', 'v1.2.0']) {
      await seedImage(store, `ghcr.io/a/b:${tag}`, { platforms: ['linux/arm/v7'] });
    }
    const { images } = await readInventory(store);
    expect(images.map(({ tag }) => tag)).toEqual(['v1.10.0', 'v1.9.0', 'v1.2.0']);
    expect(images.map(({ image }) => image?.platforms.map(({ platform }) => platform))).toEqual(
      Array(3).fill(['linux/arm/v7']),
    );
  });

  it('counts signatures of platforms and several in one tag', async () => {
    const image = await seedImage(store, 'ghcr.io/a/b:1', { platforms: both });
    const child = image.manifests[0]?.descriptor;
    if (child === undefined) throw new Error('no child');
    await seedCosignTag(store, image);
    await seedCosignTag(store, { ...image, root: child });
    await seedReferrer(store, image, { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' });
    expect((await only()).attachments).toEqual([
      { kind: 'signature', by: 'referrer', count: 1 },
      { kind: 'signature', by: 'tag', count: 2 },
    ]);
  });

  it('marks an image whose layer is gone or short, and says which platform that is', async () => {
    const image = await seedImage(store, 'ghcr.io/a/b:1', { platforms: both });
    const last = image.blobs.at(-1);
    const first = image.blobs[0];
    if (last === undefined || first === undefined) throw new Error('no blobs');
    await rm(fileOf(last));
    const lacking = await only();
    expect([lacking.state, lacking.trouble]).toEqual(['incomplete', '1 part of it is not here']);
    expect(lacking.image?.missing).toEqual({ count: 1, bytes: last.size });
    expect(lacking.image?.platforms.map(({ state }) => state)).toEqual(['here', 'incomplete']);
    await truncate(fileOf(first), 5);
    expect((await only()).image?.missing.count).toBe(2);
  });

  it('takes platforms that were left out as not here, and an image without any as incomplete', async () => {
    const other = openMemory();
    const image = await seedImage(other, 'ghcr.io/a/b:1', { platforms: [...both, 'linux/s390x'] });
    const pile = new Pile(store.repository(image.reference));
    const [amd, ...rest] = image.manifests.slice(0, 3).map(({ descriptor }, index) => ({
      ...descriptor,
      platform: parsePlatform([...both, 'linux/s390x'][index] ?? ''),
    }));
    if (amd === undefined) throw new Error('no child');
    const { tag } = parseReference('ghcr.io/a/b:1');
    await pushIndex(pile, [amd, ...rest], { tag });
    expect(await only()).toMatchObject({ state: 'incomplete', trouble: 'none of its platforms is here' });
    for (const blob of image.blobs.slice(0, 2)) {
      const bytes: Uint8Array[] = [];
      for await (const chunk of await other.repository(image.reference).fetch(blob)) bytes.push(chunk);
      await pile.blob(blob.mediaType, Buffer.concat(bytes));
    }
    await pile.repository.pushManifest(amd, image.manifests[0]?.bytes ?? new Uint8Array());
    const sparse = await only();
    expect(sparse.state).toBe('complete');
    expect(sparse.image?.platforms.map(({ platform, state }) => `${platform} ${state}`)).toEqual([
      'linux/amd64 here',
      'linux/arm64 absent',
      'linux/s390x absent',
    ]);
  });

  it('shows an image whose manifest is damaged or gone, and goes on with the others', async () => {
    const damaged = await seedImage(store, 'ghcr.io/a/damaged:1');
    const gone = await seedImage(store, 'ghcr.io/a/gone:1');
    await seedImage(store, 'ghcr.io/a/whole:1');
    const bytes = damaged.manifests.at(-1)?.bytes ?? new Uint8Array();
    await writeFile(
      fileOf(damaged.root),
      Buffer.from(bytes)
        .toString()
        .replace('2020', '2021')
        .replace(/"size": (\d)/, '"size": 9'),
    );
    await rm(fileOf(gone.root));
    await store.close();
    store = await openLayout(directory, { readOnly: true });
    const { images, troubled } = await readInventory(store);
    expect(images.map(({ reference, state, trouble }) => [reference, state, trouble])).toEqual([
      ['ghcr.io/a/damaged:1', 'unreadable', 'its manifest is damaged'],
      ['ghcr.io/a/gone:1', 'unreadable', 'its manifest is not here'],
      ['ghcr.io/a/whole:1', 'complete', undefined],
    ]);
    expect(troubled).toBe(2);
  });

  it('says so when a store does not list, and counts what has no full name', async () => {
    const image = await seedImage(store, 'ghcr.io/a/b:1');
    expect(await readInventory(watch(openMemory(), { without: ['catalog'] }))).toMatchObject({
      listed: false,
      images: [],
    });
    await store.close();
    const entry = { mediaType: image.root.mediaType, digest: image.root.digest, size: image.root.size };
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [{ ...entry, annotations }] };
    await writeFile(join(directory, 'index.json'), JSON.stringify(index));
    store = await openLayout(directory, { readOnly: true });
    expect(await readInventory(store)).toMatchObject({ listed: true, nameless: 1, images: [] });
  });
});
