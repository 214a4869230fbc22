/**
 * Where parts of blobs wait for volumes that are not here yet: `<directory>/<first 16 of the set's id>/<algorithm>-<hex>.<start>`.
 * A part is there whole or not at all; what it is worth shows when the blob is read, as for everything else.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AirgapError, isAirgapError } from '../../errors.ts';
import { algorithmOf, type Digest, digestFrom, hasherFor, hexOf } from '../../oci/digest.ts';
import { fileSize, onDisk, statsOf, syncDirectory } from '../layout/disk.ts';
import { readPart } from '../layout/read-part.ts';
import type { StageOptions } from './bundle.ts';
import { type ContentPlace, digestOfPlace, type Piece, type ShelvedContent } from './read-shelf.ts';
import { refused } from './refuse.ts';

/** Names of parts, and of copies of them that are not finished. */
const partName = /^(sha256|sha512)-([0-9a-f]{64,128})\.[0-9]+(?:(?:\.[0-9a-f]{8})?\.partial)?$/;

/** A part as it is copied. */
interface Copied {
  readonly content: ShelvedContent;
  readonly piece: Piece;
  readonly place: ContentPlace;
  /** Of the bytes in the part. */
  readonly checksum: Digest;
  readonly signal: AbortSignal | undefined;
}

export class Staging {
  readonly #directory: string;

  constructor(directory: string, setId: string) {
    this.#directory = join(directory, setId.slice(0, 16));
  }

  /** Gives places to pieces that lie here and nowhere else. Throws ERR_INPUT_INVALID when the directory is none of its own. */
  async add(content: Iterable<ShelvedContent>): Promise<void> {
    const stats = await statsOf(this.#directory);
    if (stats === undefined) return;
    if (!stats.isDirectory()) throw refused(this.#directory, 'it is no directory of its own');
    for (const one of content) {
      for (const piece of one.pieces) {
        if (piece.place !== undefined || piece.length === one.size) continue;
        const path = this.#path(one.digest, piece.start);
        if ((await fileSize(path)) === piece.length) piece.place = placeOfFile(path, piece.length);
      }
    }
  }

  /**
   * Copies the pieces that are in volumes here, of content that is not complete here. `checksumOf` tells what a piece's bytes must be: what
   * lies here already is held against it. Returns the bytes copied. Throws ERR_NO_SPACE, and, when everything else is copied,
   * ERR_DIGEST_MISMATCH naming the volume's file.
   */
  async stage(
    content: Iterable<ShelvedContent>,
    options: StageOptions & { readonly checksumOf: (digest: Digest, start: number) => Digest | undefined },
  ): Promise<number> {
    let copied = 0;
    let damage: AirgapError | undefined;
    for (const one of content) {
      if (one.pieces.every((piece) => piece.place !== undefined) || options.only?.has(one.digest) === false) continue;
      for (const piece of one.pieces) {
        const checksum = options.checksumOf(one.digest, piece.start);
        const { place } = piece;
        // A place without a checksum is not in a volume: it is staged already.
        if (place === undefined || checksum === undefined) continue;
        const copying = { content: one, piece, place, checksum, signal: options.signal };
        if (await this.#isStaged(copying)) continue;
        damage ??= await this.#copy(copying).then(() => undefined, damageOrThrow);
        copied += piece.length;
      }
    }
    if (damage !== undefined) throw damage;
    return copied;
  }

  async #isStaged({ content, piece, checksum, signal }: Copied): Promise<boolean> {
    const path = this.#path(content.digest, piece.start);
    if ((await fileSize(path)) !== piece.length) return false;
    const place = placeOfFile(path, piece.length);
    return (await digestOfPlace(place, { length: piece.length, like: checksum, signal })) === checksum;
  }

  /** Removes this set's parts, `only` those of some blobs, and nothing else; directories too when nothing else is in them. */
  async clear(only?: ReadonlySet<Digest>): Promise<void> {
    const stats = await statsOf(this.#directory);
    if (stats?.isDirectory() !== true) return;
    const action = `clear "${this.#directory}"`;
    const names = await onDisk(action, readdir(this.#directory));
    for (const name of names) {
      const [, algorithm, hex] = partName.exec(name) ?? [];
      if (algorithm === undefined || only?.has(`${algorithm}:${hex}` as Digest) === false) continue;
      await onDisk(action, rm(join(this.#directory, name), { force: true }));
    }
    await rmdir(this.#directory)
      .then(() => rmdir(dirname(this.#directory)))
      .catch(() => {});
  }

  async #copy(copied: Copied): Promise<void> {
    const { content, piece } = copied;
    const path = this.#path(content.digest, piece.start);
    // Another run may copy the same part at the same time.
    const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
    const action = `write "${path}"`;
    await onDisk(action, mkdir(this.#directory, { recursive: true }));
    try {
      const actual = await this.#write(temporary, copied);
      if (actual !== copied.checksum) throw damaged(copied, actual);
      await onDisk(action, rename(temporary, path));
      await onDisk(action, syncDirectory(this.#directory));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** Returns the digest of what was written. */
  async #write(temporary: string, { piece, place, checksum, signal }: Copied): Promise<Digest> {
    const action = `write "${temporary}"`;
    const file = await onDisk(action, open(temporary, 'wx', 0o644));
    const hash = hasherFor(checksum);
    try {
      for await (const chunk of place.bytes({ start: 0, end: piece.length, signal, transient: true })) {
        hash.update(chunk);
        await onDisk(action, file.writeFile(chunk));
      }
      await onDisk(action, file.sync());
    } finally {
      await file.close();
    }
    return digestFrom(hash, algorithmOf(checksum));
  }

  #path(digest: Digest, start: number): string {
    return join(this.#directory, `${algorithmOf(digest)}-${hexOf(digest)}.${start}`);
  }
}

function placeOfFile(path: string, length: number): ContentPlace {
  return {
    path,
    bytes: (part) => readPart(path, part),
    async stamp() {
      const stats = await statsOf(path);
      return stats?.isFile() === true && stats.size === length ? `${stats.mtimeMs}-${stats.ctimeMs}` : undefined;
    },
  };
}

function damageOrThrow(error: unknown): AirgapError {
  if (isAirgapError(error) && error.code === 'ERR_DIGEST_MISMATCH') return error;
  throw error;
}

/** The error that names the volume of a part with wrong bytes. */
export function damaged({ content, piece, place }: Omit<Copied, 'checksum' | 'signal'>, actual: Digest): AirgapError {
  const bytes = piece.length === content.size ? 'its bytes' : `its bytes from ${piece.start} on`;
  const state = `in volume ${piece.volume}, "${place.path}", ${bytes} have digest ${actual}`;
  return new AirgapError('ERR_DIGEST_MISMATCH', `Cannot take content "${content.digest}": ${state}`, {
    digest: content.digest,
    hint: `volume ${piece.volume} is damaged: copy it again from where it was written`,
  });
}
