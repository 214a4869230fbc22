import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPart } from '../../../src/store/layout/read-part.ts';

const size = 700_001;
const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-read-part-'));
  path = join(folder, 'file');
  await writeFile(path, bytes);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

describe('readPart()', () => {
  it('reads any part, whether chunks last or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(size), fc.nat(size), fc.boolean(), async (a, b, transient) => {
        const [start, end] = a < b ? [a, b] : [b, a];
        const read = await collect(readPart(path, { start, end, signal: undefined, transient }));
        expect(read.equals(bytes.subarray(start, end))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps chunks as they are unless they may go', async () => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of readPart(path, { start: 0, end: size, signal: undefined })) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  it('never lets two transient readers use the same memory at once, also after one has left early', async () => {
    const left = readPart(path, { start: 0, end: size, signal: undefined, transient: true });
    await left.next();
    await left.return(undefined);
    const readers = [0, 100_000, 200_000].map((start) => ({
      start,
      chunks: readPart(path, { start, end: size, signal: undefined, transient: true }),
    }));
    const first = await Promise.all(readers.map(async ({ chunks }) => (await chunks.next()).value as Uint8Array));
    for (const [index, { start }] of readers.entries()) {
      const chunk = first[index] ?? Buffer.alloc(0);
      expect(Buffer.from(chunk).equals(bytes.subarray(start, start + chunk.length))).toBe(true);
    }
    await Promise.all(readers.map(({ chunks }) => chunks.return(undefined)));
  });

  it('fails when the file ends before, and ends when its signal does', async () => {
    const short = join(folder, 'short');
    await writeFile(short, bytes);
    for (const transient of [true, false]) {
      await expect(
        collect(readPart(short, { start: 10, end: size + 1, signal: undefined, transient })),
      ).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
      const stop = new AbortController();
      const reading = readPart(short, { start: 0, end: size, signal: stop.signal, transient });
      await reading.next();
      stop.abort(new Error('enough'));
      await expect(reading.next()).rejects.toThrow();
    }
    const cut = readPart(short, { start: 0, end: size, signal: undefined, transient: true });
    await cut.next();
    await truncate(short, 300_000);
    await expect(collect(cut)).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
  });
});
