/** Bytes of a file as a stream: how every end that keeps content in files reads it. */
import { type FileHandle, open } from 'node:fs/promises';
import { AirgapError } from '../../errors.ts';
import { throwIfAborted } from '../interruption.ts';
import { onDisk, readFlags } from './disk.ts';

/** Bytes read from disk at once. Serving was measured with 64 KiB to 1 MiB: smaller costs turns of the event loop, larger the processor's cache. */
const chunkSize = 256 * 1024;

/** Memory that transient reads use again. More than this many are let go when they come back: 16 MiB. */
const spare: Buffer[] = [];
const spareLimit = 64;

export interface FilePart {
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
  readonly signal: AbortSignal | undefined;
  /** A chunk is only good until the next one is asked for: see FetchOptions. Default false. */
  readonly transient?: boolean | undefined;
}

/** The bytes of a part. The file is opened when the first is asked for. Throws ERR_SIZE_MISMATCH when it ends before. */
export async function* readPart(path: string, part: FilePart): AsyncGenerator<Uint8Array> {
  const { start, end, signal } = part;
  if (start >= end) return;
  const file = await onDisk(`read "${path}"`, open(path, readFlags));
  try {
    let position = start;
    for await (const chunk of part.transient === true ? inPlace(file, part) : streamed(file, part)) {
      throwIfAborted(signal);
      position += chunk.length;
      yield chunk;
    }
    if (position === end) return;
    throw new AirgapError(
      'ERR_SIZE_MISMATCH',
      `Cannot read "${path}": it ended after ${position} bytes while it was read`,
    );
  } finally {
    await file.close();
  }
}

function streamed(file: FileHandle, { start, end }: FilePart): AsyncIterable<Uint8Array> {
  return file.createReadStream({ start, end: end - 1, highWaterMark: chunkSize, autoClose: false });
}

/** Every chunk in the same memory, which stays in the processor's cache and costs nothing to make: twice as fast as a new one for each. */
async function* inPlace(file: FileHandle, { start, end }: FilePart): AsyncGenerator<Uint8Array> {
  const memory = spare.pop() ?? Buffer.allocUnsafeSlow(chunkSize);
  try {
    for (let position = start; position < end; ) {
      const { bytesRead } = await file.read(memory, 0, Math.min(chunkSize, end - position), position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield memory.subarray(0, bytesRead);
    }
  } finally {
    if (spare.length < spareLimit) spare.push(memory);
  }
}
