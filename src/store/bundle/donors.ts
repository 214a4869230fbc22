/** Blobs that files of earlier bundles have: they are copied from there instead of fetched. What they say is believed only after hashing. */
import type { Digest } from '../../oci/digest.ts';
import { type JournalEntry, type ReadJournal, rangeKey } from './journal.ts';
import type { OpenedVolume } from './open-volume.ts';
import { entryNameOf } from './packing.ts';
import { type Piece, placeInFile, type ShelvedContent } from './read-shelf.ts';

/** A file that may be given another name while it is read from. */
export interface DonorFile {
  path: string;
}

export class Donors {
  readonly #pieces = new Map<Digest, { readonly size: number; readonly pieces: Piece[] }>();
  readonly #bad = new Set<Digest>();

  /** Where a blob can be copied from; undefined when no file has it, or files together have not all of it. */
  content(digest: Digest, size: number): ShelvedContent | undefined {
    const known = this.#pieces.get(digest);
    if (known === undefined || known.size !== size || this.#bad.has(digest)) return undefined;
    const pieces: Piece[] = [];
    let end = 0;
    for (const piece of known.pieces.sort((a, b) => a.start - b.start || b.length - a.length)) {
      if (piece.start !== end || (pieces.length > 0 && piece.length === 0)) continue;
      pieces.push(piece);
      end += piece.length;
    }
    return end === size && pieces.length > 0 ? { digest, size, pieces } : undefined;
  }

  /** What a blob's donors have is wrong. */
  refuse(digest: Digest): void {
    this.#bad.add(digest);
  }

  addVolume(file: DonorFile, { set, volume, tar }: OpenedVolume): void {
    for (const blob of set.blobs) {
      for (const part of blob.parts) {
        const place = tar.entries.get(entryNameOf(blob, part));
        if (part.volume !== volume.number || place === undefined) continue;
        const { digest, size: blobSize } = blob;
        this.#add(file, { digest, blobSize, start: part.start, length: part.length, offset: place.offset });
      }
    }
  }

  addPartial(file: DonorFile, journal: ReadJournal): void {
    for (const entry of journal.entries) if (journal.done.has(rangeKey(entry))) this.#add(file, entry);
    for (const digest of journal.bad) this.#bad.add(digest);
  }

  #add(file: DonorFile, entry: JournalEntry): void {
    const { digest, blobSize, start, length, offset } = entry;
    const known = this.#pieces.get(digest) ?? { size: blobSize, pieces: [] };
    if (known.size !== blobSize) return;
    this.#pieces.set(digest, known);
    known.pieces.push({ volume: 1, start, length, place: placeInFile(() => file.path, offset) });
  }
}
