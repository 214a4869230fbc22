import { type ChildProcess, spawn } from 'node:child_process';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { indexLayer } from '../../../src/store/image-cache/archive-tree.ts';
import type { CacheForm } from '../../../src/store/image-cache/image-cache.ts';
import { type LayerFile, openLayerFile } from '../../../src/store/image-cache/layer-file.ts';
import { readForm } from '../../../src/store/image-cache/oci-form.ts';
import { openImageCache } from '../../../src/store/image-cache/open.ts';
import type { Source, Target } from '../../../src/store/store.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { checkContent } from '../../../src/verify/check.ts';
import { randomBytes } from '../../support/layers.ts';
import { seedImage } from '../../support/seedImages.ts';
import { tarOf } from '../../support/tars.ts';

const fixture = fileURLToPath(new URL('../../../fixtures/image-cache/talos-v1.13.9', import.meta.url));
const runner = fileURLToPath(new URL('../../support/run.mjs', import.meta.url));
const writer = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-cache-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(form: CacheForm, work: (target: Target) => Promise<unknown>, at = directory): Promise<boolean> {
  const cache = await openImageCache(at, { write: true, form });
  try {
    await work(cache);
    return await cache.seal();
  } finally {
    await cache.close();
  }
}

/** Names with digests, and every content read and hashed. */
async function contents(at = directory): Promise<string[]> {
  const cache = await openImageCache(at, { write: false });
  try {
    expect((await checkContent({ source: cache, lock: undefined }, {})).findings).toEqual([]);
    return await namesOf(cache);
  } finally {
    await cache.close();
  }
}

async function namesOf(source: Source): Promise<string[]> {
  const names: string[] = [];
  for await (const { name, descriptor } of source.indexed?.() ?? []) names.push(`${name} ${descriptor.digest}`);
  return names;
}

/** Every file with its bytes and the moment it was written. */
async function snapshot(at = directory): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of (await readdir(at, { recursive: true })).sort()) {
    const stats = await lstat(join(at, name));
    if (stats.isFile()) files[name] = `${digestOf(await readFile(join(at, name)))} ${stats.ino} ${stats.mtimeMs}`;
  }
  return files;
}

