import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf, hexOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseReference, parseTag, type RepositoryName } from '../../../src/oci/reference.ts';
import { collectGarbage } from '../../../src/store/layout/gc.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { seedImage, seedNestedIndex } from '../../support/seedImages.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-gc-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const name: RepositoryName = { registry: 'ghcr.io', repository: 'a/b' };

async function inLayout<T>(work: (layout: Target) => Promise<T>): Promise<T> {
  const layout = await openLayout(directory, { create: true });
  try {
    return await work(layout);
  } finally {
    await layout.close();
  }
}

async function pushBlob(layout: Target, bytes: Uint8Array): Promise<Digest> {
  const descriptor = { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
  await layout.repository(name).push(descriptor, contentOfBytes(descriptor, bytes));
  return descriptor.digest;
}

function blobPath(digest: Digest): string {
  return join(directory, 'blobs', digest.split(':')[0] ?? '', hexOf(digest));
}

/** Every file of the layout that is a blob. */
async function blobs(): Promise<string[]> {
  return (await readdir(join(directory, 'blobs', 'sha256'))).sort();
}

describe('collectGarbage()', () => {
  it('finds nothing in a layout where everything is needed', async () => {
    await inLayout(async (layout) => {
      const image = await seedNestedIndex(layout, 'ghcr.io/a/b:v1');
      await seedCosignTag(layout, image);
      await seedReferrer(layout, image);
      await seedImage(layout, 'ghcr.io/a/c:v1', { byDigest: true });
      await seedImage(layout, 'ghcr.io/a/docker:v1', { docker: true, foreignLayer: true });
    });
    const before = await blobs();
    const report = await collectGarbage(directory, { remove: true });
    expect(report.items).toEqual([]);
    expect(await blobs()).toEqual(before);
    expect(report.kept.manifests + report.kept.blobs).toBe(before.length);
  });

  it('only looks until it is told to remove; what goes is exactly what nothing names', async () => {
    const image = await inLayout(async (layout) => {
      await seedImage(layout, 'ghcr.io/a/b:stays', { layers: ['shared', 'own'] });
      const other = await seedImage(layout, 'ghcr.io/a/b:goes', { layers: ['shared', 'another'] });
      await pushBlob(layout, Buffer.from('nobody names me'));
      await layout.repository(name).removeManifest?.(other.root.digest);
      return other;
    });
    const before = await blobs();
    const looked = await collectGarbage(directory);
    expect(await blobs()).toEqual(before);
    expect(looked).toMatchObject({ removed: false });
    const orphan = digestOf(Buffer.from('nobody names me'));
    const own = image.blobs.filter(({ size }) => size > 2).map(({ digest }) => digest);
    const listed = looked.items.map((item) => item.name);
    expect(listed).toEqual([...listed].sort());
    expect(listed).toEqual(expect.arrayContaining([orphan, image.root.digest]));
    expect(own.filter((digest) => !listed.includes(digest))).toHaveLength(1);
    expect(looked.bytes).toBe(looked.items.reduce((sum, item) => sum + item.size, 0));
    const removed = await collectGarbage(directory, { remove: true });
    expect({ ...removed, removed: false }).toEqual(looked);
    expect(await blobs()).toEqual(before.filter((hex) => !listed.includes(`sha256:${hex}`)));
    expect((await collectGarbage(directory)).items).toEqual([]);
    await inLayout(async (layout) => {
      const root = await layout.repository(name).manifest(parseTag('stays'));
      expect(root.descriptor.size).toBe(root.bytes.length);
    });
  });

  it('keeps manifests without a tag, and drops them on request, but not children and referrers of what stays', async () => {
    const seeded = await inLayout(async (layout) => {
      const image = await seedImage(layout, 'ghcr.io/a/b:v1', { platforms: ['linux/amd64', 'linux/arm64'] });
      const referrer = await seedReferrer(layout, image);
      const about = await seedReferrer(layout, { ...image, root: referrer.root }, { text: 'about the referrer' });
      const old = await seedImage(layout, 'ghcr.io/a/b:moved', { layers: ['old'] });
      const lost = await seedReferrer(layout, old, { text: 'about the old one' });
      await seedImage(layout, 'ghcr.io/a/b:moved', { layers: ['new'] });
      return { image, referrer, about, old, lost };
    });
    expect((await collectGarbage(directory)).items).toEqual([]);
    const report = await collectGarbage(directory, { untagged: true, remove: true });
    const untagged = report.items.filter(({ kind }) => kind === 'untagged').map((item) => item.name);
    expect(untagged.sort()).toEqual([seeded.old, seeded.lost].map(({ root }) => `ghcr.io/a/b@${root.digest}`).sort());
    await inLayout(async (layout) => {
      const repository = layout.repository(name);
      for (const kept of [seeded.image, seeded.referrer, seeded.about]) {
        expect(await repository.exists(kept.root)).toBe(true);
      }
      expect(await repository.referrers?.(seeded.image.root.digest)).toHaveLength(1);
      expect(await repository.exists(seeded.old.root)).toBe(false);
    });
    for (const { digest } of seeded.old.blobs) expect(existsSync(blobPath(digest))).toBe(false);
  });

  it('keeps what entries of other tools name, and everything a document of unknown kind mentions', async () => {
    const inner = Buffer.from('content that only an unknown document mentions');
    const document = Buffer.from(JSON.stringify({ blobs: [{ digest: digestOf(inner), size: inner.length }] }));
    await inLayout(async (layout) => {
      await pushBlob(layout, inner);
      await pushBlob(layout, document);
      await seedImage(layout, 'ghcr.io/a/b:v1');
    });
    const path = join(directory, 'index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    const mediaType = 'application/vnd.example.unknown+json';
    index.manifests.push({ mediaType, digest: digestOf(document), size: document.length });
    await writeFile(path, JSON.stringify(index));
    const report = await collectGarbage(directory, { untagged: true, remove: true });
    expect(report.items).toEqual([]);
    expect(existsSync(blobPath(digestOf(inner)))).toBe(true);
  });

  it('refuses to guess when a manifest is damaged', async () => {
    const image = await inLayout((layout) => seedImage(layout, 'ghcr.io/a/b:v1'));
    await writeFile(blobPath(image.root.digest), '{"schemaVersion":2}');
    const before = await blobs();
    await expect(collectGarbage(directory, { remove: true })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringContaining(image.root.digest),
    });
    expect(await blobs()).toEqual(before);
  });

  it('removes leftovers of interrupted writes, leaves locks and files that are no blobs, and follows no link', async () => {
    await inLayout((layout) => seedImage(layout, 'ghcr.io/a/b:v1'));
    const partial = join(directory, '.airgap-partial');
    await inLayout(async () => {});
    const outside = await mkdtemp(join(tmpdir(), 'airgap-gc-outside-'));
    await writeFile(join(outside, 'precious'), 'kept');
    await mkdir(partial, { recursive: true });
    await writeFile(join(partial, 'upload-1'), Buffer.alloc(1000));
    await writeFile(join(partial, `sha256-${'0'.repeat(64)}`), Buffer.alloc(500));
    await writeFile(join(directory, 'blobs', 'sha256', 'README'), 'not a blob');
    await symlink(outside, join(partial, 'link'));
    await symlink(join(outside, 'precious'), join(directory, 'blobs', 'sha256', 'a'.repeat(64)));
    const report = await collectGarbage(directory, { remove: true });
    expect(report.items.map(({ kind, size }) => [kind, size])).toEqual([
      ['leftover', 0],
      ['leftover', 500],
      ['leftover', 1000],
    ]);
    expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('kept');
    expect(existsSync(join(directory, 'blobs', 'sha256', 'README'))).toBe(true);
    expect(existsSync(partial)).toBe(false);
    await rm(outside, { recursive: true });
  });

  it('waits for nobody: beside a writer it is refused, and a directory that is no layout stays as it is', async () => {
    const layout = await openLayout(directory, { create: true });
    await expect(collectGarbage(directory)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringContaining('is writing to it'),
    });
    await layout.close();
    const other = await mkdtemp(join(tmpdir(), 'airgap-gc-none-'));
    await expect(collectGarbage(other)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    expect(await readdir(other)).toEqual([]);
    await rm(other, { recursive: true });
  });

  it('can be interrupted at any file and goes on the next time', async () => {
    await inLayout(async (layout) => {
      await seedImage(layout, 'ghcr.io/a/b:v1');
      for (let count = 0; count < 10; count += 1) await pushBlob(layout, Buffer.from(`orphan ${count}`));
    });
    const total = (await blobs()).length;
    const stop = new AbortController();
    const running = collectGarbage(directory, { remove: true, signal: stop.signal });
    while ((await blobs()).length === total) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error('stopped'));
    await running.catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_INTERRUPTED' }));
    await collectGarbage(directory, { remove: true });
    expect(await blobs()).toHaveLength(total - 10);
    await inLayout((layout) => layout.repository(parseReference('ghcr.io/a/b:v1')).manifest(parseTag('v1')));
  });
});
