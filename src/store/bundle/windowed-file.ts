/** Small reads all over a large file: what lies close together is read at once. */
import type { FileHandle } from 'node:fs/promises';
import { onDisk } from '../layout/disk.ts';
import { copyAgainHint, refused } from './refuse.ts';

/** Bytes read at once. Headers of small entries lie within it; of large ones little is read in vain. */
const windowSize = 16 * 1024;

export class WindowedFile {
  readonly path: string;
  /** Bytes of the file when it was opened. */
  readonly size: number;
  readonly #handle: FileHandle;
  readonly #window = Buffer.allocUnsafe(windowSize);
  #start = 0;
  #length = 0;

  constructor(handle: FileHandle, about: { readonly path: string; readonly size: number }) {
    this.#handle = handle;
    this.path = about.path;
    this.size = about.size;
  }

  /** `length` bytes from `position` on, valid until the next call. Throws ERR_INPUT_INVALID when the file ends before. */
  async bytes(position: number, length: number): Promise<Buffer> {
    if (length > windowSize) return this.#read(Buffer.allocUnsafe(length), position, length);
    if (position < this.#start || position + length > this.#start + this.#length) {
      this.#length = 0;
      const wanted = Math.max(length, Math.min(windowSize, this.size - position));
      await this.#read(this.#window, position, wanted);
      this.#start = position;
      this.#length = wanted;
    }
    return this.#window.subarray(position - this.#start, position - this.#start + length);
  }

  async #read(into: Buffer, position: number, length: number): Promise<Buffer> {
    let done = 0;
    while (done < length) {
      const reading = this.#handle.read(into, done, length - done, position + done);
      const { bytesRead } = await onDisk(`read "${this.path}"`, reading);
      if (bytesRead === 0) throw refused(this.path, 'it ends too early: it is cut short', { hint: copyAgainHint });
      done += bytesRead;
    }
    return into.subarray(0, length);
  }
}
