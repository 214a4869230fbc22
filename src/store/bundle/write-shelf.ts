/** The content of a bundle while it is written, by digest: what is there, what is elsewhere and counts as there, and where the rest goes. */
import { KeyedMutex } from '../../async/keyed-mutex.ts';
import { AirgapError, isAirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, digestFrom, hasherFor } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import { fill, hashExisting } from '../layout/partial-file.ts';
import type { BlobShelf } from '../layout/shelf.ts';
import type { FetchOptions, PushOptions, PushResult, ReopenableContent, UnverifiedContent } from '../store.ts';
import { reopenable, verifiedContent } from '../verified.ts';
import type { Donors } from './donors.ts';
import { ReadShelf, type ShelvedContent } from './read-shelf.ts';
import type { WantedBlob } from './wanted-blob.ts';

export interface ShelfContents {
  readonly place: string;
  readonly wanted: ReadonlyMap<Digest, WantedBlob>;
  /** Sizes of what counts as here: what the receiver has, and what is in other volumes. */
  readonly elsewhere: ReadonlyMap<Digest, number>;
  /** Manifests that a finished file of the set has. */
  readonly manifests: ReadonlyMap<Digest, ShelvedContent>;
  /** Digests of all manifests of the set. */
  readonly planned: ReadonlySet<Digest>;
  readonly donors: Donors;
  /** Called before anything is written. */
  readonly prepare: () => Promise<void>;
}

export class WriteShelf implements BlobShelf {
  readonly #contents: ShelfContents;
  /** Manifests as they came: they are written at the end. */
  readonly #manifests = new Map<Digest, Uint8Array>();
  readonly #writing = new KeyedMutex<Digest>();

  constructor(contents: ShelfContents) {
    this.#contents = contents;
  }

  async size(digest: Digest): Promise<number | undefined> {
    const { elsewhere, wanted, donors } = this.#contents;
    const blob = wanted.get(digest);
    if (blob !== undefined) {
      return blob.isDone || donors.content(digest, blob.size) !== undefined ? blob.size : undefined;
    }
    return this.#manifests.get(digest)?.length ?? this.#contents.manifests.get(digest)?.size ?? elsewhere.get(digest);
  }

  async read(digest: Digest, limit: number): Promise<Buffer | undefined> {
    const held = this.#manifests.get(digest);
    if (held !== undefined) {
      return held.length > limit ? undefined : Buffer.from(held.buffer, held.byteOffset, held.byteLength);
    }
    const content = this.#content(digest);
    return content === undefined ? undefined : this.#shelfOf(content).read(digest, limit);
  }

  async fetch(descriptor: Descriptor, options: FetchOptions): Promise<UnverifiedContent> {
    return this.#shelfOf(this.#content(descriptor.digest)).fetch(descriptor, options);
  }

