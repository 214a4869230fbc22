import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginsStored,
  insideStored,
  storedGzip,
  storedGzipContentSize,
  storedGzipEnd,
  storedGzipPosition,
  storedGzipSize,
} from '../../../src/store/image-cache/stored-gzip.ts';
import { randomBytes } from '../../support/layers.ts';

async function* inChunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const sizes = [0, 1, 511, 65_534, 65_535, 65_536, 131_070, 131_071, 200_000];

describe('a gzip file that is stored as it is', () => {
  it.each(sizes)('is read by zlib, and has the size foretold, for %i bytes', async (size) => {
    const bytes = randomBytes(`stored ${size}`, size);
    const file = await all(storedGzip(inChunks(bytes, 10_007), size));
    expect(gunzipSync(file).equals(bytes)).toBe(true);
    expect(file.length).toBe(storedGzipSize(size));
    expect(storedGzipContentSize(file.length)).toBe(size);
    expect(beginsStored(file, size)).toBe(true);
  });

  it('gives any part of what is inside, however it is cut', async () => {
    const bytes = randomBytes('parts', 200_000);
    const file = await all(storedGzip(inChunks(bytes, 1 << 16), bytes.length));
    const edges = [0, 65_534, 65_535, 65_536, 131_069, 131_070, 199_999, 200_000];
    const edge = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 200_000 }));
    await fc.assert(
      fc.asyncProperty(edge, edge, fc.integer({ min: 1, max: 70_000 }), async (a, b, chunk) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(start < end);
        const part = file.subarray(storedGzipPosition(start), storedGzipEnd(end));
        const inside = await all(insideStored(inChunks(part, chunk), { start, end, size: bytes.length, path: 'x' }));
        expect(inside.equals(bytes.subarray(start, end))).toBe(true);
      }),
    );
  });

  it('notices a block that is none of its own', async () => {
    const bytes = randomBytes('damaged', 150_000);
    const file = await all(storedGzip(inChunks(bytes, 1 << 16), bytes.length));
    file[10 + 65_540 + 1] = 0x12;
    const part = file.subarray(storedGzipPosition(60_000), storedGzipEnd(70_000));
    const reading = all(
      insideStored(inChunks(part, 999), { start: 60_000, end: 70_000, size: bytes.length, path: 'x' }),
    );
    await expect(reading).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    const packed = gzipSync(bytes);
    expect(beginsStored(packed, storedGzipContentSize(packed.length) ?? 0)).toBe(false);
  });
});
