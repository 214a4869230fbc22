import { mkdir, mkdtemp, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BundlePlace } from '../../../src/store/bundle/bundle.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { openBundleWriter } from '../../../src/store/bundle/writer.ts';
import { hashesIn, pushImages, type WriteOptions, writeBundle } from '../../support/bundleWriting.ts';
import { contentsOf, type PackedSet, packSet } from '../../support/packedSet.ts';

let root: string;
let directory: string;
let images: PackedSet;
let expected: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-donors-'));
  images = await packSet();
  await mkdir(join(root, 'expected'));
  await writeBundle(fileIn(join(root, 'expected')), images, { lock: 'new' });
  [expected = ''] = Object.values(await hashesIn(join(root, 'expected')));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

const fileIn = (at: string): BundlePlace => ({ kind: 'file', file: join(at, 'one.tar') });

/** Pushes everything but does not finish. */
async function begun(place: BundlePlace, options: WriteOptions = {}): Promise<void> {
  const writer = await openBundleWriter(place, options);
  try {
    await writer.reserve(contentsOf(images.images, options.lock === undefined ? {} : { lock: options.lock }));
    await pushImages(writer, images, options);
  } finally {
    await writer.close();
  }
}

/** Overwrites the middle of a file's largest blob. */
async function damaged(path: string): Promise<void> {
  const bundle = await openBundle(path).catch(() => undefined);
  await bundle?.close();
  const file = await open(path, 'r+');
  const { size } = await file.stat();
  await file.write(Buffer.alloc(2000, 7), 0, 2000, Math.floor(size / 2));
  await file.close();
}

describe('an earlier bundle in the place', () => {
  it('gives its blobs, stays until the new one is whole, and is replaced by it', async () => {
    await writeBundle(fileIn(directory), images, { lock: 'old' });
    const path = join(directory, 'one.tar');
    const before = await readFile(path);
    const writer = await openBundleWriter(fileIn(directory));
    const reservation = await writer.reserve(contentsOf(images.images, { lock: 'new' }));
    expect(reservation).toMatchObject({ isComplete: false, newBytes: reservation.bytes });
    expect(await pushImages(writer, images)).toEqual([]);
    for (const image of images.images) {
      for (const blob of image.blobs) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of await writer.repository(image.reference).fetch(blob)) chunks.push(chunk);
        expect(Buffer.concat(chunks)).toEqual(Buffer.from(images.content.get(blob.digest) ?? []));
      }
    }
    expect((await readFile(path)).equals(before)).toBe(true);
    await writer.finish();
    await writer.close();
    expect(await hashesIn(directory)).toEqual({ 'one.tar': expected });
  });

  it('that is damaged is found out, said, and not asked again', async () => {
    await writeBundle(fileIn(directory), images, { lock: 'old' });
    await damaged(join(directory, 'one.tar'));
    await expect(writeBundle(fileIn(directory), images, { lock: 'new' })).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
      hint: 'run again: it will be fetched',
    });
    const { fetched } = await writeBundle(fileIn(directory), images, { lock: 'new' });
    expect(fetched).toHaveLength(1);
    expect(await hashesIn(directory)).toEqual({ 'one.tar': expected });
  });

  it('stays when copying from it is ended', async () => {
    await writeBundle(fileIn(directory), images, { lock: 'old' });
    const before = await hashesIn(directory);
    const writer = await openBundleWriter(fileIn(directory));
    await writer.reserve(contentsOf(images.images, { lock: 'new' }));
    await pushImages(writer, images);
    const ended = new AbortController();
    const finishing = writer.finish({ signal: ended.signal });
    ended.abort();
    await expect(finishing).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
    await writer.close();
    expect((await hashesIn(directory))['one.tar']).toBe(before['one.tar']);
    expect((await writeBundle(fileIn(directory), images, { lock: 'new' })).fetched).toEqual([]);
    expect(await hashesIn(directory)).toEqual({ 'one.tar': expected });
  });
});

describe('half files of other contents', () => {
  it('give what they have, one after the other, and are gone in the end', async () => {
    await begun(fileIn(directory), { lock: 'first' });
    const writer = await openBundleWriter(fileIn(directory));
    await writer.reserve(contentsOf(images.images, { lock: 'second' }));
    const [image] = images.images;
    const [blob] = image?.blobs ?? [];
    if (image === undefined || blob === undefined) throw new Error('no blob');
    const nothing = { open: () => (async function* (): AsyncGenerator<Uint8Array> {})() };
    await writer.repository(image.reference).push(blob, nothing);
    await writer.close();
    expect((await readdir(directory)).filter((name) => name.endsWith('.partial'))).toHaveLength(2);
    const { fetched } = await writeBundle(fileIn(directory), images, { lock: 'new' });
    expect(fetched).toEqual([]);
    expect(await hashesIn(directory)).toEqual({ 'one.tar': expected });
  });

  it('of another bundle whose name begins the same are left alone', async () => {
    await begun({ kind: 'file', file: join(directory, 'one.tar.old') }, { lock: 'old' });
    const half = (await readdir(directory)).sort();
    expect(half).toEqual(['one.tar.old.partial', 'one.tar.old.partial.journal']);
    await writeBundle(fileIn(directory), images, { lock: 'new' });
    expect((await readdir(directory)).sort()).toEqual(['one.tar', ...half]);
  });

  it('in a directory give parts of blobs too, and go', async () => {
    const large = await packSet({ layerBytes: 70_000 });
    const place: BundlePlace = { kind: 'volumes', directory };
    const writer = await openBundleWriter(place, { volumeSize: 40_000 });
    await writer.reserve(contentsOf(large.images));
    await pushImages(writer, large);
    await writer.close();
    const { fetched } = await writeBundle(place, large, { volumeSize: 50_000 });
    expect(fetched).toEqual([]);
    for (const name of await readdir(directory)) {
      expect(name).toMatch(/\.tar$/);
      expect((await stat(join(directory, name))).size).toBeLessThanOrEqual(50_000);
    }
  });

  it('of other volumes of the same set stay when one volume is written', async () => {
    const large = await packSet({ layerBytes: 70_000 });
    const place: BundlePlace = { kind: 'volumes', directory };
    const writer = await openBundleWriter(place, { volumeSize: 40_000 });
    await writer.reserve(contentsOf(large.images));
    await pushImages(writer, large);
    await writer.close();
    await writeBundle(place, large, { volumeSize: 40_000, onlyVolume: 2 });
    const { fetched } = await writeBundle(place, large, { volumeSize: 40_000 });
    expect(fetched).toEqual([]);
  });
});
