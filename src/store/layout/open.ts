/**
 * An OCI image layout directory as a store (image-spec v1.1, image-layout.md): `oci-layout`, `index.json`, `blobs/<algorithm>/<hex>`.
 * It holds repositories of several registries side by side; skopeo, crane, oras and containerd read it by full reference.
 */
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freshly } from '../../async/fresh.ts';
import { AirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import type { CallOptions, IndexedManifest, Target, WritableRepository } from '../store.ts';
import { BlobFiles, partialDirectory } from './blob-files.ts';
import { Checkpoint } from './checkpoint.ts';
import { codeOf, onDisk, readSmall, replaceFile, statsOf } from './disk.ts';
import { checkLayoutFile, type IndexEntry, indexedManifest, layoutFileText, parseIndexFile } from './index-file.ts';
import { KeptIndex, replaceIndex, stampOf } from './kept-index.ts';
import { takeLock } from './lock-file.ts';
import { LayoutNames } from './names.ts';
import type { StoredFacts } from './reach.ts';
import { LayoutRepository } from './repository.ts';

/** Largest index.json that is read: some 200 000 images. */
const indexLimit = 64 * 1024 * 1024;

export interface LayoutOptions {
  /** Make the layout when the directory is absent or empty. Default false. */
  readonly create?: boolean;
  /** Take no lock and refuse every write; what another process writes meanwhile is seen. Default false. */
  readonly readOnly?: boolean;
}

/**
 * Opens a layout. A writer holds a lock until close(); a tag is on disk when pushManifest() with it resolves, the rest of the
 * index within 100 ms or at close(). Interrupted blobs go on where they ended, also in another process.
 * Throws ERR_INPUT_INVALID (no layout, one that cannot be trusted, another writer at work) and ERR_DENIED.
 */
export async function openLayout(dir: string, options: LayoutOptions = {}): Promise<Target> {
  const directory = resolve(dir);
  const readOnly = options.readOnly ?? false;
  const isNew = await needsCreation(directory, { create: !readOnly && (options.create ?? false) });
  const blobs = new BlobFiles(directory);
  await blobs.check();
  const unlock = readOnly ? async () => {} : await lockLayout(directory);
  try {
    if (isNew) await create(directory);
    if (!readOnly) await blobs.sweep();
    const index = await readIndex(directory);
    return new LayoutStore({ directory, blobs, readOnly, unlock, ...index });
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** True for a directory that is absent or holds nothing but what an interrupted creation left. Throws for one that cannot become a layout. */
async function needsCreation(directory: string, { create }: { create: boolean }): Promise<boolean> {
  const stats = await statsOf(directory);
  const names =
    stats === undefined
      ? []
      : await onDisk(`open layout "${directory}"`, readdir(directory)).catch(refuseFile(directory));
  if (names.includes('oci-layout') && (names.includes('index.json') || !create)) return false;
  const isBare = names.every((name) => [partialDirectory, 'oci-layout', 'blobs'].includes(name));
  if (create && isBare) return true;
  if (isBare && !create)
    throw refused(
      directory,
      stats === undefined ? 'it does not exist' : 'it is empty',
      'mirror into it first, or name the place where the images are',
    );
  throw refused(directory, 'the directory is no OCI layout and not empty', 'name an empty or a new directory');
}

function refuseFile(directory: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof AirgapError && codeOf(error.cause) === 'ENOTDIR')
      throw refused(directory, 'it is no directory', 'name a directory');
    throw error;
  };
}

function refused(directory: string, state: string, hint: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot open layout "${directory}": ${state}`, { hint });
}

/** Takes the writer's lock of a layout and gives what releases it. Throws ERR_INPUT_INVALID while another writer is at work. */
export async function lockLayout(directory: string): Promise<() => Promise<void>> {
  const partial = join(directory, partialDirectory);
  await onDisk(`create "${partial}"`, mkdir(partial, { recursive: true }));
  const release = await takeLock(join(partial, 'lock'), `layout "${directory}"`);
  return async () => {
    await release();
    await rmdir(partial).catch(() => {});
  };
}

async function create(directory: string): Promise<void> {
  await onDisk(`create "${directory}"`, mkdir(join(directory, 'blobs', 'sha256'), { recursive: true }));
  const temporary = join(directory, partialDirectory, 'oci-layout');
  await replaceFile(join(directory, 'oci-layout'), { bytes: layoutFileText, temporary });
  await replaceIndex(directory, new LayoutNames([]).text());
}

interface ReadIndex {
  readonly names: LayoutNames;
  /** Differs when the file was replaced. */
  readonly stamp: string;
}

async function readIndex(directory: string): Promise<ReadIndex> {
  const stamp = await stampOf(join(directory, 'index.json'));
  return { names: new LayoutNames(await readEntries(directory)), stamp };
}

/** What the index of a layout names. Throws ERR_INPUT_INVALID for what is no layout, or one that cannot be trusted. */
export async function readEntries(directory: string): Promise<IndexEntry[]> {
  const layoutPath = join(directory, 'oci-layout');
  const layoutFile = await readSmall(layoutPath, 4096);
  if (layoutFile === undefined && (await statsOf(layoutPath)) === undefined) {
    const state = (await statsOf(directory)) === undefined ? 'it does not exist' : 'it has no file oci-layout';
    throw refused(directory, state, 'name a directory that airgap mirror wrote');
  }
  checkLayoutFile(layoutFile?.toString('utf8') ?? '', layoutPath);
  const path = join(directory, 'index.json');
  const bytes = await readSmall(path, indexLimit);
  if (bytes === undefined)
    throw refused(directory, 'index.json is missing, no file or too large', 'it may be damaged: mirror again');
  return parseIndexFile(bytes.toString('utf8'), path);
}

interface OpenedLayout extends ReadIndex {
  readonly directory: string;
  readonly blobs: BlobFiles;
  readonly readOnly: boolean;
  readonly unlock: () => Promise<void>;
}

class LayoutStore implements Target {
  readonly #opened: OpenedLayout;
  readonly #facts = new Map<Digest, StoredFacts>();
  readonly #checkpoint: Checkpoint;
  /** A writer's alone. */
  readonly #kept: KeptIndex | undefined;
  /** What every question of a reader begins with: those that come at once share one look at the file. */
  readonly #current: () => Promise<ReadIndex>;
  #index: ReadIndex;
  #writes = 0;
  #closed = false;

  constructor(opened: OpenedLayout) {
    this.#opened = opened;
    this.#index = opened;
    this.#current = freshly(() => this.#readAgain());
    if (!opened.readOnly) this.#kept = new KeptIndex(opened.directory, { ...opened, read: readEntries });
    this.#checkpoint = new Checkpoint(() => this.#save(opened.names));
  }

  repository(name: RepositoryName): WritableRepository {
    return new LayoutRepository(name, {
      place: `layout "${this.#opened.directory}"`,
      blobs: this.#opened.blobs,
      facts: this.#facts,
      names: () => this.#names(),
      refuseUnlessWritable: () => this.#refuseUnlessWritable(),
      changed: (wait) => this.#changed(wait),
      settled: () => this.#checkpoint.settled(),
    });
  }

  async *catalog(options: CallOptions = {}): AsyncGenerator<RepositoryName> {
    throwIfAborted(options.signal);
    yield* (await this.#names()).repositories();
  }

  async *indexed(options: CallOptions = {}): AsyncGenerator<IndexedManifest> {
    throwIfAborted(options.signal);
    yield* (await this.#names()).all().map(indexedManifest);
  }

  async revision(): Promise<string> {
    return this.#opened.readOnly ? stampOf(join(this.#opened.directory, 'index.json')) : String(this.#writes);
  }

  flush(): Promise<void> {
    return this.#checkpoint.settled();
  }

  async acceptsSparseIndex(): Promise<boolean> {
    return true;
  }

  /** Saves what is unsaved and gives the lock back, even when saving fails. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#checkpoint.end();
    } finally {
      await this.#opened.unlock();
    }
  }

  /** A writer's own names; a reader reads them again when the file was replaced. */
  async #names(): Promise<LayoutNames> {
    const { readOnly, names } = this.#opened;
    return readOnly ? (await this.#current()).names : names;
  }

  async #readAgain(): Promise<ReadIndex> {
    const { directory } = this.#opened;
    const stamp = await stampOf(join(directory, 'index.json'));
    if (stamp !== this.#index.stamp) this.#index = await readIndex(directory);
    return this.#index;
  }

  #refuseUnlessWritable(): void {
    if (!this.#opened.readOnly && !this.#closed) return;
    const state = this.#closed ? 'it is closed' : 'it was opened for reading';
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot write to layout "${this.#opened.directory}": ${state}`);
  }

  async #changed(wait: boolean): Promise<void> {
    this.#writes += 1;
    if (wait) return this.#checkpoint.now();
    this.#checkpoint.soon();
  }

  async #save(names: LayoutNames): Promise<void> {
    const text = names.text();
    await this.#opened.blobs.sync();
    await this.#kept?.save(text);
  }
}
