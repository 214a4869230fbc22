import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import type { BundlePlace } from '../../../src/store/bundle/bundle.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { openBundleWriter } from '../../../src/store/bundle/writer.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { hashesIn, pushImages, writeBundle } from '../../support/bundleWriting.ts';
import { randomBytes } from '../../support/layers.ts';
import { contentsOf, type PackedSet, packSet, writeVolumes } from '../../support/packedSet.ts';
import { expectWhole, readAll } from '../../support/readBundles.ts';

const volumeSize = 40_000;
const { privateKey } = generateKeyPairSync('ed25519');
const sign = (bytes: Uint8Array) => signBytes(null, bytes, privateKey);

let root: string;
let directory: string;
let single: PackedSet;
let many: PackedSet;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-writer-'));
  single = await packSet();
  many = await packSet({ volumeSize, layerBytes: 70_000 });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

const fileIn = (at: string, name = 'one.tar'): BundlePlace => ({ kind: 'file', file: join(at, name) });
const volumesIn = (at: string): BundlePlace => ({ kind: 'volumes', directory: at });

/** The same set put together by other code. */
async function expected(set: PackedSet): Promise<Record<string, string>> {
  const at = await mkdtemp(join(root, 'expected-'));
  await writeVolumes(at, set.volumes);
  return hashesIn(at);
}

