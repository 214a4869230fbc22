/**
 * A gzip file (RFC 1952) whose deflate blocks are all stored as they are (RFC 1951, 3.2.4): any program unpacks it, its bytes do not
 * depend on a compressor's version, and every place of what is inside has a place in the file. Layers of a cache are compressed already. Pure.
 */
import { crc32 } from 'node:zlib';
import { AirgapError } from '../../errors.ts';

/** No name, no time, no flags, of an unknown system. */
const header = Buffer.from([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff]);
/** Bytes before each block: whether it is the last one, its length, and that length inverted. */
const blockHead = 5;
/** What one stored block holds at most. All but the last are full. */
const blockBytes = 65_535;
const trailerBytes = 8;

/** Bytes of the file for content of so many bytes. */
export function storedGzipSize(size: number): number {
  return header.length + blockCount(size) * blockHead + size + trailerBytes;
}

function blockCount(size: number): number {
  return Math.max(1, Math.ceil(size / blockBytes));
}

/** The size of the content of a file of so many bytes, if all of it is as storedGzip() writes it; undefined where no content has that file size. */
export function storedGzipContentSize(fileSize: number): number | undefined {
  const body = fileSize - header.length - trailerBytes;
  if (body < blockHead) return undefined;
  const size = body - Math.ceil(body / (blockHead + blockBytes)) * blockHead;
  return size >= 0 && storedGzipSize(size) === fileSize ? size : undefined;
}

/** The bytes of the file. `content` must have `size` bytes in all. */
export async function* storedGzip(content: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  yield header;
  let position = 0;
  let checksum = 0;
  if (size === 0) yield headOf(0, size);
  for await (const chunk of content) {
    checksum = crc32(chunk, checksum);
    for (let at = 0; at < chunk.length; ) {
      const inBlock = position % blockBytes;
      if (inBlock === 0) yield headOf(position, size);
      const end = Math.min(chunk.length, at + blockBytes - inBlock);
      yield chunk.subarray(at, end);
      position += end - at;
      at = end;
    }
  }
  if (position !== size) throw new Error(`a tar of ${size} bytes was to come, and ${position} came`);
  const trailer = Buffer.alloc(trailerBytes);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  yield trailer;
}

function headOf(start: number, size: number): Buffer {
  const length = Math.min(blockBytes, size - start);
  const head = Buffer.alloc(blockHead);
  head[0] = start + length === size ? 1 : 0;
  head.writeUInt16LE(length, 1);
  head.writeUInt16LE(length ^ 0xffff, 3);
  return head;
}

/** Where the file's bytes from content byte `start` on begin; the block's head, where one is due, included. */
export function storedGzipPosition(start: number): number {
  const inBlock = start % blockBytes;
  return (
    header.length +
    Math.floor(start / blockBytes) * (blockHead + blockBytes) +
    (inBlock === 0 ? 0 : blockHead + inBlock)
  );
}

/** One past the file's byte that holds the last content byte before `end`, which is above 0. */
export function storedGzipEnd(end: number): number {
  const last = end - 1;
  return header.length + Math.floor(last / blockBytes) * (blockHead + blockBytes) + blockHead + (last % blockBytes) + 1;
}

/** True for the first bytes of a file that storedGzip() wrote with content of `size` bytes. */
export function beginsStored(bytes: Uint8Array, size: number): boolean {
  const wanted = Buffer.concat([header, headOf(0, size)]);
  return Buffer.from(bytes.subarray(0, wanted.length)).equals(wanted);
}

/** What is inside a part of the file that begins at storedGzipPosition(start). Throws ERR_INPUT_INVALID at a block that is no stored one. */
export async function* insideStored(
  file: AsyncIterable<Uint8Array>,
  part: { readonly start: number; readonly end: number; readonly size: number; readonly path: string },
): AsyncGenerator<Uint8Array> {
  let position = part.start;
  let head = Buffer.alloc(0);
  for await (const chunk of file) {
    for (let at = 0; at < chunk.length && position < part.end; ) {
      const inBlock = position % blockBytes;
      if (inBlock === 0 && head.length < blockHead) {
        const more = chunk.subarray(at, at + blockHead - head.length);
        head = Buffer.concat([head, more]);
        at += more.length;
        if (head.length === blockHead && !head.equals(headOf(position, part.size))) throw damaged(part.path);
        continue;
      }
      const end = Math.min(chunk.length, at + blockBytes - inBlock, at + part.end - position);
      yield chunk.subarray(at, end);
      position += end - at;
      at = end;
      head = Buffer.alloc(0);
    }
  }
}

function damaged(path: string): AirgapError {
  return new AirgapError(
    'ERR_INPUT_INVALID',
    `Cannot read "${path}": it is damaged, or was written by another program`,
    {
      hint: 'build the image cache again',
    },
  );
}
