/** Real layers from a seed: a tar of one file, compressed. The same seed gives the same bytes. */
import { gzipSync } from 'node:zlib';
import { type Digest, digestOf } from '../../src/oci/digest.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

export interface Layer {
  readonly bytes: Uint8Array;
  /** Digest of the tar, as image configs list it. */
  readonly diffId: Digest;
}

/** A layer whose one file holds `size` bytes that do not compress. */
export function makeLayer(seed: string, options: { readonly size: number; readonly compression?: Compression }): Layer {
  const tar = tarOf(`data/${seed.replaceAll(/[^a-z0-9]/gi, '-').slice(-60)}`, randomBytes(seed, options.size));
  return { bytes: compressed(tar, options.compression ?? 'gzip'), diffId: digestOf(tar) };
}

/** `size` bytes that look random and follow from the seed alone (xorshift32). */
export function randomBytes(seed: string, size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = Buffer.from(digestOf(Buffer.from(seed)).slice(7, 15), 'hex').readUInt32LE() || 1;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
}

function compressed(tar: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'gzip') return gzipSync(tar, { level: 1 });
  return compression === 'zstd' ? storedZstd(tar) : tar;
}

/** A zstd frame of raw blocks (RFC 8878, 3.1.1): valid for every decoder, made without a compressor. */
function storedZstd(content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = 0b1010_0000;
  head.writeUInt32LE(content.length, 5);
  const parts: Uint8Array[] = [head];
  const limit = 128 * 1024;
  for (let start = 0; start === 0 || start < content.length; start += limit) {
    const block = content.subarray(start, start + limit);
    const last = start + limit >= content.length ? 1 : 0;
    const blockHead = Buffer.alloc(3);
    blockHead.writeUIntLE((block.length << 3) | last, 0, 3);
    parts.push(blockHead, block);
  }
  return Buffer.concat(parts);
}

/** A ustar archive of one file, with its two closing blocks. */
function tarOf(path: string, content: Uint8Array): Uint8Array {
  const head = Buffer.alloc(512);
  head.write(path, 0);
  head.write('0000644\0', 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  head.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write('0', 156);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (content.length % 512)) % 512);
  return Buffer.concat([head, content, padding, Buffer.alloc(1024)]);
}
