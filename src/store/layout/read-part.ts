/** Bytes of a file as a stream: how every end that keeps content in files reads it. */
import { open } from 'node:fs/promises';
import { AirgapError } from '../../errors.ts';
import { throwIfAborted } from '../interruption.ts';
import { onDisk, readFlags } from './disk.ts';

/** Bytes read from disk at once. */
const chunkSize = 256 * 1024;

/** The bytes from `start` to `end` (one past the last). The file is opened when the first is asked for. Throws ERR_SIZE_MISMATCH when it ends before. */
export async function* readPart(
  path: string,
  part: { readonly start: number; readonly end: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  const { start, end, signal } = part;
  if (start >= end) return;
  const file = await onDisk(`read "${path}"`, open(path, readFlags));
  try {
    let position = start;
    for await (const chunk of file.createReadStream({
      start,
      end: end - 1,
      highWaterMark: chunkSize,
      autoClose: false,
    })) {
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
