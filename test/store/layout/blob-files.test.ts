import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { digestOf, hexOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import type { ReopenableContent, Target } from '../../../src/store/store.ts';
import { reopenable } from '../../../src/store/verified.ts';
import { randomBytes } from '../../support/layers.ts';
import { seedImage } from '../../support/seedImages.ts';

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

/** Content that says where it was opened. */
function watched(descriptor: Descriptor, bytes: Uint8Array): { content: ReopenableContent; offsets: number[] } {
  const offsets: number[] = [];
  const content = reopenable(descriptor, async function* (offset) {
    offsets.push(offset);
    for (let at = offset; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  });
  return { content, offsets };
}

describe('BlobFiles.push() going on', () => {
  it('continues the blob of a process that was killed', async () => {
    const bytes = randomBytes('killed', 3_000_000);
    const script = fileURLToPath(new URL('./killed-writer.ts', import.meta.url));
    const loader = fileURLToPath(new URL('../../support/run.mjs', import.meta.url));
    const child = spawn(process.execPath, [loader, script, directory, '3000000', '1800000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const layout = await open();
    const descriptor = blobOf(bytes);
    expect(await layout.repository(name).exists(descriptor)).toBe(false);
    const { content, offsets } = watched(descriptor, bytes);
    const { startedAt } = await layout.repository(name).push(descriptor, content);
    expect(startedAt).toBeGreaterThan(1_700_000);
    expect(offsets).toEqual([startedAt]);
    expect((await readFile(blobPath(descriptor))).equals(bytes)).toBe(true);
  });

  it('hashes what is on disk: a partial file that is wrong costs one attempt and does no harm', async () => {
    const bytes = randomBytes('partial', 500_000);
    const descriptor = blobOf(bytes);
    const partial = join(directory, '.airgap-partial', `sha256-${hexOf(descriptor.digest)}`);
    const layout = await open();
    const repository = layout.repository(name);
    await writeFile(partial, Buffer.alloc(200_000, 7));
    const first = watched(descriptor, bytes);
    await expect(repository.push(descriptor, first.content)).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
      retryable: true,
    });
    expect(first.offsets).toEqual([200_000]);
    expect([await repository.exists(descriptor), existsSync(partial)]).toEqual([false, false]);
    const second = watched(descriptor, bytes);
    await repository.push(descriptor, second.content);
    expect(second.offsets).toEqual([0]);
    expect(await repository.exists(descriptor)).toBe(true);
  });

  it('takes a partial file that is whole as it is, and starts anew on one that is too long or wrong', async () => {
    const bytes = randomBytes('whole', 300_000);
    const descriptor = blobOf(bytes);
    const partial = join(directory, '.airgap-partial', `sha256-${hexOf(descriptor.digest)}`);
    const layout = await open();
    const cases: [Uint8Array, number[]][] = [
      [bytes, []],
      [Buffer.alloc(300_000), [0]],
      [Buffer.alloc(300_001), [0]],
    ];
    for (const [found, wanted] of cases) {
      await rm(blobPath(descriptor), { force: true });
      await writeFile(partial, found);
      const { content, offsets } = watched(descriptor, bytes);
      await layout.repository(name).push(descriptor, content);
      expect(offsets).toEqual(wanted);
      expect((await readFile(blobPath(descriptor))).equals(bytes)).toBe(true);
    }
  });

  it('keeps what came when the source breaks, and goes on from there', async () => {
    const bytes = randomBytes('broken', 400_000);
    const descriptor = blobOf(bytes);
    const layout = await open();
    const breaking = reopenable(descriptor, async function* () {
      for (let at = 0; at < 200_000; at += 50_000) yield bytes.subarray(at, at + 50_000);
      throw new Error('connection lost');
    });
    await expect(layout.repository(name).push(descriptor, breaking)).rejects.toThrow('connection lost');
    const { content, offsets } = watched(descriptor, bytes);
    const { startedAt } = await layout.repository(name).push(descriptor, content);
    expect(offsets).toEqual([startedAt]);
    expect(startedAt).toBe(150_000);
  });

  it('stores a blob again whose file was cut short, and misses a manifest whose file is gone', async () => {
    const layout = await open();
    const image = await seedImage(layout, 'ghcr.io/a/b:v1');
    await layout.close();
    const [blob] = image.blobs;
    if (blob === undefined) throw new Error('no blob');
    await truncate(blobPath(blob), 10);
    await rm(blobPath(image.root));
    const again = await open();
    expect(await again.repository(name).exists(blob)).toBe(false);
    await expect(again.repository(name).resolve(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    await seedImage(again, 'ghcr.io/a/b:v1');
    expect(await again.repository(name).exists(blob)).toBe(true);
    expect(await again.repository(name).resolve(parseTag('v1'))).toEqual(image.root);
  });

  it('says when a manifest on disk is not what its name says', async () => {
    const layout = await open();
    const image = await seedImage(layout, 'ghcr.io/a/b:v1');
    const [manifest] = image.manifests;
    await writeFile(
      blobPath(image.root),
      Buffer.from(manifest?.bytes ?? [])
        .toString()
        .replace('sha256:', 'sha256;'),
    );
    await expect(layout.repository(name).manifest(parseTag('v1'))).rejects.toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    });
  });
});

/** A file system of one megabyte, where this process may mount one. */
function mountSmall(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('BlobFiles.push() on a full disk', () => {
  it('says that no space is left, keeps what it has, and goes on when there is room', async ({ skip }) => {
    await mkdir(directory);
    if (!mountSmall(directory)) skip('needs the right to mount');
    try {
      const layout = await openLayout(directory, { create: true });
      const bytes = randomBytes('full', 700_000);
      const descriptor = blobOf(bytes);
      const filler = join(directory, 'filler');
      await writeFile(filler, Buffer.alloc(700_000));
      await expect(layout.repository(name).push(descriptor, watched(descriptor, bytes).content)).rejects.toMatchObject({
        code: 'ERR_NO_SPACE',
        hint: expect.stringContaining('free some space'),
      });
      await rm(filler);
      const { startedAt } = await layout.repository(name).push(descriptor, watched(descriptor, bytes).content);
      expect(startedAt).toBeGreaterThan(0);
      await layout.close();
    } finally {
      execFileSync('umount', ['-l', directory]);
    }
  });
});
