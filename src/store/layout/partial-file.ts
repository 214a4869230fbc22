/** A blob's file while it is written: begun anew, or gone on with where an earlier attempt ended. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, digestFrom, hasherFor } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import type { ReopenableContent, UnverifiedContent } from '../store.ts';
import { digestMismatch, verifiedContent } from '../verified.ts';
import { onDisk, statsOf } from './disk.ts';

/** Opens what an earlier attempt left, or a new file, also in place of what is no file (a link, a pipe). Never follows a link. */
export async function openPartial(path: string): Promise<FileHandle> {
  const stats = await statsOf(path);
  if (stats !== undefined && !stats.isFile()) await rm(path, { recursive: true, force: true });
  return open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
}

/** Where the bytes of one blob go while they arrive: a file of its own, or a place in a larger one. Positions count from the blob's first byte. */
export interface BlobSpace {
  /** Bytes that an earlier attempt left, from the first on. */
  existing(): Promise<number>;
  /** Reads some of them into the buffer and tells how many. Called in order. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Writes all of a chunk. Called in order, from the end of what exists. */
  write(chunk: Uint8Array, position: number): Promise<void>;
  /** Forgets what exists: it is none of the blob's. */
  clear(): Promise<void>;
}

/** A file that has nothing but the blob. */
export function fileSpace(file: FileHandle): BlobSpace {
  return {
    existing: async () => (await file.stat()).size,
    read: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    write: (chunk, position) => writeWhole(file, chunk, position),
    clear: () => file.truncate(0),
  };
}

export interface Filling {
  readonly path: string;
  readonly descriptor: Descriptor;
  readonly content: ReopenableContent;
  readonly signal: AbortSignal | undefined;
}

/** Completes a blob and gives the offset it went on from. Its bytes have the right digest afterwards. */
export async function fill(space: BlobSpace, filling: Filling): Promise<number> {
  const { path, descriptor, content, signal } = filling;
  const hash = hasherFor(descriptor.digest);
  let offset = await onDisk(`read "${path}"`, hashExisting(space, { limit: descriptor.size, hash, signal }));
  if (offset === descriptor.size && offset > 0) {
    const actual = digestFrom(hash, algorithmOf(descriptor.digest));
    if (actual === descriptor.digest) return offset;
    offset = 0;
    await onDisk(`write "${path}"`, space.clear());
  }
  if (offset === 0) {
    await writeAll(space, { ...filling, offset, content: verifiedContent(descriptor, content.open(0)) });
    return 0;
  }
  const hashed = async function* (): UnverifiedContent & AsyncGenerator<Uint8Array> {
    for await (const chunk of content.open(offset)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await writeAll(space, { ...filling, offset, content: hashed() });
  const actual = digestFrom(hash, algorithmOf(descriptor.digest));
  if (actual !== descriptor.digest) throw digestMismatch(descriptor.digest, actual);
  return offset;
}

/** Hashes what an earlier attempt left, and tells how many bytes that are. More than was ever promised (`limit`) is none of ours: it is cut to nothing. */
export async function hashExisting(
  space: BlobSpace,
  options: {
    readonly limit: number;
    readonly hash: ReturnType<typeof hasherFor>;
    readonly signal: AbortSignal | undefined;
  },
): Promise<number> {
  const size = await space.existing();
  if (size > options.limit) {
    await space.clear();
    return 0;
  }
  const buffer = Buffer.allocUnsafe(Math.min(size, 1024 * 1024));
  let position = 0;
  while (position < size) {
    throwIfAborted(options.signal);
    const bytesRead = await space.read(buffer, position);
    if (bytesRead === 0) break;
    options.hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return position;
}

/** Writes content from `offset` on: the next chunk is fetched while the last one is written. Throws ERR_SIZE_MISMATCH when it ends early or not in time. */
async function writeAll(
  space: BlobSpace,
  options: {
    readonly path: string;
    readonly descriptor: Descriptor;
    readonly offset: number;
    readonly content: UnverifiedContent;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  const { path, descriptor, signal } = options;
  let position = options.offset;
  let writing: Promise<unknown> = Promise.resolve();
  try {
    for await (const chunk of options.content) {
      throwIfAborted(signal);
      await onDisk(`write "${path}"`, writing);
      if (position + chunk.length > descriptor.size) throw wrongSize(descriptor, 'more bytes came than were promised');
      writing = space.write(chunk, position);
      writing.catch(() => {});
      position += chunk.length;
    }
  } finally {
    await onDisk(`write "${path}"`, writing);
  }
  if (position !== descriptor.size)
    throw wrongSize(descriptor, `it ended after ${position} of ${descriptor.size} bytes`);
}

/** Writes all of `chunk` at `position`, however many writes that takes. */
export async function writeWhole(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    const { bytesWritten } = await file.write(chunk, written, chunk.length - written, position + written);
    written += bytesWritten;
  }
}

function wrongSize(descriptor: Descriptor, state: string): AirgapError {
  return new AirgapError('ERR_SIZE_MISMATCH', `Cannot store blob "${descriptor.digest}": ${state}`, {
    digest: descriptor.digest,
    retryable: true,
  });
}
