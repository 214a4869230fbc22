import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { entryNameOf, type Packable, type Packed, packBlobs } from '../../../src/store/bundle/packing.ts';
import { contentItemSize, unknownChecksum } from '../../../src/store/bundle/print-set.ts';
import { entrySize } from '../../../src/store/bundle/tar-header.ts';

function blob(seed: number, size: number, algorithm: 'sha256' | 'sha512' = 'sha256'): Packable {
  return { digest: digestOf(Buffer.from(String(seed)), algorithm), size };
}

const blobs = fc
  .uniqueArray(fc.tuple(fc.nat(1e6), fc.nat(40_000), fc.constantFrom('sha256' as const, 'sha512' as const)), {
    selector: ([seed]) => seed,
    maxLength: 40,
  })
  .map((rows) => rows.map((row) => blob(...row)));
const rooms = fc.integer({ min: 4_000, max: 60_000 });

/** Bytes of entries and their lines in each volume. */
function usedBytes(packed: Packed | undefined): number[] {
  const used = new Array<number>(packed?.volumes ?? 0).fill(0);
  for (const one of packed?.blobs ?? []) {
    for (const { volume, start, length } of one.parts) {
      const checksum = length === one.size ? one.digest : unknownChecksum;
      const line = contentItemSize({ digest: one.digest, start, length, checksum });
      const entry = entrySize(entryNameOf(one, { start, length }), length);
      used[volume - 1] = (used[volume - 1] ?? Number.NaN) + line + entry;
    }
  }
  return used;
}

describe('packBlobs()', () => {
  it('places every byte of every blob exactly once, in order, each part in a volume of its own', () => {
    fc.assert(
      fc.property(blobs, rooms, (content, room) => {
        const packed = packBlobs(content, room);
        expect(packed?.blobs.map(({ digest }) => digest)).toEqual(content.map(({ digest }) => digest).sort());
        for (const { size, parts } of packed?.blobs ?? []) {
          let end = 0;
          for (const part of parts) {
            expect(part.start).toBe(end);
            end += part.length;
          }
          expect(end).toBe(size);
          expect(new Set(parts.map(({ volume }) => volume)).size).toBe(parts.length);
        }
      }),
    );
  });

  it('puts no more into a volume than it has room for, and leaves none empty', () => {
    fc.assert(
      fc.property(blobs, rooms, (content, room) => {
        const used = usedBytes(packBlobs(content, room));
        expect(Math.max(0, ...used)).toBeLessThanOrEqual(room);
        if (content.length > 0) expect(Math.min(...used)).toBeGreaterThan(0);
      }),
    );
  });

  it('packs the same blobs the same way in whatever order they come', () => {
    fc.assert(
      fc.property(blobs, rooms, fc.nat(), (content, room, turn) => {
        const cut = turn % (content.length + 1);
        const other = [...content.slice(cut), ...content.slice(0, cut)].reverse();
        expect(packBlobs(other, room)).toEqual(packBlobs(content, room));
      }),
    );
  });

  it('cuts a blob in two whose whole is larger than a volume only by its longer name', () => {
    for (let size = 2_000; size < 2_700; size += 7) {
      for (let room = 4_300; room < 4_500; room += 11) {
        const lengths = packBlobs([blob(1, size, 'sha512')], room)?.blobs[0]?.parts.map(({ length }) => length) ?? [];
        expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(size);
      }
    }
  });

  it('splits only what is larger than a volume, into ranges that fill volumes', () => {
    const packed = packBlobs([blob(1, 100_000), blob(2, 30_000), blob(3, 10)], 40_000);
    const parts = (size: number) => packed?.blobs.find((one) => one.size === size)?.parts;
    expect(parts(100_000)?.map(({ length }) => length)).toEqual([38_912, 38_912, 22_176]);
    expect(parts(30_000)).toHaveLength(1);
    expect(parts(10)).toHaveLength(1);
    expect(packed?.volumes).toBe(4);
  });

  it('has one volume for nothing, and says when nothing fits or too many volumes are needed', () => {
    expect(packBlobs([], 0)).toEqual({ volumes: 1, blobs: [] });
    expect(packBlobs([blob(1, 0)], 100)).toBeUndefined();
    expect(packBlobs([blob(1, 10)], 1_000)).toBeUndefined();
    expect(packBlobs([blob(1, 20_000 * 4096)], 4096)).toBeUndefined();
    expect(packBlobs([blob(1, 2 ** 53 - 1)], 4096)).toBeUndefined();
  });
});