describe.each(['flat', 'oci'] as const)('openImageCache(), %s form', (form) => {
  it('leaves everything as it was when nothing is new', async () => {
    const seed = (target: Target) => seedImage(target, 'ghcr.io/a:v1', { platforms: ['linux/amd64', 'linux/arm64'] });
    expect(await write(form, seed)).toBe(form === 'oci');
    const before = await snapshot();
    expect(await write(form, seed)).toBe(false);
    expect(await snapshot()).toEqual(before);
  });

  it('adds to what is there', async () => {
    await write(form, (target) => seedImage(target, 'ghcr.io/a:v1'));
    await write(form, (target) => seedImage(target, 'ghcr.io/b:v1', { layers: ['other'] }));
    expect((await contents()).map((name) => name.split(' ')[0])).toEqual(['ghcr.io/a:v1', 'ghcr.io/b:v1']);
    const files = Object.keys(await snapshot());
    if (form === 'oci') expect(files).toHaveLength(5);
    expect(files.filter((name) => name.includes('.airgap-partial'))).toEqual([]);
  });

  it('goes on with a blob where an earlier writer ended', async () => {
    const bytes = randomBytes('resumed', 400_000);
    const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
    const name = { registry: 'ghcr.io', repository: 'a' };
    const first = await openImageCache(directory, { write: true, form });
    const broken = first.repository(name).push(descriptor, {
      async *open() {
        for (let at = 0; at < 300_000; at += 10_000) yield bytes.subarray(at, at + 10_000);
        throw new Error('cut');
      },
    });
    await expect(broken).rejects.toThrow();
    await first.close();
    const second = await openImageCache(directory, { write: true, form });
    expect(await second.repository(name).exists(descriptor)).toBe(false);
    expect(await second.repository(name).push(descriptor, contentOfBytes(descriptor, bytes))).toMatchObject({
      startedAt: 290_000,
    });
    expect(await second.repository(name).exists(descriptor)).toBe(true);
    await second.close();
  });

  it('lets one writer in, and readers beside it', async () => {
    await write(form, (target) => seedImage(target, 'ghcr.io/a:v1'));
    const cache = await openImageCache(directory, { write: true, form });
    await expect(openImageCache(directory, { write: true, form })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringMatching(/process \d+ is writing/),
    });
    expect(await contents()).toHaveLength(1);
    await cache.close();
    await expect(seedImage(cache, 'ghcr.io/a:v2')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    const reader = await openImageCache(directory, { write: false });
    await expect(seedImage(reader, 'ghcr.io/a:v2')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await reader.close();
  });

  it('refuses what is no image cache, and one of the other form', async () => {
    await expect(openImageCache(join(directory, 'none'), { write: false })).rejects.toMatchObject({
      message: expect.stringMatching(/does not exist/),
    });
    await expect(openImageCache(directory, { write: false })).rejects.toMatchObject({
      message: expect.stringMatching(/it is empty/),
    });
    await writeFile(join(directory, 'mine.txt'), 'x');
    for (const open of [{ write: true, form }, { write: false }]) {
      await expect(openImageCache(directory, open)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    }
    expect(await readdir(directory)).toEqual(['mine.txt']);
    const other = form === 'flat' ? 'oci' : 'flat';
    await write(other, (target) => seedImage(target, 'ghcr.io/a:v1'), join(directory, 'other'));
    await expect(openImageCache(join(directory, 'other'), { write: true, form })).rejects.toMatchObject({
      message: expect.stringMatching(/holds the (OCI|flat) form/),
    });
  });

  it('has whole images alone after kill -9, and takes up its work again', async () => {
    for (const milliseconds of [120, 260]) {
      const done = await killed(form, milliseconds);
      const cache = await openImageCache(directory, { write: true, form });
      expect((await checkContent({ source: cache, lock: undefined }, {})).findings).toEqual([]);
      for (let count = 0; count < done; count += 1) {
        const repository = cache.repository({ registry: 'ghcr.io', repository: `killed/image-${count % 7}` });
        expect((await repository.resolve(parseTag(`v${count}`))).size).toBeGreaterThan(0);
      }
      await cache.seal();
      await cache.close();
      expect((await contents()).length).toBeGreaterThanOrEqual(done);
    }
  });
});

/** Images that were done when the writer was killed, so long after its first one. */
async function killed(form: CacheForm, milliseconds: number): Promise<number> {
  const child: ChildProcess = spawn(process.execPath, [runner, writer, directory, form], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let done = 0;
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (text: Buffer) => {
      if (done === 0) setTimeout(() => child.kill('SIGKILL'), milliseconds);
      done += text.toString().trim().split('\n').length;
    });
    child.on('close', () => resolve());
  });
  return done;
}

