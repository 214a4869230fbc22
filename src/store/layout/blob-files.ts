/** The blobs of a layout: `blobs/<algorithm>/<hex>` (image-spec v1.1, image-layout.md "Blobs"). Paths come from checked digests only. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyedMutex } from '../../async/keyed-mutex.ts';
import { AirgapError, isAirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, type DigestAlgorithm, hexOf } from '../../oci/digest.ts';
import type {
  FetchOptions,
  IncomingUpload,
  PushOptions,
  PushResult,
  ReopenableContent,
  UnverifiedContent,
} from '../store.ts';
import { fileSize, fileStamp, onDisk, readSmall, statsOf, syncDirectory, withFile } from './disk.ts';
import { EarlySync, IncomingFile } from './incoming-file.ts';
import { fileSpace, fill, openPartial } from './partial-file.ts';
import { readPart } from './read-part.ts';
import type { BlobShelf } from './shelf.ts';

/** Where unfinished files are: at the top, so that tools which list `blobs/` meet none. */
export const partialDirectory = '.airgap-partial';

const algorithms = ['sha256', 'sha512'] as const;

/** What the names of uploads begin with. */
const incomingPrefix = 'upload-';

/** `upload-UUID`, and a digest with `.UUID` behind it. A digest alone is a partial blob, which the next push of it goes on with. */
function isDeadEnd(name: string): boolean {
  return name.startsWith(incomingPrefix) || /^sha(?:256|512)-[0-9a-f]+\.[0-9a-f-]{36}$/.test(name);
}

/** Where blobs are below a root, and what the whole is called in messages. */
export interface BlobPlaces {
  /** `layout`, `image cache`. */
  readonly what: string;
  /** Every folder that holds blobs. */
  readonly folders: readonly string[];
  /** The file of a blob, below the root. May throw for a digest that cannot be there. */
  path(digest: Digest): string;
}

const layoutPlaces: BlobPlaces = {
  what: 'layout',
  folders: ['blobs', ...algorithms.map((algorithm) => join('blobs', algorithm))],
  path: (digest) => join('blobs', algorithmOf(digest), hexOf(digest)),
};

export class BlobFiles implements BlobShelf {
  readonly #root: string;
  readonly #places: BlobPlaces;
  readonly #writing = new KeyedMutex<Digest>();
  /** Directories with renames that are not yet known to last. */
  readonly #unsynced = new Set<string>();
  readonly #made = new Set<string>();
  readonly #earlySync = new EarlySync();

  constructor(root: string, places: BlobPlaces = layoutPlaces) {
    this.#root = root;
    this.#places = places;
  }