describe('openBundleWriter()', () => {
  it('writes one file that the reader and GNU tar take, and nothing else', async () => {
    const { files, reservation } = await writeBundle(fileIn(directory), single);
    const path = join(directory, 'one.tar');
    expect(await readdir(directory)).toEqual(['one.tar']);
    expect(files).toEqual([{ path, size: (await stat(path)).size }]);
    expect(reservation).toMatchObject({ bytes: files[0]?.size, newBytes: files[0]?.size, isComplete: false });
    expect(Object.values(await hashesIn(directory))).toEqual(Object.values(await expected(single)));
    await expectWhole(await openBundle(path), single);
    const lines = execFileSync('tar', ['-tvf', path], { encoding: 'utf8' }).trim().split('\n');
    expect(lines.every((line) => line.startsWith('-rw-r--r-- 0/0 '))).toBe(true);
    expect(lines.slice(0, 5).map((line) => line.split(' ').at(-1))).toEqual([
      'oci-layout',
      'index.json',
      'airgap/set.json',
      'airgap/volume.json',
      'airgap.lock',
    ]);
  });

  it('writes the volumes of a set, none larger than asked', async () => {
    const { files } = await writeBundle(volumesIn(directory), many, { volumeSize });
    expect(files.length).toBeGreaterThan(3);
    for (const { size } of files) expect(size).toBeLessThanOrEqual(volumeSize);
    expect(await hashesIn(directory)).toEqual(await expected(many));
    await expectWhole(await openBundle(directory), many);
  });

  it('gives the same bytes in whatever order and pieces the content comes', async () => {
    const [one, two] = [join(directory, 'one'), join(directory, 'two')];
    for (const at of [one, two]) await mkdir(at);
    await writeBundle(fileIn(one), many, { sign });
    await writeBundle(fileIn(two), many, { sign, reversed: true, chunk: 777 });
    expect(await hashesIn(two)).toEqual(await hashesIn(one));
  });

  it('writes nothing when the bundle stands, and says that everything is there', async () => {
    await writeBundle(volumesIn(directory), many, { volumeSize });
    const before = await hashesIn(directory);
    const times = (await stat(join(directory, Object.keys(before)[0] ?? ''))).mtimeMs;
    const writer = await openBundleWriter(volumesIn(directory), { volumeSize });
    const reservation = await writer.reserve(contentsOf(many.images));
    expect(reservation).toMatchObject({ isComplete: true, newBytes: 0 });
    for (const image of many.images) {
      const repository = writer.repository(image.reference);
      if (image.reference.tag !== undefined) {
        expect((await repository.resolve(image.reference.tag)).digest).toBe(image.root.digest);
      }
      for (const { descriptor, bytes } of image.manifests) {
        expect(await repository.exists(descriptor)).toBe(true);
        expect((await repository.manifest(descriptor.digest)).bytes).toEqual(Buffer.from(bytes));
      }
    }
    expect(await pushImages(writer, many)).toEqual([]);
    await writer.finish();
    await writer.close();
    expect(await hashesIn(directory)).toEqual(before);
    expect((await stat(join(directory, Object.keys(before)[0] ?? ''))).mtimeMs).toBe(times);
  });

  it('one volume alone is bit-identical to that of the full run', async () => {
    const whole = join(directory, 'whole');
    await writeBundle(volumesIn(whole), many, { volumeSize, sign });
    const all = await hashesIn(whole);
    for (let onlyVolume = 1; onlyVolume <= many.set.volumes; onlyVolume += 1) {
      const at = join(directory, String(onlyVolume));
      const { files } = await writeBundle(volumesIn(at), many, { volumeSize, onlyVolume, sign });
      expect(files).toHaveLength(1);
      const [[name, hash] = ['', '']] = Object.entries(await hashesIn(at));
      expect(hash).toBe(all[name]);
    }
    const out = writeBundle(volumesIn(join(directory, 'x')), many, { volumeSize, onlyVolume: 99 });
    await expect(out).rejects.toMatchObject({ code: 'ERR_USAGE', hint: `name one from 1 to ${many.set.volumes}` });
  });

  it('takes blobs by sha512 and an empty one, whole and in parts', async () => {
    const contents = [randomBytes('long', 100_000), randomBytes('short', 600), new Uint8Array()];
    const blobs = contents.map((bytes, at) => ({
      mediaType: mediaTypes.ociConfig,
      digest: digestOf(bytes, at === 2 ? 'sha256' : 'sha512'),
      size: bytes.length,
    }));
    const writer = await openBundleWriter(volumesIn(directory), { volumeSize });
    await writer.reserve({ images: [], blobs, files: [], base: [], known: [] });
    const repository = writer.repository({ registry: 'ghcr.io', repository: 'a/b' });
    for (const [at, blob] of blobs.entries()) {
      expect(await repository.exists(blob)).toBe(false);
      await repository.push(blob, contentOfBytes(blob, contents[at] ?? new Uint8Array()));
      expect(await repository.exists(blob)).toBe(true);
    }
    const { files } = await writer.finish();
    await writer.close();
    expect(files).toHaveLength(4);
    const bundle = await openBundle(directory);
    for (const [at, blob] of blobs.entries()) {
      const read = await readAll(await bundle.repository({ registry: 'ghcr.io', repository: 'a/b' }).fetch(blob));
      expect(read).toEqual(Buffer.from(contents[at] ?? []));
    }
    const listed = execFileSync('tar', ['-tf', files[0]?.path ?? ''], { encoding: 'utf8' });
    expect(listed).toMatch(/^airgap\/parts\/sha512-[0-9a-f]{128}\.0$/m);
  });

  it('refuses wrong bytes and what was not planned, and takes the right ones afterwards', async () => {
    const writer = await openBundleWriter(fileIn(directory));
    await writer.reserve(contentsOf(single.images));
    const [image] = single.images;
    const [blob] = image?.blobs ?? [];
    if (image === undefined || blob === undefined) throw new Error('no blob');
    const repository = writer.repository(image.reference);
    const wrong = {
      open: () =>
        (async function* () {
          yield new Uint8Array(blob.size);
        })(),
    };
    await expect(repository.push(blob, wrong)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH', retryable: true });
    expect(await repository.exists(blob)).toBe(false);
    const bytes = randomBytes('stranger', 10);
    const stranger = { mediaType: mediaTypes.ociConfig, digest: digestOf(bytes), size: 10 };
    await expect(repository.push(stranger, contentOfBytes(stranger, bytes))).rejects.toMatchObject({
      code: 'ERR_PROTOCOL',
    });
    await pushImages(writer, single);
    await writer.finish();
    await writer.close();
    expect(Object.values(await hashesIn(directory))).toEqual(Object.values(await expected(single)));
  });

  it('does not finish what has not come, and keeps what has', async () => {
    const writer = await openBundleWriter(fileIn(directory));
    await writer.reserve(contentsOf(single.images));
    const first = single.images[0]?.blobs[0];
    if (first === undefined) throw new Error('no blob');
    await pushImages(writer, { ...single, images: single.images.slice(0, 1) });
    await expect(writer.finish()).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
    await writer.close();
    expect(await readdir(directory)).toEqual(['one.tar.partial', 'one.tar.partial.journal']);
    const { fetched } = await writeBundle(fileIn(directory), single);
    expect(fetched.map(({ digest }) => digest)).not.toContain(first.digest);
    expect(Object.values(await hashesIn(directory))).toEqual(Object.values(await expected(single)));
  });

  it('makes a new file where the signature is missing or another one, and keeps it where it fits', async () => {
    await writeBundle(fileIn(directory), single);
    const isSignature = (_bytes: Uint8Array, signature: Uint8Array) => signature.length === 64;
    const signed = await writeBundle(fileIn(directory), single, { sign, isSignature });
    expect(signed.reservation.isComplete).toBe(false);
    expect(signed.fetched).toEqual([]);
    expect(await readdir(directory)).toEqual(['one.tar']);
    expect((await openBundle(join(directory, 'one.tar'))).signature).toBe('unchecked');
    const again = await writeBundle(fileIn(directory), single, { sign, isSignature });
    expect(again.reservation.isComplete).toBe(true);
    const other = await writeBundle(fileIn(directory), single, { sign, isSignature: () => false });
    expect(other.reservation.isComplete).toBe(false);
  });

  it('leaves out what the receiver has, and reads back what is named of it', async () => {
    const [gone] = single.images;
    const kept = single.images.slice(1);
    if (gone === undefined) throw new Error('no image');
    const base = gone.blobs.map(({ digest, size }) => ({ digest, size, upstream: ['ghcr.io/a/b'], repositories: [] }));
    const writer = await openBundleWriter(fileIn(directory));
    const known = gone.manifests.map(({ descriptor: { digest, size } }) => ({ digest, size }));
    const { set } = await writer.reserve({ ...contentsOf(kept), base, known });
    const fetched = await pushImages(writer, single);
    const repository = writer.repository(gone.reference);
    if (gone.reference.tag !== undefined) {
      expect((await repository.manifest(gone.reference.tag)).descriptor.digest).toBe(gone.root.digest);
    }
    for (const blob of gone.blobs) expect(await repository.exists(blob)).toBe(true);
    await writer.finish();
    await writer.close();
    const missing = new Set(base.map(({ digest }) => digest));
    expect(fetched.some(({ digest }) => missing.has(digest))).toBe(false);
    expect(set.manifests).toHaveLength(kept.flatMap((image) => image.manifests).length);
    const bundle = await openBundle(join(directory, 'one.tar'));
    expect(bundle.set?.base).toHaveLength(base.length);
    const index = execFileSync('tar', ['-xOf', join(directory, 'one.tar'), 'index.json'], { encoding: 'utf8' });
    expect(index).not.toContain('ghcr.io/a/b');
  });
});

describe('reserve()', () => {
  it.each([
    ['a file that is no bundle', (path: string) => writeFile(path, 'my notes')],
    ['a link', (path: string) => symlink('/etc/passwd', path)],
    ['a directory', (path: string) => mkdir(path)],
  ])('refuses %s in the place and leaves it alone', async (_name, make) => {
    const path = join(directory, 'one.tar');
    await make(path);
    const writer = await openBundleWriter(fileIn(directory));
    await expect(writer.reserve(contentsOf(single.images))).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await writer.close();
    expect(await readdir(directory)).toEqual(['one.tar']);
  });

  it('refuses a directory with volumes of another set, or another tar', async () => {
    await writeBundle(volumesIn(directory), many, { volumeSize });
    const id = many.set.id.slice(0, 8);
    await expect(writeBundle(volumesIn(directory), many, { volumeSize, lock: 'other' })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: `Cannot write bundle "${directory}": the directory has "airgap-${id}-1of${many.set.volumes}.tar" of set ${id}`,
      hint: 'empty the directory, or name another one',
    });
    expect(await hashesIn(directory)).toEqual(await expected(many));
  });

  it('lets one writer in at a time, and needs the directory of a file', async () => {
    const writer = await openBundleWriter(fileIn(directory));
    await expect(openBundleWriter(fileIn(directory))).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: `Cannot write to bundle "${join(directory, 'one.tar')}": process ${process.pid} is writing to it`,
    });
    await writer.close();
    await expect(openBundleWriter(fileIn(join(directory, 'no')))).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await expect(openBundleWriter(volumesIn(directory))).rejects.toMatchObject({ code: 'ERR_USAGE' });
    const volumes = await openBundleWriter(volumesIn(join(directory, 'new')), { volumeSize });
    await volumes.reserve(contentsOf(many.images));
    await volumes.close();
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not replace what comes into the place meanwhile', async () => {
    const path = join(directory, 'one.tar');
    const writer = await openBundleWriter(fileIn(directory));
    await writer.reserve(contentsOf(single.images));
    await pushImages(writer, single);
    await writeFile(path, 'my notes');
    await expect(writer.finish()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await writer.close();
    expect(await readFile(path, 'utf8')).toBe('my notes');
  });
});
