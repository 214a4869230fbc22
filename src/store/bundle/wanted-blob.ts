/** One blob and the ranges of the bundle's files that it fills. */
import type { Hash } from 'node:crypto';
import { type Digest, digestFrom, hasherFor } from '../../oci/digest.ts';
import type { BlobSpace } from '../layout/partial-file.ts';
import { unknownChecksum } from './print-set.ts';
import { placeInFile, type ShelvedContent } from './read-shelf.ts';
import type { VolumeFile } from './volume-file.ts';
import type { Segment } from './volume-layout.ts';

export interface BlobRange {
  readonly file: VolumeFile;
  readonly segment: Segment;
}

export class WantedBlob implements BlobSpace {
  readonly digest: Digest;
  readonly size: number;
  readonly #ranges: BlobRange[] = [];
  readonly #checksums = new Map<Segment, Hash>();
  /** A finished file turned out to have something else. */
  #startsAnew = false;

  constructor(blob: { readonly digest: Digest; readonly size: number }) {
    this.digest = blob.digest;
    this.size = blob.size;
  }

  add(range: BlobRange): void {
    this.#ranges.push(range);
    this.#ranges.sort((a, b) => a.segment.start - b.segment.start);
  }

  get isDone(): boolean {
    return this.#ranges.every(({ file, segment }) => file.isDone(segment));
  }

  /** Every byte was written, as far as a journal tells: only their digest is missing. */
  get isWritten(): boolean {
    return this.#prefix() === this.size;
  }

  /** The file of the first range that is not whole. */
  get file(): VolumeFile | undefined {
    return (this.#ranges.find(({ file, segment }) => !file.isDone(segment)) ?? this.#ranges[0])?.file;
  }

  /** Where it can be read; undefined while it is not whole, or only a part of it is wanted. */
  get content(): ShelvedContent | undefined {
    const { digest, size } = this;
    if (!this.isDone || this.#prefix() !== size) return undefined;
    const pieces = this.#ranges.map(({ file, segment }) => ({
      volume: file.layout.number,
      start: segment.start,
      length: segment.size,
      place: placeInFile(() => file.current, segment.offset),
    }));
    return { digest, size, pieces };
  }

  /** Hashes of ranges begin anew with each attempt, as this is asked first. */
  async existing(): Promise<number> {
    this.#checksums.clear();
    return this.#startsAnew ? 0 : this.#prefix();
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const range = this.#ranges.find(({ segment }) => within(segment, position));
    if (range === undefined) return 0;
    const { file, segment } = range;
    const at = position - segment.start;
    const part = buffer.subarray(0, Math.min(buffer.length, segment.size - at));
    const length = await file.read(part, segment.offset + at);
    this.#hash(segment, part.subarray(0, length));
    return length;
  }

  /** Bytes that are in no range of this run are checked with the others and kept nowhere. */
  async write(chunk: Uint8Array, position: number): Promise<void> {
    for (const { file, segment } of this.#ranges) {
      const from = Math.max(position, segment.start);
      const to = Math.min(position + chunk.length, segment.start + segment.size);
      if (from >= to) continue;
      const bytes = chunk.subarray(from - position, to - position);
      this.#hash(segment, bytes);
      if (!file.isDone(segment)) await file.write(segment, { bytes, at: from - segment.start });
    }
  }

  async clear(): Promise<void> {
    this.#startsAnew = this.#ranges.some(({ file, segment }) => file.isDone(segment));
    this.#checksums.clear();
    for (const { file, segment } of this.#ranges) if (!file.isDone(segment)) await file.forget(segment);
  }

  /** All bytes were written and have the blob's digest. */
  done(): void {
    for (const { file, segment } of this.#ranges) {
      if (!file.isDone(segment)) file.done(segment, this.#checksumOf(segment));
    }
  }

  #checksumOf(segment: Segment): Digest {
    if (segment.size === this.size) return this.digest;
    return digestFrom(this.#hasher(segment), 'sha256');
  }

  /** Bytes that are there from the first on, as far as a journal tells. */
  #prefix(): number {
    let end = 0;
    for (const { file, segment } of this.#ranges) {
      if (segment.start !== end) return end;
      end += file.safe(segment);
      if (end < segment.start + segment.size) return end;
    }
    return end;
  }

  #hash(segment: Segment, bytes: Uint8Array): void {
    if (segment.size !== this.size) this.#hasher(segment).update(bytes);
  }

  #hasher(segment: Segment): Hash {
    const known = this.#checksums.get(segment) ?? hasherFor(unknownChecksum);
    this.#checksums.set(segment, known);
    return known;
  }
}

function within({ start, size }: Segment, position: number): boolean {
  return position >= start && position < start + size;
}
