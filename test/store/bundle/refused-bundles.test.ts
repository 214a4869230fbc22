import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { type PackedSet, packSet, writeVolumes } from '../../support/packedSet.ts';
import { changed, invalid, nameOf, refusalOf } from '../../support/readBundles.ts';
import { type CraftedEntry, tarOf } from '../../support/tars.ts';

let root: string;
let directory: string;
let single: PackedSet;
let many: PackedSet;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-bundle-'));
  single = await packSet();
  many = await packSet({ volumeSize: 40_000, layerBytes: 70_000 });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

describe('openBundle() refusing', () => {
  const entries = () => single.volumes[0]?.entries ?? [];
  const [isSet, isVolume, isLock] = ['airgap/set.json', 'airgap/volume.json', 'airgap.lock'].map(
    (wanted) => (name: string) => name === wanted,
  ) as [(name: string) => boolean, (name: string) => boolean, (name: string) => boolean];
  const replace = (which: (name: string) => boolean, how: (text: string) => string): CraftedEntry[] =>
    entries().map((entry) =>
      which(entry.name) ? { ...entry, bytes: Buffer.from(how(Buffer.from(entry.bytes).toString())) } : entry,
    );
  const isBlob = (name: string) => name === nameOf(single.set.blobs[0] as Descriptor | undefined);

  const cases: readonly (readonly [string, () => CraftedEntry[], RegExp])[] = [
    [
      'an entry twice',
      () => [...entries(), entries()[0] ?? { name: '' }],
      /entry "index.json|entry "oci-layout" is there twice/,
    ],
    [
      'an entry twice under another name',
      () => [...entries(), { name: './airgap.lock' }],
      /"airgap.lock" is there twice/,
    ],
    [
      'a file where a directory is',
      () => [{ name: 'airgap.lock/', type: '5' }, ...entries()],
      /"airgap.lock" is there twice/,
    ],
    [
      'a blob that its set does not name',
      () => [...entries(), { name: `blobs/sha256/${'0'.repeat(64)}` }],
      /is not named by its set/,
    ],
    ['a file that its set does not name', () => [...entries(), { name: 'run.sh' }], /"run.sh" is not named by its set/],
    ['no volume.json', () => entries().filter(({ name }) => !isVolume(name)), /"airgap\/volume.json" is missing/],
    ['a missing blob', () => entries().filter(({ name }) => !isBlob(name)), /entry "blobs\/sha256\/\w+" is missing/],
    ['a missing file', () => entries().filter(({ name }) => !isLock(name)), /"airgap.lock" is missing/],
    ['a blob of another size', () => replace(isBlob, (text) => text.slice(1)), /has \d+ bytes where its set says/],
    ['a changed file', () => replace(isLock, () => 'lick'), /"airgap.lock" is not as its set says/],
    [
      'a changed index',
      () =>
        replace(
          (name) => name === 'index.json',
          (text) => text.replace('v1', 'v2'),
        ),
      /"index.json" is not as/,
    ],
    [
      'a changed set',
      () => replace(isSet, (text) => text.replace('"volumes": 1', '"volumes": 2')),
      /"id" that is not that of its/,
    ],
    [
      'a volume of another set',
      () => replace(isVolume, (text) => text.replace(/"set": "..../, '"set": "abcd')),
      /belongs to another set/,
    ],
    [
      'a volume number beyond',
      () => replace(isVolume, (text) => text.replace('"number": 1', '"number": 2')),
      /"number" that is not from 1/,
    ],
    [
      'other content',
      () => replace(isVolume, (text) => text.replace('"start":0', '"start":1')),
      /says something else of/,
    ],
    [
      'another checksum',
      () => replace(isVolume, (text) => text.replace(/"checksum":"sha256:./, '"checksum":"sha256:x')),
      /checksum"/,
    ],
  ];

  it.each(cases)('%s', async (_, make, message) => {
    const path = join(directory, 'x.tar');
    await writeFile(path, tarOf(make()));
    expect(await refusalOf(path)).toMatchObject(invalid(message));
  });

  it('a volume that says another number than its content has', async () => {
    const [first, second] = many.volumes;
    const said = second?.entries.find(({ name }) => isVolume(name));
    if (first === undefined || said === undefined) throw new Error('no volumes');
    await writeVolumes(directory, [changed(first, isVolume, () => said.bytes)]);
    expect(await refusalOf(directory)).toMatchObject(invalid(/is missing|is not named/));
  });

  it('the same volume twice, naming both', async () => {
    const [path = ''] = await writeVolumes(directory, many.volumes, [2]);
    await writeFile(join(directory, 'z-again.tar'), await readFile(path));
    expect(await refusalOf(directory)).toMatchObject(
      invalid(/z-again.tar": it is volume 2 of \d+, and so is ".*airgap-/),
    );
  });

  it('volumes of two sets, naming both', async () => {
    const other = await packSet({ volumeSize: 40_000, layerBytes: 70_000, lock: 'other' });
    await writeVolumes(directory, many.volumes, [1]);
    await writeVolumes(directory, other.volumes, [2]);
    const ids = [many, other].map(({ set }) => set.id.slice(0, 16)).sort();
    const failure = await refusalOf(directory);
    expect(failure).toMatchObject(invalid(/it is of set \w+, and ".*tar" of set \w+/));
    for (const id of ids) expect(String(failure)).toContain(id);
  });

  it('one damaged volume among good ones, and a tar that is no volume', async () => {
    const paths = await writeVolumes(directory, many.volumes);
    await truncate(paths[1] ?? '', 30_000);
    expect(await refusalOf(directory)).toMatchObject(invalid(new RegExp(`${paths[1]}.*(cut short|the file ends)`)));
    await writeVolumes(directory, many.volumes);
    await writeFile(join(directory, 'holiday.tar'), tarOf([{ name: 'photo' }]));
    expect(await refusalOf(directory)).toMatchObject(invalid(/holiday.tar": it is no volume of a set/));
  });

  it('places without a bundle, each with what to do', async () => {
    expect(await refusalOf(directory)).toMatchObject(invalid(/has no file that ends in .tar/));
    expect(await refusalOf(join(directory, 'none.tar'))).toMatchObject(invalid(/it does not exist/));
    await writeFile(join(directory, 'none.tar.partial'), 'x');
    for (const path of [directory, join(directory, 'none.tar'), join(directory, 'none.tar.partial')]) {
      expect(await refusalOf(path)).toMatchObject(invalid(/it was not finished/));
    }
    await writeFile(join(directory, 'empty.tar'), '');
    expect(await refusalOf(directory)).toMatchObject(invalid(/empty.tar": it is empty/));
    const layout = join(directory, 'layout');
    await mkdir(layout);
    await writeFile(join(layout, 'oci-layout'), '{}');
    expect(await refusalOf(layout)).toMatchObject(invalid(/it is an OCI layout/));
  });

  it('to follow links in a directory', async () => {
    const elsewhere = await mkdtemp(join(root, 'elsewhere-'));
    const [path = ''] = await writeVolumes(elsewhere, single.volumes);
    await symlink(path, join(directory, 'linked.tar'));
    expect(await refusalOf(directory)).toMatchObject(invalid(/has no file that ends in .tar/));
  });
});