describe('the OCI form', () => {
  it('is the same bytes for the same content, in whatever order it came', async () => {
    const seeds = ['ghcr.io/a:v1', 'registry.k8s.io/b/c:v2', 'docker.io/library/d:v3'];
    const written: string[] = [];
    for (const [folder, order] of [
      ['one', seeds],
      ['two', [...seeds].reverse()],
    ] as const) {
      const at = join(directory, folder);
      await write(
        'oci',
        async (target) => {
          for (const seed of order) await seedImage(target, seed);
        },
        at,
      );
      written.push(...(await readdir(join(at, 'blobs/sha256'))).sort(), await readFile(join(at, 'index.json'), 'utf8'));
    }
    expect(written.slice(4)).toEqual(written.slice(0, 4));
  });

  it('shows nothing before it is sealed, and what was there before until then', async () => {
    const cache = await openImageCache(directory, { write: true, form: 'oci' });
    await seedImage(cache, 'ghcr.io/a:v1');
    expect((await readdir(directory)).sort()).toEqual(['.airgap-partial']);
    await cache.close();
    await expect(openImageCache(directory, { write: false })).rejects.toMatchObject({
      message: expect.stringMatching(/begun and not finished/),
    });
    expect(await write('oci', async () => {})).toBe(true);
    expect(await contents()).toHaveLength(1);
    const again = await openImageCache(directory, { write: true, form: 'oci' });
    await seedImage(again, 'ghcr.io/b:v1', { layers: ['b'] });
    await again.close();
    expect(await contents()).toHaveLength(1);
    expect(await write('oci', async () => {})).toBe(true);
    expect(await contents()).toHaveLength(2);
  });

  it('takes away what a writer left that was killed while it wrote the layer', async () => {
    await write('oci', (target) => seedImage(target, 'ghcr.io/a:v1'));
    await mkdir(join(directory, '.airgap-partial'));
    await writeFile(join(directory, '.airgap-partial/layer'), 'half');
    await writeFile(join(directory, 'blobs/sha256', 'a'.repeat(64)), 'an earlier layer');
    await write('oci', async () => {});
    expect(await readdir(directory)).not.toContain('.airgap-partial');
    await write('oci', (target) => seedImage(target, 'ghcr.io/b:v1', { layers: ['b'] }));
    expect(await readdir(join(directory, 'blobs/sha256'))).toHaveLength(3);
    expect(await contents()).toHaveLength(2);
  });

  it('is named for the architectures that were asked for', async () => {
    const architecturesIn = async () => (await readForm(directory)).architectures;
    await write('oci', (target) => seedImage(target, 'ghcr.io/a:v1'));
    expect(await architecturesIn()).toEqual(['amd64']);
    const cache = await openImageCache(directory, { write: true, form: 'oci', architectures: ['arm64'] });
    expect(await cache.seal()).toBe(true);
    await cache.close();
    expect(await architecturesIn()).toEqual(['amd64', 'arm64']);
  });

  it('does not carry a damaged blob over into a new layer', async () => {
    const image = await seedAndSeal('ghcr.io/a:v1');
    const { layerPath } = await readForm(directory);
    const bytes = await readFile(layerPath);
    const at = bytes.indexOf(image.slice('sha256:'.length));
    bytes.writeUInt8((bytes[at + 600] ?? 0) ^ 1, at + 600);
    await writeFile(layerPath, bytes);
    const cache = await openImageCache(directory, { write: true, form: 'oci' });
    await seedImage(cache, 'ghcr.io/b:v1', { layers: ['b'] });
    await expect(cache.seal()).rejects.toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
    await cache.close();
    expect(digestOf(await readFile(layerPath))).toBe(digestOf(bytes));
  });

  it('opens one of many small files in few reads', async () => {
    await write('oci', async (target) => {
      const repository = target.repository({ registry: 'a.io', repository: 'many' });
      for (let count = 0; count < 800; count += 1) {
        const bytes = Buffer.from(String(count));
        const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
        await repository.push(descriptor, contentOfBytes(descriptor, bytes));
      }
      await seedImage(target, 'a.io/many:1');
    });
    const layer = await openLayerFile((await readForm(directory)).layerPath);
    if (layer === undefined) throw new Error('the layer is no file of ours');
    let reads = 0;
    const counted: LayerFile = {
      ...layer,
      content: (part) => {
        reads += 1;
        return layer.content(part);
      },
    };
    expect((await indexLayer(counted)).size).toBeGreaterThan(800);
    expect(reads).toBeLessThan(80);
  });

  it.each(['blobs', 'blobs/sha256', '.airgap-partial', '.airgap-partial/new'])(
    'is not written through a link at %s',
    async (name) => {
      const elsewhere = join(directory, 'elsewhere');
      const cache = join(directory, 'cache');
      const kept = join(elsewhere, 'sha256', 'a'.repeat(64));
      await mkdir(join(elsewhere, 'sha256'), { recursive: true });
      await writeFile(kept, 'kept');
      await mkdir(join(cache, name, '..'), { recursive: true });
      await symlink(elsewhere, join(cache, name));
      const writing = write('oci', (target) => seedImage(target, 'ghcr.io/a:v1'), cache);
      await expect(writing).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
      expect(await readdir(elsewhere)).toEqual(['sha256']);
      expect(await readFile(kept, 'utf8')).toBe('kept');
    },
  );

  it('reads names of nothing but slashes as fast as others', async () => {
    const slashes = { name: 'long', type: 'L', bytes: Buffer.from(`${'/'.repeat(60_000)}x\0`) };
    const path = join(directory, 'layer.tar');
    await writeFile(path, tarOf(Array.from({ length: 20 }, () => [slashes, { name: 'x' }]).flat()));
    const layer = await openLayerFile(path);
    if (layer === undefined) throw new Error('it is a plain tar');
    await expect(indexLayer(layer)).rejects.toThrow('there is no image in it');
  });

  it('says what is wrong with one that was cut short or is none', async () => {
    await seedAndSeal('ghcr.io/a:v1');
    const { layerPath, layer } = await readForm(directory);
    await truncate(layerPath, layer.size - 10);
    await expect(openImageCache(directory, { write: false })).rejects.toMatchObject({
      message: expect.stringMatching(/its layer has \d+ of \d+ bytes/),
    });
    await writeFile(layerPath, randomBytes('no tar', layer.size));
    await expect(openImageCache(directory, { write: false })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });

  /** The digest of its first layer. */
  async function seedAndSeal(reference: string): Promise<Digest> {
    let layer: Digest | undefined;
    await write('oci', async (target) => {
      layer = (await seedImage(target, reference)).blobs.find(({ mediaType }) => mediaType.includes('layer'))?.digest;
    });
    if (layer === undefined) throw new Error('the seed has no layer');
    return layer;
  }
});

describe('an image cache that talosctl wrote (v1.13.9, linux/amd64 of two platforms)', () => {
  it('is read, its other platforms absent', async () => {
    const cache = await openImageCache(fixture, { write: false });
    const names = (await namesOf(cache)).map((name) => name.replace(/@.*| .*/, ''));
    expect(names).toHaveLength(4);
    const kubelet = cache.repository({ registry: '127.0.0.1:33473', repository: 'siderolabs/kubelet' });
    const { bytes } = await kubelet.manifest(parseTag('v1.36.3'));
    const children = (
      JSON.parse(Buffer.from(bytes).toString()) as { manifests: { mediaType: string; digest: Digest; size: number }[] }
    ).manifests;
    expect(await Promise.all(children.map((child) => kubelet.exists(child)))).toEqual([true, false]);
    await expect(kubelet.manifest(children[1]?.digest ?? parseTag('x'))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    });
    await cache.close();
  });

  it('leaves nothing behind where it was unpacked', async () => {
    const staging = join(directory, 'staging');
    await mkdir(staging);
    const cache = await openImageCache(fixture, { write: false, staging });
    expect(await readdir(staging)).toHaveLength(1);
    await cache.close();
    expect(await readdir(staging)).toEqual([]);
  });

  it('is written anew with the very same tar in its layer', async () => {
    const theirs = gunzipSync(await readFile((await readForm(fixture)).layerPath));
    await copyTree(fixture, directory);
    const ours = gunzipSync(await readFile((await readForm(directory)).layerPath));
    expect(ours.equals(theirs)).toBe(true);
  });

  it('refuses one whose layer is damaged', async () => {
    await cp(fixture, directory, { recursive: true });
    const { layerPath } = await readForm(directory);
    const bytes = await readFile(layerPath);
    bytes.writeUInt8((bytes[4000] ?? 0) ^ 0xff, 4000);
    await writeFile(layerPath, bytes);
    await expect(openImageCache(directory, { write: false })).rejects.toMatchObject({
      code: expect.stringMatching(/INPUT_INVALID|DIGEST_MISMATCH/),
    });
  });
});

