/** An upload whose digest is not known yet, as a file of the layout: hashed while it is written, so that its end is a rename. */
import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { algorithmOf, type Digest, type DigestAlgorithm, digestFrom, hasherFor } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import type { CallOptions, IncomingUpload, UnverifiedContent } from '../store.ts';
import { digestMismatch } from '../verified.ts';
import { onDisk } from './disk.ts';
import { fileSpace, hashExisting, writeWhole } from './partial-file.ts';

/** Bytes gathered before they are written: what a socket gives at once is too little. */
const batchBytes = 1024 * 1024;

/** Written bytes after which the system is told to put them on disk. */
const earlySyncBytes = 32 * 1024 * 1024;

/** Starts to put on disk what was written, one file at a time, so that the end of an upload waits for little. */
export class EarlySync {
  #waiting = 0;
  #isRunning = false;

  /** `file` got `length` bytes more. */
  wrote(file: FileHandle, length: number): void {
    this.#waiting += length;
    if (this.#isRunning || this.#waiting < earlySyncBytes) return;
    this.#waiting = 0;
    this.#isRunning = true;
    // What fails here fails again, and is reported, when the upload ends.
    const done = () => {
      this.#isRunning = false;
    };
    file.datasync().then(done, done);
  }
}

/** Puts a whole, synced file where blobs with this digest are. */
export type PublishFile = (path: string, digest: Digest) => Promise<void>;

export interface IncomingOptions {
  /** The digest that is likely to be asked for: another one costs reading the file again. */
  readonly algorithm: DigestAlgorithm;
  readonly publish: PublishFile;
  readonly earlySync: EarlySync;
}

export class IncomingFile implements IncomingUpload {
  readonly #path: string;
  readonly #options: IncomingOptions;
  #file: FileHandle | undefined;
  #size = 0;
  /** Of the first `#size` bytes; undefined when a write failed on the way. */
  #hash: Hash | undefined;
  #gone = false;

  /** Nothing is created before the first byte. */
  constructor(path: string, options: IncomingOptions) {
    this.#path = path;
    this.#options = options;
    this.#hash = createHash(options.algorithm);
  }

  get size(): number {
    return this.#size;
  }

  /** While one batch is written the next one is gathered and hashed. */
  async append(content: UnverifiedContent): Promise<void> {
    const file = await this.#opened();
    let writing: Promise<void> = Promise.resolve();
    let batch: Uint8Array[] = [];
    let gathered = 0;
    const flush = async (): Promise<void> => {
      await writing;
      if (gathered === 0) return;
      writing = this.#write(file, { chunks: batch, length: gathered });
      writing.catch(() => {});
      batch = [];
      gathered = 0;
    };
    try {
      for await (const chunk of content) {
        this.#hash?.update(chunk);
        batch.push(chunk);
        gathered += chunk.length;
        if (gathered >= batchBytes) await flush();
      }
    } finally {
      await flush();
      await writing;
    }
  }

  async finish(last: UnverifiedContent, options: CallOptions & { readonly digest: Digest }): Promise<void> {
    const { digest } = options;
    await this.append(last);
    throwIfAborted(options.signal);
    const file = await this.#opened();
    const known = this.#options.algorithm === algorithmOf(digest) ? this.#hash : undefined;
    const hash = known?.copy() ?? (await onDisk(`read "${this.#path}"`, this.#hashAgain(file, digest)));
    const actual = digestFrom(hash, algorithmOf(digest));
    if (actual !== digest) throw digestMismatch(digest, actual);
    await onDisk(`write "${this.#path}"`, file.sync());
    await this.#close();
    await this.#options.publish(this.#path, digest);
    this.#gone = true;
  }

  async drop(): Promise<void> {
    await this.#close();
    if (this.#gone) return;
    this.#gone = true;
    await rm(this.#path, { force: true });
  }

  /** After its end it must not make its file anew: that one would be empty, and could be put where the blob is. */
  async #opened(): Promise<FileHandle> {
    if (this.#gone) throw new Error('an upload was used after its end');
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    this.#file ??= await onDisk(`create "${this.#path}"`, open(this.#path, flags, 0o644));
    return this.#file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #write(
    file: FileHandle,
    batch: { readonly chunks: readonly Uint8Array[]; readonly length: number },
  ): Promise<void> {
    const { length } = batch;
    try {
      const { bytesWritten } = await file.writev(batch.chunks, this.#size);
      if (bytesWritten < length) {
        await writeWhole(file, Buffer.concat(batch.chunks).subarray(bytesWritten), this.#size + bytesWritten);
      }
      this.#size += length;
      this.#options.earlySync.wrote(file, length);
    } catch (error) {
      // The hash is ahead of the file now: the end has to read it again.
      this.#hash = undefined;
      await onDisk(`write "${this.#path}"`, Promise.reject(error));
    }
  }

  async #hashAgain(file: FileHandle, digest: Digest): Promise<Hash> {
    await file.truncate(this.#size);
    const hash = hasherFor(digest);
    await hashExisting(fileSpace(file), { limit: this.#size, hash, signal: undefined });
    return hash;
  }
}
