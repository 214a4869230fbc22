import { generateKeyPairSync } from 'node:crypto';
import { appendFile, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { formatRepository, type Tag } from '../../../src/oci/reference.ts';
import type { BundleSource } from '../../../src/store/bundle/bundle.ts';
import { openBundle } from '../../../src/store/bundle/reader.ts';
import { signerFrom } from '../../../src/store/bundle/signature.ts';
import type { WritableRepository } from '../../../src/store/store.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { type PackedSet, packSet, writeVolumes } from '../../support/packedSet.ts';
import {
  changed,
  expectWhole,
  flipped,
  invalid,
  nameOf,
  readAll,
  refusalOf,
  splitBlob,
} from '../../support/readBundles.ts';

const pair = generateKeyPairSync('ed25519');
const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const privateKey = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
let root: string;
let directory: string;
let single: PackedSet;
let many: PackedSet;
let signed: PackedSet;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'airgap-bundle-'));
  single = await packSet();
  many = await packSet({ volumeSize: 40_000, layerBytes: 70_000 });
  signed = await packSet({ sign: signerFrom(privateKey, 'k') });
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'case-'));
});

async function namesOf(bundle: BundleSource): Promise<string[]> {
  const names: string[] = [];
  for await (const name of bundle.catalog?.() ?? []) names.push(formatRepository(name));
  return names;
}

describe('openBundle()', () => {
  it('gives back everything of a single file, by a link too', async () => {
    const [path = ''] = await writeVolumes(directory, single.volumes);
    await symlink(path, join(directory, 'latest'));
    for (const one of [path, join(directory, 'latest'), directory]) {
      const bundle = await openBundle(one);
      expect([bundle.set?.id, bundle.missingVolumes, bundle.signature]).toEqual([single.set.id, [], 'absent']);
      expect(bundle.place).toBe(`bundle "${one}"`);
      await expectWhole(bundle, single);
      expect(await namesOf(bundle)).toEqual(['ghcr.io/a/b', 'registry.k8s.io/pause']);
      await bundle.close();
    }
  });

  it('gives its files, and tells what it promises', async () => {
    const [path = ''] = await writeVolumes(directory, single.volumes);
    const bundle = await openBundle(path);
    expect(Buffer.from((await bundle.file('airgap.lock')) ?? []).toString()).toBe('lock');
    expect(await bundle.file('other')).toBeUndefined();
    for (const digest of single.content.keys()) expect(bundle.promises(digest)).toBe(true);
    expect(bundle.promises(digestOf(Buffer.from('other')))).toBe(false);
  });

  it('takes volumes by any names, and reads across parts', async () => {
    const paths = await writeVolumes(directory, many.volumes);
    expect(paths.length).toBeGreaterThan(3);
    for (const [at, path] of paths.entries()) await rename(path, join(directory, `${paths.length - at}.TAR`));
    await writeFile(join(directory, '._1.TAR'), 'left by another system');
    const bundle = await openBundle(directory);
    expect(bundle.missingVolumes).toEqual([]);
    await expectWhole(bundle, many);
    const { name, blob } = splitBlob(many);
    const whole = many.content.get(blob.digest) ?? Buffer.of();
    for (const [offset, end] of [
      [0, 1],
      [0, blob.size],
      [20_000, 60_000],
      [blob.size - 1, blob.size],
      [5, 5],
    ] as const) {
      for (const transient of [true, false]) {
        const hashed: Buffer[] = [];
        for await (const chunk of await bundle.repository(name).fetch(blob, { offset, end, transient })) {
          hashed.push(Buffer.from(chunk));
        }
        expect(Buffer.concat(hashed).equals(whole.subarray(offset, end))).toBe(true);
      }
    }
  });

  it('tells of every subset of volumes what is there and what is missing where', async () => {
    const { name, blob, volumes } = splitBlob(many);
    const all = many.volumes.map((volume) => volume.number);
    for (const left of [...all.map((number) => [number]), [1, 3], all.slice(1)]) {
      const place = await mkdtemp(join(directory, 'subset-'));
      const here = all.filter((number) => !left.includes(number));
      const paths = await writeVolumes(place, many.volumes, here);
      const bundle = await openBundle(here.length === 1 ? (paths[0] ?? '') : place);
      expect(bundle.missingVolumes).toEqual(left);
      const absent = volumes.filter((number) => left.includes(number));
      expect(bundle.absentVolumes(blob.digest)).toEqual(absent);
      expect(await bundle.repository(name).exists(blob)).toBe(absent.length === 0);
      expect(bundle.promises(blob.digest)).toBe(true);
      if (absent.length === 0) continue;
      const reading = bundle.repository(name).fetch(blob).then(readAll);
      const listed = `in ${absent.length === 1 ? 'volume' : 'volumes'} ${absent.join(', ')} of set ${many.set.id.slice(0, 8)}`;
      await expect(reading).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining(listed) });
    }
  });

  it('refuses to be written to', async () => {
    const [path = ''] = await writeVolumes(directory, single.volumes);
    const repository = (await openBundle(path)).repository({
      registry: 'ghcr.io',
      repository: 'a/b',
    }) as WritableRepository;
    const bytes = Buffer.from('x');
    const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: 1 };
    const writes: readonly (() => unknown)[] = [
      () => repository.push(blob, contentOfBytes(blob, bytes)),
      () => repository.pushManifest(blob, bytes, { tag: 'v2' as Tag }),
      () => repository.removeTag?.('v1' as Tag),
      () => repository.removeBlob?.(blob.digest),
    ];
    for (const write of writes) {
      await expect(Promise.resolve().then(write)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    }
  });

  it('notices files that are replaced or gone, and says so', async () => {
    const [path = ''] = await writeVolumes(directory, single.volumes);
    const bundle = await openBundle(path);
    const [image] = single.images;
    const [blob] = image?.blobs ?? [];
    if (image === undefined || blob === undefined) throw new Error('no image');
    const repository = bundle.repository(image.reference);
    const revision = await bundle.revision?.();
    const stamp = await repository.contentStamp?.(blob.digest);
    expect(await bundle.revision?.()).toBe(revision);
    expect(await repository.contentStamp?.(blob.digest)).toBe(stamp);
    for (const change of [() => appendFile(path, 'x'), () => rename(path, `${path}.away`)]) {
      await change();
      expect(await bundle.revision?.()).not.toBe(revision);
      expect(await repository.contentStamp?.(blob.digest)).not.toBe(stamp);
      const reading = repository.fetch(blob).then(readAll);
      await expect(reading).rejects.toMatchObject({
        code: 'ERR_UNREACHABLE',
        message: expect.stringMatching(/gone, or was replaced/),
      });
    }
  });

  it('never gives wrong bytes of a manifest', async () => {
    const [image] = single.images;
    const wrong = single.volumes.map((volume) =>
      changed(
        volume,
        (name) => name === nameOf(image?.root),
        (bytes) => flipped(bytes),
      ),
    );
    const [path = ''] = await writeVolumes(directory, wrong);
    const repository = (await openBundle(path)).repository(image?.reference ?? { registry: '', repository: '' });
    await expect(repository.manifest('v1' as Tag)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    await expect(repository.resolve('v1' as Tag)).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
  });
});

