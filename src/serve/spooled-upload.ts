/** An upload for stores that have no place for one: a temporary file until the digest is known, then pushed. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-type.ts';
import type { CallOptions, IncomingUpload, UnverifiedContent, WritableRepository } from '../store/store.ts';
import { reopenable } from '../store/verified.ts';

export class SpooledUpload implements IncomingUpload {
  readonly #repository: WritableRepository;
  readonly #path: string;
  #file: FileHandle | undefined;
  #size = 0;

  /** `path` must not exist; nothing is created before the first byte. */
  constructor(repository: WritableRepository, path: string) {
    this.#repository = repository;
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  async append(content: UnverifiedContent): Promise<void> {
    this.#file ??= await open(this.#path, 'wx', 0o600);
    for await (const chunk of content) {
      await this.#file.write(chunk, 0, chunk.length, this.#size);
      this.#size += chunk.length;
    }
  }

  /** Bytes that come all at once with their length go straight to the store. */
  async finish(
    last: UnverifiedContent,
    options: CallOptions & { readonly digest: Digest; readonly length?: number | undefined },
  ): Promise<void> {
    const { digest, length, signal } = options;
    const isWhole = this.#size === 0 && length !== undefined && length > 0;
    if (!isWhole) await this.append(last);
    const size = isWhole ? length : this.#size;
    const descriptor: Descriptor = { mediaType: mediaTypes.octetStream, digest, size };
    const from = (offset: number) => (isWhole ? after(last, offset) : this.#read(offset));
    await this.#repository.push(descriptor, reopenable(descriptor, from), { signal });
  }

  async drop(): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = undefined;
    await rm(this.#path, { force: true });
  }

  async *#read(offset: number): AsyncGenerator<Uint8Array> {
    if (offset >= this.#size) return;
    yield* createReadStream(this.#path, { start: offset, end: this.#size - 1, highWaterMark: 256 * 1024 });
  }
}

/** The content without its first bytes. */
async function* after(content: UnverifiedContent, offset: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  for await (const chunk of content) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