/** Every manifest and blob of one cache into a new OCI form. */
async function copyTree(from: string, to: string): Promise<void> {
  const source = await openImageCache(from, { write: false });
  await write(
    'oci',
    async (target) => {
      for await (const { descriptor, repository, tag } of source.indexed?.() ?? []) {
        if (repository === undefined) continue;
        await copyManifest(
          { from: source.repository(repository), to: target.repository(repository) },
          descriptor.digest,
          tag,
        );
      }
    },
    to,
  );
  await source.close();
}

type Ends = { from: ReturnType<Source['repository']>; to: ReturnType<Target['repository']> };

async function copyManifest({ from, to }: Ends, digest: Digest, tag?: ReturnType<typeof parseTag>): Promise<void> {
  const { descriptor, bytes } = await from.manifest(digest);
  const document = JSON.parse(Buffer.from(bytes).toString());
  for (const child of document.manifests ?? [])
    if (await from.exists(child)) await copyManifest({ from, to }, child.digest);
  for (const blob of [document.config, ...(document.layers ?? [])]) {
    if (blob === undefined) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await from.fetch(blob)) chunks.push(chunk);
    await to.push(blob, contentOfBytes(blob, Buffer.concat(chunks)));
  }
  await to.pushManifest(descriptor, bytes, { tag });
}
