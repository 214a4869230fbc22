import { execFileSync, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BundlePlace } from '../../../src/store/bundle/bundle.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { openBundleWriter } from '../../../src/store/bundle/writer.ts';
import { tinyDisksWork } from '../../faults/small-disk.ts';
import {
  type Fetched,
  hashesIn,
  pushImages,
  type Seeded,
  seedLarge,
  type WriteOptions,
  writeBundle,
} from '../../support/bundleWriting.ts';
import { contentsOf } from '../../support/packedSet.ts';

const MiB = 1024 ** 2;
const layerBytes = 30 * MiB;
const volumeSize = 12 * MiB;

let root: string;
let directory: string;
let images: Seeded;
let oneFile: Record<string, string>;
let volumes: Record<string, string>;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-resume-'));
  images = await seedLarge(layerBytes);
  const [one, many] = [join(root, 'one'), join(root, 'many')];
  await mkdir(one);
  await writeBundle(fileIn(one), images);
  await writeBundle(volumesIn(many), images, { volumeSize });
  oneFile = await hashesIn(one);
  volumes = await hashesIn(many);
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

const fileIn = (at: string): BundlePlace => ({ kind: 'file', file: join(at, 'one.tar') });
const volumesIn = (at: string): BundlePlace => ({ kind: 'volumes', directory: at });
const bytesOf = (fetched: readonly Fetched[]) => fetched.reduce((total, { bytes }) => total + bytes, 0);

/** Writes in another process, which is killed when so many bytes have come. */
async function killedAt(stopAt: number, kind: 'file' | 'volumes'): Promise<void> {
  const script = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));
  const loader = fileURLToPath(new URL('../../support/run.mjs', import.meta.url));
  const path = kind === 'file' ? join(directory, 'one.tar') : directory;
  const given = [kind, path, String(layerBytes), String(volumeSize), String(stopAt)];
  const child = spawn(process.execPath, [loader, script, ...given], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
}

/** Pushes everything but finishes nothing. */
async function pushed(place: BundlePlace, options: WriteOptions & { seeded?: Seeded } = {}): Promise<void> {
  const { seeded = images } = options;
  const writer = await openBundleWriter(place, options);
  try {
    await writer.reserve(contentsOf(seeded.images));
    await pushImages(writer, seeded, { chunk: 65_536, ...options });
  } finally {
    await writer.close();
  }
}

describe('a bundle whose writer was killed', () => {
  it('goes on where it ended, in one file', async () => {
    await killedAt(20 * MiB, 'file');
    expect((await readdir(directory)).sort()).toEqual(['one.tar.lock', 'one.tar.partial', 'one.tar.partial.journal']);
    const { fetched, reservation } = await writeBundle(fileIn(directory), images, { chunk: 65_536 });
    expect(bytesOf(fetched)).toBeLessThan(layerBytes - 11 * MiB);
    expect(reservation.newBytes).toBeLessThan(reservation.bytes - 15 * MiB);
    expect(await hashesIn(directory)).toEqual(oneFile);
  });

  it('goes on in volumes, also within a blob that lies in several', async () => {
    await killedAt(20 * MiB, 'volumes');
    const { fetched } = await writeBundle(volumesIn(directory), images, { volumeSize, chunk: 65_536 });
    expect(bytesOf(fetched)).toBeLessThan(layerBytes - 11 * MiB);
    expect(await hashesIn(directory)).toEqual(volumes);
  });

  it('is written in the end, however often that happens', async () => {
    for (const stopAt of [3 * MiB, 12 * MiB, 9 * MiB]) await killedAt(stopAt, 'file');
    await writeBundle(fileIn(directory), images);
    expect(await hashesIn(directory)).toEqual(oneFile);
  });
});

