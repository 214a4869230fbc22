import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { readVerified } from '../../../src/store/verified.ts';
import { type PackedSet, packSet, writeVolumes } from '../../support/packedSet.ts';
import { changed, flipped, readAll, splitBlob } from '../../support/readBundles.ts';

let root: string;
let directory: string;
let staging: string;
let many: PackedSet;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-staging-'));
  many = await packSet({ volumeSize: 40_000, layerBytes: 70_000 });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
  staging = join(directory, 'staging');
});

const ownFolder = () => join(staging, many.set.id.slice(0, 16));

describe('staging', () => {
  it.each(['forwards', 'backwards'])('brings blobs together from volumes one at a time, %s', async (order) => {
    const volumes = order === 'forwards' ? many.volumes : [...many.volumes].reverse();
    const loaded = new Set<string>();
    for (const volume of volumes) {
      const disk = await mkdtemp(join(directory, 'disk-'));
      const [path = ''] = await writeVolumes(disk, [volume]);
      const bundle = await openBundle(path, { staging });
      expect(bundle.missingVolumes).toHaveLength(volumes.length - 1);
      for (const { reference, blobs } of many.images) {
        const repository = bundle.repository(reference);
        for (const blob of blobs) {
          if (!(await repository.exists(blob))) continue;
          const bytes = await readVerified(repository, blob, { limit: 1e7 });
          expect(Buffer.from(bytes).equals(many.content.get(blob.digest) ?? Buffer.of())).toBe(true);
          loaded.add(blob.digest);
        }
      }
      await bundle.stage();
      expect(await bundle.stage()).toBe(0);
      await rm(disk, { recursive: true });
    }
    expect([...loaded].sort()).toEqual(many.set.blobs.map((blob) => blob.digest));
  });

  it('copies only parts of blobs that are not complete here, and tells how much', async () => {
    const { name, blob, volumes } = splitBlob(many);
    const [first = 0] = volumes;
    await writeVolumes(directory, many.volumes, [first]);
    const bundle = await openBundle(directory, { staging });
    const parts = many.set.blobs.flatMap((one) => one.parts.map((part) => ({ ...part, size: one.size })));
    const cut = parts.filter((part) => part.volume === first && part.length < part.size);
    expect(await bundle.stage()).toBe(cut.reduce((total, part) => total + part.length, 0));
    expect(await readdir(ownFolder())).toHaveLength(cut.length);
    await rm(directory, { recursive: true });
    await mkdir(directory);
    await writeVolumes(directory, many.volumes);
    const whole = await openBundle(directory, { staging });
    expect(await whole.stage()).toBe(0);
    expect((await readAll(await whole.repository(name).fetch(blob))).length).toBe(blob.size);
  });

  it('does nothing without a directory, and with one for a bundle that is complete', async () => {
    await writeVolumes(directory, many.volumes, [1]);
    expect(await (await openBundle(directory)).stage()).toBe(0);
    await writeVolumes(directory, many.volumes);
    expect(await (await openBundle(directory, { staging })).stage()).toBe(0);
    await expect(stat(staging)).rejects.toThrow();
  });

  it('refuses a damaged part, naming its volume, and leaves nothing of it', async () => {
    const { volumes } = splitBlob(many);
    const [first = 0] = volumes;
    const volume = many.volumes[first - 1];
    if (volume === undefined) throw new Error('no volume');
    const isPart = (name: string) => name.startsWith('airgap/parts/');
    const [path = ''] = await writeVolumes(directory, [changed(volume, isPart, flipped)]);
    const bundle = await openBundle(path, { staging });
    await expect(bundle.stage()).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
      message: expect.stringContaining(`in volume ${first}, "${path}"`),
    });
    expect(await readdir(ownFolder())).toEqual([]);
  });

  it('does not count a part that is short, a link, or of another set', async () => {
    const { blob, volumes } = splitBlob(many);
    const [first = 0] = volumes;
    const disk = join(directory, 'disk');
    await mkdir(disk);
    await writeVolumes(disk, many.volumes, [first]);
    await (await openBundle(disk, { staging })).stage();
    await rm(disk, { recursive: true });
    await mkdir(disk);
    await writeVolumes(disk, many.volumes, volumes.slice(1));
    const absent = async () => (await openBundle(disk, { staging })).absentVolumes(blob.digest);
    expect(await absent()).toEqual([]);
    const [name = ''] = (await readdir(ownFolder())).filter((one) => one.includes(blob.digest.slice(7)));
    const path = join(ownFolder(), name);
    const bytes = await readFile(path);
    await truncate(path, bytes.length - 1);
    expect(await absent()).toEqual([first]);
    await rm(path);
    await writeFile(join(directory, 'elsewhere'), bytes);
    await symlink(join(directory, 'elsewhere'), path);
    expect(await absent()).toEqual([first]);
  });

  it('is emptied of this set and of nothing else', async () => {
    await writeVolumes(directory, many.volumes, [splitBlob(many).volumes[0] ?? 0]);
    const bundle = await openBundle(directory, { staging });
    await bundle.stage();
    await mkdir(join(staging, 'other'));
    await bundle.unstage();
    expect(await readdir(staging)).toEqual(['other']);
    await bundle.stage();
    await writeFile(join(ownFolder(), 'kept'), 'x');
    await bundle.unstage();
    expect(await readdir(ownFolder())).toEqual(['kept']);
    await bundle.unstage();
  });

  it('refuses a directory that is a link', async () => {
    await writeVolumes(directory, many.volumes, [1]);
    await mkdir(staging);
    await symlink(directory, ownFolder());
    await expect(openBundle(directory, { staging })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });

  it('stops when it is told to', async () => {
    await writeVolumes(directory, many.volumes, [splitBlob(many).volumes[0] ?? 0]);
    const bundle = await openBundle(directory, { staging });
    await expect(bundle.stage({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
    expect(await readdir(ownFolder())).toEqual([]);
  });
});
