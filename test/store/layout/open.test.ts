import { existsSync } from 'node:fs';
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { digestOf, hexOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { formatRepository, parseTag } from '../../../src/oci/reference.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import type { Target } from '../../../src/store/store.ts';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { seedImage } from '../../support/seedImages.ts';
import { seedSet } from '../../support/seedSet.ts';

const name = { registry: 'ghcr.io', repository: 'a/b' };
let parent: string;
let directory: string;
const opened: Target[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'airgap-layout-'));
  directory = join(parent, 'layout');
});
afterEach(async () => {
  for (const layout of opened.splice(0)) await layout.close();
  await rm(parent, { recursive: true, force: true });
});

async function open(options: Parameters<typeof openLayout>[1] = { create: true }): Promise<Target> {
  const layout = await openLayout(directory, options);
  opened.push(layout);
  return layout;
}

function blobOf(bytes: Uint8Array): Descriptor {
  return { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
}

function blobPath(descriptor: Descriptor): string {
  return join(directory, 'blobs', 'sha256', hexOf(descriptor.digest));
}

async function treeOf(path: string): Promise<Map<string, string>> {
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return new Map(
    await Promise.all(paths.map(async (file) => [file.slice(path.length), digestOf(await readFile(file))] as const)),
  );
}

async function names(layout: Target): Promise<string[]> {
  const found: string[] = [];
  for await (const repository of layout.catalog?.() ?? []) found.push(formatRepository(repository));
  return found;
}

describe('openLayout() on disk', () => {
  it('writes what the specification says and nothing else', async () => {
    const layout = await open();
    const image = await seedImage(layout, 'ghcr.io/a/b:v1', { platforms: ['linux/amd64', 'linux/arm64'] });
    await layout.close();
    expect((await readdir(directory)).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    expect(JSON.parse(await readFile(join(directory, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    const { schemaVersion, manifests } = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
    expect([schemaVersion, manifests.length, manifests[0]?.digest]).toEqual([2, 1, image.root.digest]);
    const files = await readdir(join(directory, 'blobs', 'sha256'));
    const wanted = [...image.manifests.map(({ descriptor }) => descriptor), ...image.blobs];
    expect(files.sort()).toEqual(wanted.map(({ digest }) => hexOf(digest)).sort());
    for (const file of files) {
      expect(digestOf(await readFile(join(directory, 'blobs', 'sha256', file)))).toBe(`sha256:${file}`);
    }
  });

  it('has a tag on disk when the push with it resolves', async () => {
    const layout = await open();
    const pushes = ['v1', 'v2', 'v3', 'v4'].map(async (tag) => {
      await seedImage(layout, `ghcr.io/a/b:${tag}`);
      expect(await readFile(join(directory, 'index.json'), 'utf8')).toContain(`"ghcr.io/a/b:${tag}"`);
    });
    await Promise.all(pushes);
  });

  it('names an image by digest until a tag or an index names it', async () => {
    const layout = await open();
    const pinned = await seedImage(layout, 'quay.io/app/pinned', { byDigest: true });
    await seedImage(layout, 'ghcr.io/a/b:v1', { platforms: ['linux/amd64', 'linux/arm64'] });
    await expect
      .poll(() => readFile(join(directory, 'index.json'), 'utf8'))
      .toContain(`"quay.io/app/pinned@${pinned.root.digest}"`);
    const entries = async () => JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')).manifests.length;
    expect(await entries()).toBe(2);
    const { bytes } = await layout.repository(pinned.reference).manifest(pinned.root.digest);
    await layout.repository(pinned.reference).pushManifest(pinned.root, bytes, { tag: parseTag('v1') });
    await layout.repository(pinned.reference).pushManifest(pinned.root, bytes);
    expect(await entries()).toBe(2);
    expect(await readFile(join(directory, 'index.json'), 'utf8')).not.toContain(`pinned@`);
  });

  it('keeps repositories apart though they share content', async () => {
    const layout = await open();
    const one = await seedImage(layout, 'ghcr.io/one/app:v1', { layers: ['same'] });
    const other = layout.repository({ registry: 'ghcr.io', repository: 'two/app' });
    expect(await other.exists(one.root)).toBe(false);
    await expect(other.resolve(one.root.digest)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    const [blob] = one.blobs;
    expect(blob !== undefined && (await other.exists(blob))).toBe(true);
  });

  it('gives the same bytes whatever order the images came in, and the second time', async () => {
    const layout = await open();
    await seedSet(layout);
    await layout.close();
    const first = await treeOf(directory);
    const again = await open();
    await seedSet(again);
    await again.close();
    expect(await treeOf(directory)).toEqual(first);
    await rm(directory, { recursive: true });
    const other = await open();
    const images = ['c:1', 'a:1', 'b:1'].map((image) => seedImage(other, `ghcr.io/x/${image}`));
    await Promise.all(images);
    await other.close();
    const order = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')).manifests;
    expect(order.map((entry: { annotations: Record<string, string> }) => Object.values(entry.annotations)[0])).toEqual([
      'ghcr.io/x/a:1',
      'ghcr.io/x/b:1',
      'ghcr.io/x/c:1',
    ]);
  });

  it('is found again by another process, and read while it is written', async () => {
    const writer = await open();
    await seedImage(writer, 'ghcr.io/a/b:v1');
    const reader = await open({ readOnly: true });
    expect(await names(reader)).toEqual(['ghcr.io/a/b']);
    const before = await reader.revision?.();
    const second = await seedImage(writer, 'quay.io/c/d:v2');
    expect(await names(reader)).toEqual(['ghcr.io/a/b', 'quay.io/c/d']);
    expect(await reader.revision?.()).not.toBe(before);
    expect(await reader.repository(second.reference).resolve(parseTag('v2'))).toEqual(second.root);
    const write = reader
      .repository(second.reference)
      .push(blobOf(Buffer.from('x')), contentOfBytes(blobOf(Buffer.from('x')), Buffer.from('x')));
    await expect(write).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('lets one writer in and refuses writes after close()', async () => {
    const layout = await open();
    await expect(openLayout(directory)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringContaining('is writing to it'),
    });
    await layout.close();
    await expect(seedImage(layout, 'ghcr.io/a/b:v1')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await open();
  });
});

describe('openLayout() refusing', () => {
  it('makes a layout only where it may, and says what stands in the way', async () => {
    await expect(openLayout(directory)).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringContaining('does not exist'),
    });
    await expect(openLayout(directory, { create: true, readOnly: true })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    });
    await mkdir(directory);
    await expect(openLayout(directory)).rejects.toMatchObject({ message: expect.stringContaining('it is empty') });
    await writeFile(join(directory, 'letter.txt'), 'dear');
    await expect(openLayout(directory, { create: true })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      hint: expect.stringContaining('empty or a new directory'),
    });
    expect(await readdir(directory)).toEqual(['letter.txt']);
    const file = join(directory, 'letter.txt');
    await expect(openLayout(file, { create: true })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      message: expect.stringContaining('no directory'),
    });
  });

  it('finishes a layout whose creation was interrupted', async () => {
    await mkdir(join(directory, '.airgap-partial'), { recursive: true });
    await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
    await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await seedImage(await open(), 'ghcr.io/a/b:v1');
  });

  it('refuses layouts that lead out of themselves', async () => {
    const layout = await open();
    const image = await seedImage(layout, 'ghcr.io/a/b:v1');
    await layout.close();
    const outside = join(parent, 'outside');
    await cp(join(directory, 'blobs'), outside, { recursive: true });
    await rm(blobPath(image.root));
    await symlink(join(outside, 'sha256', hexOf(image.root.digest)), blobPath(image.root));
    const linked = await openLayout(directory, { readOnly: true });
    await expect(linked.repository(name).resolve(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await rm(join(directory, 'blobs'), { recursive: true });
    await symlink(outside, join(directory, 'blobs'));
    await expect(openLayout(directory, { readOnly: true })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
  });

  it('writes through no link that a foreign layout brought along', async () => {
    await (await open()).close();
    const victim = join(parent, 'victim');
    await writeFile(victim, 'precious');
    const partial = join(directory, '.airgap-partial');
    await mkdir(partial);
    for (const file of ['index.json', 'oci-layout']) await symlink(victim, join(partial, file));
    const image = await seedImage(await open(), 'ghcr.io/a/b:v1');
    expect(await readFile(victim, 'utf8')).toBe('precious');
    expect((await lstat(join(directory, 'index.json'))).isFile()).toBe(true);
    expect(image.root.size).toBeGreaterThan(0);
  });

  it('takes the place of what is no partial file and stores the blob', async () => {
    const layout = await open();
    const bytes = Buffer.from('a blob');
    const descriptor = blobOf(bytes);
    const partial = join(directory, '.airgap-partial', `sha256-${hexOf(descriptor.digest)}`);
    const victim = join(parent, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, partial);
    await layout.repository(name).push(descriptor, contentOfBytes(descriptor, bytes));
    expect(await readFile(blobPath(descriptor), 'utf8')).toBe('a blob');
    expect((await lstat(blobPath(descriptor))).isFile()).toBe(true);
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  it('refuses an index that is a link, no JSON, or names paths, and another layout version', async () => {
    const layout = await open();
    await layout.close();
    const index = join(directory, 'index.json');
    const bad = ['', 'x', '{"schemaVersion":2,"manifests":[{"mediaType":"a/b","size":1,"digest":"sha256:../../x"}]}'];
    for (const text of bad) {
      await writeFile(index, text);
      await expect(openLayout(directory), text).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    }
    await rm(index);
    await symlink('/etc/hostname', index);
    await expect(openLayout(directory)).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await writeFile(join(directory, 'oci-layout'), '{"imageLayoutVersion":"9"}');
    await expect(openLayout(directory)).rejects.toMatchObject({ message: expect.stringContaining('version "9"') });
    expect(existsSync(join(directory, '.airgap-partial'))).toBe(false);
  });
});

describe('indexed()', () => {
  it('names tags, manifests by digest alone, and entries of other tools, whether or not they can be read', async () => {
    const layout = await open();
    const tagged = await seedImage(layout, 'ghcr.io/a/b:1');
    const pinned = await seedImage(layout, 'ghcr.io/a/pinned', { byDigest: true });
    await layout.close();
    const path = join(directory, 'index.json');
    const index = JSON.parse(await readFile(path, 'utf8'));
    index.manifests.push({ ...tagged.root, annotations: { 'org.opencontainers.image.ref.name': 'latest' } });
    await writeFile(path, JSON.stringify(index));
    await rm(blobPath(pinned.root));
    const found = [];
    for await (const entry of (await open({ readOnly: true })).indexed?.() ?? []) found.push(entry);
    expect(found.map(({ name, descriptor, repository, tag }) => [name, descriptor.digest, repository, tag])).toEqual([
      ['ghcr.io/a/b:1', tagged.root.digest, name, '1'],
      [
        `ghcr.io/a/pinned@${pinned.root.digest}`,
        pinned.root.digest,
        { registry: 'ghcr.io', repository: 'a/pinned' },
        undefined,
      ],
      ['latest', tagged.root.digest, undefined, undefined],
    ]);
  });
});
