import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { type PackedSet, packSet } from '../../support/packedSet.ts';
import { expectWhole, invalid, refusalOf } from '../../support/readBundles.ts';
import { type CraftedEntry, tarOf } from '../../support/tars.ts';

const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
let root: string;
let directory: string;
let single: PackedSet;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-bundle-'));
  single = await packSet();
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

describe('openBundle() of archives that other tools made', () => {
  const archive = () => (single.volumes[0]?.entries ?? []).filter(({ name }) => !name.startsWith('airgap'));
  const write = async (entries: readonly CraftedEntry[]) => {
    const path = join(directory, 'image.tar');
    await writeFile(path, tarOf(entries));
    return path;
  };

  it.each(['', './', './/'])(
    'reads a layout with names that begin with "%s", directories and other files',
    async (before) => {
      const entries = archive().map((entry) => ({ ...entry, name: `${before}${entry.name}` }));
      const folders = [`${before}.`, `${before}blobs/`, `${before}blobs/sha256/`].map((name) => ({ name, type: '5' }));
      const bundle = await openBundle(
        await write([...folders, ...entries, { name: 'manifest.json', bytes: Buffer.from('[]') }]),
      );
      expect([bundle.set, bundle.missingVolumes, bundle.signature]).toEqual([undefined, [], 'absent']);
      await expectWhole(bundle, single);
      expect(await bundle.stage()).toBe(0);
      expect(await bundle.file('airgap.lock')).toBeUndefined();
    },
  );

  it('refuses what is none, and what is only part of a bundle', async () => {
    const without = (gone: string) => archive().filter(({ name }) => name !== gone);
    expect(await refusalOf(await write(without('index.json')))).toMatchObject(
      invalid(/no OCI layout: it has no index.json/),
    );
    expect(await refusalOf(await write(without('oci-layout')))).toMatchObject(invalid(/it has no oci-layout/));
    const docker = [{ name: 'manifest.json', bytes: Buffer.from('[]') }];
    expect(await refusalOf(await write(docker))).toMatchObject(invalid(/archive of docker save/));
    for (const name of ['blobs/sha256/abc', 'blobs/md5/abc', 'blobs/x', `blobs/sha256/${'A'.repeat(64)}`]) {
      expect(await refusalOf(await write([...archive(), { name }]))).toMatchObject(
        invalid(/is no blob: its name is not/),
      );
    }
    const half = [...archive(), { name: 'airgap/volume.json', bytes: Buffer.from('{}') }];
    expect(await refusalOf(await write(half))).toMatchObject(invalid(/is there, and airgap\/set.json is not/));
    expect(await refusalOf(await write(archive()), { verifyKey: publicKey })).toMatchObject(
      invalid(/it is not signed/),
    );
    const deep = { name: 'index.json', bytes: Buffer.from(`{"a":${'['.repeat(1e6)}`) };
    expect(await refusalOf(await write([...without('index.json'), deep]))).toMatchObject(
      invalid(/"index.json" is nested/),
    );
    const large = { name: 'index.json', bytes: Buffer.alloc(33 * 1024 * 1024) };
    expect(await refusalOf(await write([...without('index.json'), large]))).toMatchObject(
      invalid(/has 34603008 bytes, at most/),
    );
  });

  it('refuses what is compressed, with what to do', async () => {
    const path = join(directory, 'image.tar');
    await writeFile(path, gzipSync(tarOf(archive())));
    expect(await refusalOf(path)).toMatchObject({
      ...invalid(/it is compressed/),
      hint: expect.stringContaining('gunzip'),
    });
  });
});
