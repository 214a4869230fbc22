/** The content of a bundle by digest: blobs that lie in one tar, and those put together from parts in several. */
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, digestFrom, digestOf, hasherFor } from '../../oci/digest.ts';
import { statsOf } from '../layout/disk.ts';
import { type FilePart, readPart } from '../layout/read-part.ts';
import type { BlobShelf } from '../layout/shelf.ts';
import type { FetchOptions, UnverifiedContent } from '../store.ts';
import type { TarFile } from './tar-file.ts';

/** Where bytes of content lie. */
export interface ContentPlace {
  /** The file, for messages. */
  readonly path: string;
  /** The bytes from `start` to `end`, counted from the first of the place. */
  bytes(part: FilePart): AsyncIterable<Uint8Array>;
  /** A text that differs whenever the bytes may have changed; undefined when they are not there any more. */
  stamp(): Promise<string | undefined>;
}

/** A range of content, and where it is; no place when its volume is not here. */
export interface Piece {
  readonly volume: number;
  readonly start: number;
  readonly length: number;
  place?: ContentPlace | undefined;
}

export interface ShelvedContent {
  readonly digest: Digest;
  /** Bytes of the whole. */
  readonly size: number;
  /** In order, without gaps. */
  readonly pieces: readonly Piece[];
}

/** An entry of a tar as a place. */
export function placeInTar(tar: TarFile, offset: number): ContentPlace {
  return {
    path: tar.path,
    bytes: (part) => tar.bytes({ ...part, start: offset + part.start, end: offset + part.end }),
    stamp: () => tar.stamp(),
  };
}

/** The bytes of a file from `offset` on as a place. `pathNow` is asked at every read: a file that is being written may be renamed. */
export function placeInFile(pathNow: () => string, offset: number): ContentPlace {
  return {
    path: pathNow(),
    bytes: (part) => readPart(pathNow(), { ...part, start: offset + part.start, end: offset + part.end }),
    async stamp() {
      const stats = await statsOf(pathNow());
      return stats === undefined ? undefined : `${stats.size}-${stats.mtimeMs}`;
    },
  };
}

/** The digest of the first `length` bytes of a place, by the algorithm of `like`. */
export async function digestOfPlace(
  place: ContentPlace,
  about: { readonly length: number; readonly like: Digest; readonly signal: AbortSignal | undefined },
): Promise<Digest> {
  const hash = hasherFor(about.like);
  for await (const chunk of place.bytes({ start: 0, end: about.length, signal: about.signal, transient: true })) {
    hash.update(chunk);
  }
  return digestFrom(hash, algorithmOf(about.like));
}

export class ReadShelf implements BlobShelf {
  readonly #content: ReadonlyMap<Digest, ShelvedContent>;
  /** For messages. */
  readonly #bundle: { readonly place: string; readonly setId: string | undefined };

  constructor(
    content: ReadonlyMap<Digest, ShelvedContent>,
    bundle: { readonly place: string; readonly setId: string | undefined },
  ) {
    this.#content = content;
    this.#bundle = bundle;
  }

  /** Volumes with parts of this content that are not here, ascending. */
  absentVolumes(digest: Digest): number[] {
    const absent = this.#content.get(digest)?.pieces.filter((piece) => piece.place === undefined) ?? [];
    return [...new Set(absent.map((piece) => piece.volume))].sort((a, b) => a - b);
  }

  /** Undefined also while a part of it is not here. */
  async size(digest: Digest): Promise<number | undefined> {
    return this.#here(digest)?.size;
  }

  /** Whole and checked: throws ERR_DIGEST_MISMATCH when the bytes are others than they were written. */
  async read(digest: Digest, limit: number): Promise<Buffer | undefined> {
    const content = this.#here(digest);
    if (content === undefined || content.size > limit) return undefined;
    const chunks: Uint8Array[] = [];
    for await (const chunk of readPieces(content, { start: 0, end: content.size, signal: undefined })) {
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    const actual = digestOf(bytes, algorithmOf(digest));
    if (actual === digest) return bytes;
    const state = `in ${this.#bundle.place} its bytes have digest ${actual}`;
    throw new AirgapError('ERR_DIGEST_MISMATCH', `Cannot read content "${digest}": ${state}`, {
      digest,
      hint: 'the bundle is damaged: copy it again from where it was written',
    });
  }

  async fetch(descriptor: Descriptor, options: FetchOptions): Promise<UnverifiedContent> {
    const { digest } = descriptor;
    const content = this.#here(digest);
    if (content === undefined) throw this.#notHere(digest);
    const { size } = content;
    if (size !== descriptor.size) {
      const state = `it has ${size} bytes where ${descriptor.size} were promised`;
      throw new AirgapError('ERR_SIZE_MISMATCH', `${this.#cannotRead(digest)}: ${state}`, { digest });
    }
    const end = Math.min(options.end ?? size, size);
    const { offset = 0, signal, transient } = options;
    return readPieces(content, { start: offset, end, signal, transient });
  }

  async push(): Promise<never> {
    throw this.#readOnly();
  }

  async write(): Promise<never> {
    throw this.#readOnly();
  }

  async stamp(digest: Digest): Promise<string | undefined> {
    const content = this.#here(digest);
    if (content === undefined) return undefined;
    const stamps = await Promise.all(content.pieces.map((piece) => piece.place?.stamp()));
    return stamps.includes(undefined) ? undefined : stamps.join('+');
  }

  #here(digest: Digest): ShelvedContent | undefined {
    const content = this.#content.get(digest);
    return content?.pieces.every((piece) => piece.place !== undefined) === true ? content : undefined;
  }

  #cannotRead(digest: Digest): string {
    return `Cannot read blob "${digest}" from ${this.#bundle.place}`;
  }

  #notHere(digest: Digest): AirgapError {
    const absent = this.absentVolumes(digest);
    if (absent.length === 0) {
      return new AirgapError('ERR_NOT_FOUND', `${this.#cannotRead(digest)}: it is not there`, { digest });
    }
    const volumes = `${absent.length === 1 ? 'volume' : 'volumes'} ${absent.join(', ')}`;
    const state = `it is in ${volumes} of set ${this.#bundle.setId?.slice(0, 8)}, which ${absent.length === 1 ? 'is' : 'are'} not here`;
    return new AirgapError('ERR_NOT_FOUND', `${this.#cannotRead(digest)}: ${state}`, {
      digest,
      hint: `bring ${volumes} and run again`,
    });
  }

  #readOnly(): AirgapError {
    return new AirgapError('ERR_UNSUPPORTED', `Cannot write to ${this.#bundle.place}: it was opened for reading`);
  }
}

async function* readPieces(content: ShelvedContent, range: FilePart): AsyncGenerator<Uint8Array> {
  for (const { start, length, place } of content.pieces) {
    const from = Math.max(range.start, start);
    const to = Math.min(range.end, start + length);
    if (from >= to || place === undefined) continue;
    yield* place.bytes({ ...range, start: from - start, end: to - start });
  }
}