  /** What counts as here is not asked for its bytes; what a donor has is copied from there. */
  push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions): Promise<PushResult> {
    const { digest } = descriptor;
    const work = async (): Promise<PushResult> => {
      if (this.#contents.planned.has(digest)) return this.#pushManifest(descriptor, content);
      const blob = this.#contents.wanted.get(digest);
      const size = blob?.size ?? this.#contents.elsewhere.get(digest);
      if (size !== descriptor.size) throw this.#unplanned(descriptor, size);
      if (blob === undefined || blob.isDone) return { startedAt: 0 };
      if (await this.#copied(blob, options)) return { startedAt: 0 };
      return { startedAt: await this.#fill(blob, { descriptor, content, signal: options.signal }), verified: true };
    };
    return this.#writing.run(digest, { work, signal: options.signal });
  }

  async write(digest: Digest, bytes: Uint8Array): Promise<void> {
    this.#manifests.set(digest, bytes);
  }

  async stamp(digest: Digest): Promise<string | undefined> {
    const size = await this.size(digest);
    return size === undefined ? undefined : String(size);
  }

  /** Blobs whose every byte was written by a run that was killed before it could say so: hashed, and counted when they are right. */
  async checkWritten(signal: AbortSignal | undefined): Promise<void> {
    for (const blob of this.#contents.wanted.values()) {
      if (blob.isDone || blob.size === 0 || !blob.isWritten) continue;
      if ((await digestWritten(blob, signal)) === blob.digest) blob.done();
      else await blob.clear();
    }
  }

  /** Copies what donors have and nobody pushed. */
  async copyDonated(options: { readonly signal: AbortSignal | undefined }): Promise<void> {
    for (const [digest, blob] of this.#contents.wanted) {
      if (blob.isDone || this.#contents.donors.content(digest, blob.size) === undefined) continue;
      const work = async () => {
        if (!blob.isDone) await this.#copied(blob, { ...options, last: true });
      };
      throwIfAborted(options.signal);
      await this.#writing.run(digest, { work });
    }
  }

  /** False: no donor has it, or what it has is something else. */
  async #copied(
    blob: WantedBlob,
    options: { readonly signal?: AbortSignal | undefined; readonly last?: boolean },
  ): Promise<boolean> {
    const { digest, size } = blob;
    const { donors } = this.#contents;
    const donated = donors.content(digest, size);
    if (donated === undefined) return false;
    const descriptor: Descriptor = { mediaType: 'application/octet-stream', digest, size };
    const { signal } = options;
    const content = reopenable(descriptor, (offset) =>
      donatedBytes(this.#shelfOf(donated), { descriptor, offset, signal }),
    );
    try {
      await this.#fill(blob, { descriptor, content, signal });
      return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      donors.refuse(digest);
      await blob.file?.noteBad(digest);
      if (options.last !== true) return false;
      throw this.#damaged(donated, error);
    }
  }

  async #fill(
    blob: WantedBlob,
    filling: {
      readonly descriptor: Descriptor;
      readonly content: ReopenableContent;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<number> {
    await this.#contents.prepare();
    try {
      const startedAt = await fill(blob, { ...filling, path: blob.file?.current ?? this.#contents.place });
      blob.done();
      return startedAt;
    } catch (error) {
      if (isAirgapError(error) && error.code === 'ERR_DIGEST_MISMATCH') await blob.clear();
      throw error;
    }
  }

  async #pushManifest(descriptor: Descriptor, content: ReopenableContent): Promise<PushResult> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of verifiedContent(descriptor, content.open(0))) chunks.push(chunk);
    await this.write(descriptor.digest, Buffer.concat(chunks));
    return { startedAt: 0, verified: true };
  }

  #content(digest: Digest): ShelvedContent | undefined {
    const { wanted, manifests, donors } = this.#contents;
    const blob = wanted.get(digest);
    return manifests.get(digest) ?? blob?.content ?? (blob && donors.content(digest, blob.size));
  }

  #shelfOf(content: ShelvedContent | undefined): ReadShelf {
    const known = content === undefined ? [] : [[content.digest, content] as const];
    return new ReadShelf(new Map(known), { place: this.#contents.place, setId: undefined });
  }

  #unplanned({ digest, size }: Descriptor, known: number | undefined): AirgapError {
    const state =
      known === undefined ? 'no place is kept for it' : `${size} bytes came where place for ${known} is kept`;
    return new AirgapError('ERR_PROTOCOL', `Cannot store blob "${digest}" in ${this.#contents.place}: ${state}`, {
      digest,
    });
  }

  #damaged(donated: ShelvedContent, cause: unknown): AirgapError {
    const path = donated.pieces[0]?.place?.path ?? '';
    const { digest } = donated;
    return new AirgapError('ERR_DIGEST_MISMATCH', `Cannot copy blob "${digest}" from "${path}": it is damaged there`, {
      digest,
      hint: 'run again: it will be fetched',
      cause,
    });
  }
}

async function digestWritten(blob: WantedBlob, signal: AbortSignal | undefined): Promise<Digest> {
  const hash = hasherFor(blob.digest);
  await hashExisting(blob, { limit: blob.size, hash, signal });
  return digestFrom(hash, algorithmOf(blob.digest));
}

async function* donatedBytes(
  shelf: ReadShelf,
  part: { readonly descriptor: Descriptor; readonly offset: number; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  yield* await shelf.fetch(part.descriptor, { offset: part.offset, signal: part.signal });
}

function isDamage(error: unknown): boolean {
  return isAirgapError(error) && (error.code === 'ERR_DIGEST_MISMATCH' || error.code === 'ERR_SIZE_MISMATCH');
}
