import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../../src/oci/digest.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { growDisk, openTinyDisk, tinyDisksWork } from '../../faults/small-disk.ts';
import { randomBytes } from '../../support/layers.ts';

const name = { registry: 'ghcr.io', repository: 'a/b' };
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-incoming-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('an upload in a layout', () => {
  it('has every byte in its place, however it is cut into requests and chunks', async () => {
    const layout = await openLayout(directory, { create: true });
    const repository = layout.repository(name);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ length: fc.integer({ min: 0, max: 1_500_000 }), chunk: fc.integer({ min: 500, max: 700_000 }) }),
          {
            maxLength: 5,
          },
        ),
        fc.constantFrom('sha256', 'sha512'),
        async (pieces, algorithm) => {
          const whole = randomBytes(
            'pieces',
            pieces.reduce((sum, { length }) => sum + length, 0),
          );
          const upload = await repository.receive?.({ algorithm });
          let at = 0;
          for (const { length, chunk } of pieces) {
            await upload?.append(chunks(whole.subarray(at, at + length), chunk));
            at += length;
            expect(upload?.size).toBe(at);
          }
          await upload?.finish(chunks(new Uint8Array(), 1), { digest: digestOf(whole) });
          expect((await readFile(join(directory, 'blobs', 'sha256', hexOf(digestOf(whole))))).equals(whole)).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
    expect((await readdir(join(directory, '.airgap-partial'))).filter((file) => file !== 'lock')).toEqual([]);
    await layout.close();
  });

  it('takes nothing after its end: what it became stays whole', async () => {
    const layout = await openLayout(directory, { create: true });
    const bytes = randomBytes('ended', 5_000);
    const digest = digestOf(bytes);
    for (const end of ['finish', 'drop'] as const) {
      const upload = await layout.repository(name).receive?.();
      await upload?.append(chunks(bytes, 1_000));
      if (end === 'finish') await upload?.finish(chunks(new Uint8Array(), 1), { digest });
      else await upload?.drop();
      await expect(upload?.append(chunks(bytes, 1_000))).rejects.toThrow();
      await expect(upload?.finish(chunks(new Uint8Array(), 1), { digest })).rejects.toThrow();
      await upload?.drop();
    }
    expect((await readFile(join(directory, 'blobs', 'sha256', hexOf(digest)))).equals(bytes)).toBe(true);
    expect((await readdir(join(directory, '.airgap-partial'))).filter((file) => file !== 'lock')).toEqual([]);
    await layout.close();
  });

  it('is removed when its writer is dead, while a partial blob stays for the next push', async () => {
    const partial = join(directory, '.airgap-partial');
    await (await openLayout(directory, { create: true })).close();
    await mkdir(partial, { recursive: true });
    const kept = `sha256-${'0'.repeat(64)}`;
    const dead = ['upload-0c4b5bb1-6d3a-4d35-9c0f-0a2f6d0cbb6a', `${kept}.0c4b5bb1-6d3a-4d35-9c0f-0a2f6d0cbb6a`];
    for (const file of [kept, ...dead]) await writeFile(join(partial, file), 'bytes');
    await (await openLayout(directory, { readOnly: true })).close();
    expect((await readdir(partial)).sort()).toEqual([kept, ...dead].sort());
    await (await openLayout(directory)).close();
    expect(await readdir(partial)).toEqual([kept]);
  });

  it.skipIf(!tinyDisksWork())('goes on after the disk was full, from what was kept', async () => {
    const layout = await openTinyDisk();
    try {
      const bytes = randomBytes('larger than the disk', 5_000_000);
      const upload = await layout.repository(name).receive?.();
      if (upload === undefined) throw new Error('layouts take uploads');
      await expect(upload.append(chunks(bytes, 65_536))).rejects.toMatchObject({ code: 'ERR_NO_SPACE' });
      const { size } = upload;
      expect(size).toBeLessThan(1_048_576);
      growDisk(layout);
      await upload.append(chunks(bytes.subarray(size, 3_000_000), 65_536));
      await upload.finish(chunks(bytes.subarray(3_000_000), 65_536), { digest: digestOf(bytes) });
      const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
      const pulled: Uint8Array[] = [];
      for await (const chunk of await layout.repository(name).fetch(descriptor)) pulled.push(Buffer.from(chunk));
      expect(Buffer.concat(pulled).equals(bytes)).toBe(true);
    } finally {
      await layout.close();
    }
  });

  it('gives way to a blob that came meanwhile', async () => {
    const layout = await openLayout(directory, { create: true });
    const bytes = randomBytes('twice', 100_000);
    const uploads = await Promise.all([1, 2, 3].map(() => layout.repository(name).receive?.()));
    await Promise.all(uploads.map((upload) => upload?.finish(chunks(bytes, 9_000), { digest: digestOf(bytes) })));
    expect(existsSync(join(directory, 'blobs', 'sha256', hexOf(digestOf(bytes))))).toBe(true);
    await layout.close();
    expect(existsSync(join(directory, '.airgap-partial'))).toBe(false);
  });
});