describe('openBundle() with a key', () => {
  const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it('tells whether it is signed, and by whom it is not', async () => {
    const [path = ''] = await writeVolumes(directory, signed.volumes);
    expect((await openBundle(path)).signature).toBe('unchecked');
    const bundle = await openBundle(path, { verifyKey: publicKey });
    expect(bundle.signature).toBe('verified');
    await expectWhole(bundle, signed);
    const failure = await refusalOf(path, { verifyKey: other, verifyKeyName: 'other.pub' });
    expect(failure).toMatchObject(invalid(/its signature is not by key "other.pub"/));
    const [unsigned = ''] = await writeVolumes(await mkdtemp(join(root, 'unsigned-')), single.volumes);
    expect(await refusalOf(unsigned, { verifyKey: publicKey })).toMatchObject(invalid(/it is not signed/));
  });

  it('finds a changed manifest before anything is read', async () => {
    const root = nameOf(signed.images[1]?.root);
    await writeVolumes(
      directory,
      signed.volumes.map((volume) => changed(volume, (name) => name === root, flipped)),
    );
    expect(await refusalOf(directory, { verifyKey: publicKey })).toMatchObject(invalid(/was changed: it has digest/));
    expect((await openBundle(directory)).signature).toBe('unchecked');
  });

  it('wants a signature in every volume', async () => {
    const volumes = (await packSet({ volumeSize: 40_000, layerBytes: 70_000, sign: signerFrom(privateKey, 'k') }))
      .volumes;
    await writeVolumes(directory, volumes);
    expect((await openBundle(directory, { verifyKey: publicKey })).signature).toBe('verified');
    const [first, ...rest] = volumes;
    if (first === undefined) throw new Error('no volumes');
    const bare = { ...first, entries: first.entries.filter(({ name }) => !name.endsWith('.sig')) };
    await writeVolumes(directory, [bare, ...rest]);
    expect(await refusalOf(directory, { verifyKey: publicKey })).toMatchObject(invalid(/it is not signed/));
  });
});