describe('a bundle that was not finished', () => {
  it('fetches nothing again that came whole', async () => {
    await pushed(fileIn(directory));
    const { fetched, reservation } = await writeBundle(fileIn(directory), images);
    expect(fetched).toEqual([]);
    expect(reservation.newBytes).toBeLessThan(MiB);
    expect(await hashesIn(directory)).toEqual(oneFile);
  });

  it('counts what was written and not yet said to be right after hashing it, and fetches it when it is wrong', async () => {
    await pushed(fileIn(directory));
    const journal = join(directory, 'one.tar.partial.journal');
    const lines = (await readFile(journal, 'utf8')).split('\n').filter((line) => !line.startsWith('["done"'));
    await writeFile(journal, lines.join('\n'));
    const right = join(directory, 'right');
    await mkdir(right);
    for (const end of ['partial', 'partial.journal']) {
      await writeFile(join(right, `one.tar.${end}`), await readFile(join(directory, `one.tar.${end}`)));
    }
    expect((await writeBundle(fileIn(right), images)).fetched).toEqual([]);
    expect(await hashesIn(right)).toEqual(oneFile);
    const file = await open(join(directory, 'one.tar.partial'), 'r+');
    await file.write(Buffer.alloc(10, 7), 0, 10, 20 * MiB);
    await file.close();
    const { fetched } = await writeBundle(fileIn(directory), images);
    expect(bytesOf(fetched)).toBeGreaterThan(layerBytes);
    await rm(right, { recursive: true });
    expect(await hashesIn(directory)).toEqual(oneFile);
  });

  it('ignores the end of a journal that was cut off, and what follows it still counts', async () => {
    await pushed(fileIn(directory));
    const journal = join(directory, 'one.tar.partial.journal');
    await appendFile(journal, '["done","sha256:12');
    const again = await openBundleWriter(fileIn(directory));
    await again.reserve(contentsOf(images.images));
    await again.close();
    await pushed(fileIn(directory));
    expect((await writeBundle(fileIn(directory), images)).fetched).toEqual([]);
    expect(await hashesIn(directory)).toEqual(oneFile);
  });

  it.each([
    ['an empty journal', (at: string) => writeFile(`${at}.journal`, '')],
    ['a journal that is none', (at: string) => writeFile(`${at}.journal`, '{"journal":1}\n[]\n')],
    ['no journal', (at: string) => rm(`${at}.journal`)],
    ['no file', (at: string) => rm(at)],
    ['a file of another size', (at: string) => appendFile(at, 'x')],
  ])('begins anew with %s', async (_name, spoil) => {
    const seeded = await seedLarge(MiB);
    await pushed(fileIn(directory), { seeded });
    await spoil(join(directory, 'one.tar.partial'));
    expect(bytesOf((await writeBundle(fileIn(directory), seeded)).fetched)).toBeGreaterThan(MiB);
    expect(await readdir(directory)).toEqual(['one.tar']);
    await writeBundle({ kind: 'file', file: join(directory, 'two.tar') }, seeded);
    const { 'one.tar': one, 'two.tar': two } = await hashesIn(directory);
    expect(one).toBe(two);
  });

  it('completes a set of which some volumes have their names already', async () => {
    const writer = await openBundleWriter(volumesIn(directory), { volumeSize });
    await writer.reserve(contentsOf(images.images));
    await pushImages(writer, images, { chunk: 65_536 });
    const second = join(directory, Object.keys(volumes)[1] ?? '');
    await writeFile(second, 'in the way');
    await expect(writer.finish()).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await writer.close();
    await rm(second);
    expect((await readdir(directory)).filter((name) => name.endsWith('.tar'))).toHaveLength(1);
    const { fetched } = await writeBundle(volumesIn(directory), images, { volumeSize });
    expect(fetched).toEqual([]);
    expect(await hashesIn(directory)).toEqual(volumes);
  });

  it('writes what volumes lack beside those that are finished, and finds out when one of them is damaged', async () => {
    await writeBundle(volumesIn(directory), images, { volumeSize });
    const [first = '', second = ''] = Object.keys(volumes);
    await rename(join(directory, second), join(root, 'elsewhere.tar'));
    const file = await open(join(directory, first), 'r+');
    await file.write(Buffer.alloc(10, 7), 0, 10, 5 * MiB);
    await file.close();
    // The first attempt goes on with the damaged part, and the digest tells; the next one takes nothing for granted.
    await expect(pushed(volumesIn(directory), { volumeSize })).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    const writer = await openBundleWriter(volumesIn(directory), { volumeSize });
    await writer.reserve(contentsOf(images.images));
    await expect(pushImages(writer, images)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH', retryable: true });
    await pushImages(writer, images);
    await writer.finish();
    await writer.close();
    expect((await hashesIn(directory))[second]).toBe(volumes[second]);
  });
});

describe('a disk that is too small', () => {
  it.skipIf(!tinyDisksWork())('ends the run, keeps what came, and with more room it goes on', async () => {
    const seeded = await seedLarge(2 * MiB);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    try {
      await expect(pushed(fileIn(directory), { seeded })).rejects.toMatchObject({ code: 'ERR_NO_SPACE' });
      execFileSync('mount', ['-o', 'remount,size=8m', directory]);
      const { fetched } = await writeBundle(fileIn(directory), seeded);
      expect(bytesOf(fetched)).toBeGreaterThan(0);
      expect(await readdir(directory)).toEqual(['one.tar']);
      await openBundle(join(directory, 'one.tar'));
    } finally {
      execFileSync('umount', [directory]);
    }
  });
});