  /** Throws ERR_INPUT_INVALID when a directory of blobs is a link: it could lead out of the layout. */
  async check(): Promise<void> {
    for (const path of [...this.#places.folders, partialDirectory]) {
      const stats = await statsOf(join(this.#root, path));
      if (stats === undefined || stats.isDirectory()) continue;
      throw new AirgapError('ERR_INPUT_INVALID', `Cannot use ${this.#place}: "${path}" is no directory of its own`);
    }
  }

  /** Bytes of a blob; undefined when it is not there, or something other than a file is. */
  size(digest: Digest): Promise<number | undefined> {
    return fileSize(this.#path(digest));
  }

  async stamp(digest: Digest): Promise<string | undefined> {
    return fileStamp(this.#path(digest));
  }

  /** A small blob whole, unchecked; undefined when it is not there or larger than `limit` bytes. */
  read(digest: Digest, limit: number): Promise<Buffer | undefined> {
    return readSmall(this.#path(digest), limit);
  }

  /** Opens a blob when its first byte is asked for. Throws ERR_NOT_FOUND, and ERR_SIZE_MISMATCH when the file has another size than the descriptor. */
  async fetch(descriptor: Descriptor, options: FetchOptions): Promise<UnverifiedContent> {
    const path = this.#path(descriptor.digest);
    const size = await fileSize(path);
    const thing = `Cannot read blob "${descriptor.digest}" from ${this.#place}`;
    if (size === undefined)
      throw new AirgapError('ERR_NOT_FOUND', `${thing}: it is not there`, { digest: descriptor.digest });
    if (size !== descriptor.size) {
      const state = `the file has ${size} bytes where ${descriptor.size} were promised`;
      throw new AirgapError('ERR_SIZE_MISMATCH', `${thing}: ${state}`, { digest: descriptor.digest });
    }
    const end = Math.min(options.end ?? size, size);
    return readPart(path, { start: options.offset ?? 0, end, signal: options.signal, transient: options.transient });
  }

  /**
   * Stores a blob. An earlier attempt's partial file is hashed from disk and gone on with. Pushes of one digest wait for each other.
   * A failure keeps the partial file, but for a wrong digest (ERR_DIGEST_MISMATCH, retryable: the next attempt starts at 0).
   */
  push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions): Promise<PushResult> {
    const work = async () => {
      if ((await this.size(descriptor.digest)) === descriptor.size) return { startedAt: 0 };
      const partial = await this.#partial(descriptor.digest);
      const file = await onDisk(`write "${partial}"`, openPartial(partial));
      try {
        const startedAt = await fill(fileSpace(file), { path: partial, descriptor, content, signal: options.signal });
        await onDisk(`write "${partial}"`, file.sync());
        await this.#publish(partial, descriptor.digest);
        return { startedAt, verified: true };
      } catch (error) {
        if (isAirgapError(error) && error.code === 'ERR_DIGEST_MISMATCH') await rm(partial, { force: true });
        throw error;
      } finally {
        await file.close();
      }
    };
    return this.#writing.run(descriptor.digest, { work, signal: options.signal });
  }

  /** Stores checked bytes whole, also over a file that is damaged. */
  async write(digest: Digest, bytes: Uint8Array): Promise<void> {
    if ((await this.read(digest, bytes.length))?.equals(bytes) === true) return;
    const temporary = `${await this.#partial(digest)}.${randomUUID()}`;
    const written = withFile(temporary, 'wx', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    try {
      await onDisk(`write manifest "${digest}" to ${this.#place}`, written);
      await this.#publish(temporary, digest);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** An upload in a file of its own beside the partial ones. It takes the place of a blob that is here already: nobody has hashed that one, and it may be why this was pushed. */
  async receive(algorithm: DigestAlgorithm): Promise<IncomingUpload> {
    const directory = join(this.#root, partialDirectory);
    await this.#make(directory);
    const publish = (path: string, digest: Digest): Promise<void> => {
      return this.#writing.run(digest, { work: () => this.#publish(path, digest), signal: undefined });
    };
    return new IncomingFile(join(directory, `${incomingPrefix}${randomUUID()}`), {
      algorithm,
      publish,
      earlySync: this.#earlySync,
    });
  }

  /** Deletes a blob's file, and makes that last. False: there is none. */
  remove(digest: Digest): Promise<boolean> {
    const work = async () => {
      if ((await this.size(digest)) === undefined) return false;
      await onDisk(`remove blob "${digest}" from ${this.#place}`, unlink(this.#path(digest)));
      await syncDirectory(dirname(this.#path(digest)));
      return true;
    };
    return this.#writing.run(digest, { work, signal: undefined });
  }

  /** Removes what dead writers left and nobody can go on with: uploads without a digest, manifests half written. To be called with the lock held. */
  async sweep(): Promise<void> {
    const directory = join(this.#root, partialDirectory);
    for (const name of await onDisk(`read "${directory}"`, readdir(directory))) {
      if (isDeadEnd(name)) await rm(join(directory, name), { force: true, recursive: true });
    }
  }

  /** Makes everything stored so far last: to be called before anything names it. */
  async sync(): Promise<void> {
    const directories = [...this.#unsynced];
    this.#unsynced.clear();
    for (const path of directories) {
      const synced = onDisk(`write "${path}"`, syncDirectory(path));
      await synced.catch((error: unknown) => {
        for (const directory of directories) this.#unsynced.add(directory);
        throw error;
      });
    }
  }

  async #publish(from: string, digest: Digest): Promise<void> {
    const directory = dirname(this.#path(digest));
    await this.#make(directory);
    await onDisk(`write blob "${digest}" to ${this.#place}`, rename(from, this.#path(digest)));
    this.#unsynced.add(directory);
  }

  get #place(): string {
    return `${this.#places.what} "${this.#root}"`;
  }

  async #partial(digest: Digest): Promise<string> {
    const directory = join(this.#root, partialDirectory);
    await this.#make(directory);
    return join(directory, `${algorithmOf(digest)}-${hexOf(digest)}`);
  }

  async #make(directory: string): Promise<void> {
    if (this.#made.has(directory)) return;
    await onDisk(`create "${directory}"`, mkdir(directory, { recursive: true }));
    this.#made.add(directory);
  }

  #path(digest: Digest): string {
    return join(this.#root, this.#places.path(digest));
  }
}
