/**
 * Writes a bundle: everything has its place before the first byte is there, blobs arrive side by side, and the files get their
 * names when they are whole. What an interrupted run left is gone on with.
 */
import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { onDisk, statsOf } from '../layout/disk.ts';
import { takeLock } from '../layout/lock-file.ts';
import { LayoutNames } from '../layout/names.ts';
import type { StoredFacts } from '../layout/reach.ts';
import { LayoutRepository } from '../layout/repository.ts';
import type { CallOptions, WritableRepository } from '../store.ts';
import type { BundleContents, BundlePlace, BundleReservation, BundleWriteOptions, BundleWriter } from './bundle.ts';
import { planBundle } from './bundle-plan.ts';
import { type BundleRun, beginRun } from './bundle-run.ts';
import { ReadShelf } from './read-shelf.ts';

/**
 * Opens a place for writing and holds its lock until close(). Throws ERR_USAGE for volumes without a size, ERR_INPUT_INVALID while
 * another process writes there, or where there is no directory for the file.
 */
export async function openBundleWriter(place: BundlePlace, options: BundleWriteOptions = {}): Promise<BundleWriter> {
  if (place.kind === 'volumes' && options.volumeSize === undefined) {
    throw new AirgapError('ERR_USAGE', `Cannot write bundle "${place.directory}": volumes need a size`, {
      hint: 'say how large a volume may be with --volume-size, or name a file',
    });
  }
  const absolute: BundlePlace =
    place.kind === 'file'
      ? { kind: 'file', file: resolve(place.file) }
      : { kind: 'volumes', directory: resolve(place.directory) };
  const shown = place.kind === 'file' ? `bundle "${place.file}"` : `bundle "${place.directory}"`;
  const isThere = await hasRoom(absolute);
  if (options.dryRun === true) return new FileBundleWriter({ place: absolute, shown, options, unlock: async () => {} });
  const made = isThere ? [] : await makeRoom(absolute);
  const path = absolute.kind === 'file' ? `${absolute.file}.lock` : `${absolute.directory}/.airgap-lock`;
  const removeMade = async () => {
    // Only while nothing is in them.
    for (const directory of made) await rmdir(directory).catch(() => {});
  };
  const unlock = await takeLock(path, shown).catch(async (error: unknown) => {
    await removeMade();
    throw error;
  });
  return new FileBundleWriter({
    place: absolute,
    shown,
    options,
    unlock: async () => {
      await unlock();
      await removeMade();
    },
  });
}

/** The directory of volumes may be missing; that of a file has to be there, so that a bundle meant for a disk that is not in does not land beside it. */
async function hasRoom(place: BundlePlace): Promise<boolean> {
  const directory = directoryOf(place);
  const stats = await statsOf(directory);
  if (stats?.isDirectory() === true || stats?.isSymbolicLink() === true) return true;
  if (stats === undefined && place.kind === 'volumes') return false;
  const state = stats === undefined ? 'does not exist' : 'is no directory';
  throw new AirgapError('ERR_INPUT_INVALID', `Cannot write bundle: directory "${directory}" ${state}`, {
    hint: 'create it first, or name another place',
  });
}

/** The directories that had to be made, innermost first. */
async function makeRoom(place: BundlePlace): Promise<string[]> {
  const directory = directoryOf(place);
  const first = await onDisk(`create "${directory}"`, mkdir(directory, { recursive: true }));
  const made: string[] = [];
  for (let one = directory; first !== undefined && one.length >= first.length; one = dirname(one)) made.push(one);
  return made;
}

function directoryOf(place: BundlePlace): string {
  return place.kind === 'file' ? dirname(place.file) : place.directory;
}

interface OpenedPlace {
  readonly place: BundlePlace;
  /** For messages. */
  readonly shown: string;
  readonly options: BundleWriteOptions;
  readonly unlock: () => Promise<void>;
}

class FileBundleWriter implements BundleWriter {
  readonly #opened: OpenedPlace;
  readonly #facts = new Map<Digest, StoredFacts>();
  #run: BundleRun | undefined;
  #names = new LayoutNames([]);
  #closed = false;
  #writes = 0;

  constructor(opened: OpenedPlace) {
    this.#opened = opened;
  }

  async reserve(contents: BundleContents, options: CallOptions = {}): Promise<BundleReservation> {
    throwIfAborted(options.signal);
    if (this.#run !== undefined) throw new Error('a bundle is reserved once');
    const { place, shown, options: writing } = this.#opened;
    const volumeSize = place.kind === 'volumes' ? writing.volumeSize : undefined;
    const plan = planBundle(contents, { volumeSize, signed: writing.sign !== undefined });
    const run = await beginRun(plan, { place, shown, contents, writing, signal: options.signal });
    this.#run = run;
    this.#names = run.names;
    return run.reservation;
  }

  repository(name: RepositoryName): WritableRepository {
    return new LayoutRepository(name, {
      place: this.#opened.shown,
      blobs: this.#run?.shelf ?? new ReadShelf(new Map(), { place: this.#opened.shown, setId: undefined }),
      facts: this.#facts,
      names: async () => this.#names,
      refuseUnlessWritable: () => this.#refuseUnlessWritable(),
      changed: async () => {
        this.#writes += 1;
      },
    });
  }

  async *catalog(options: CallOptions = {}): AsyncGenerator<RepositoryName> {
    throwIfAborted(options.signal);
    yield* this.#names.repositories();
  }

  async revision(): Promise<string> {
    return String(this.#writes);
  }

  async acceptsSparseIndex(): Promise<boolean> {
    return true;
  }

  async finish(
    options: CallOptions = {},
  ): Promise<{ readonly files: readonly { readonly path: string; readonly size: number }[] }> {
    throwIfAborted(options.signal);
    this.#refuseUnlessWritable();
    if (this.#run === undefined) throw new Error('nothing was reserved yet');
    return { files: await this.#run.finish(options.signal) };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#run?.close();
    } finally {
      await this.#opened.unlock();
    }
  }

  #refuseUnlessWritable(): void {
    const isDryRun = this.#opened.options.dryRun === true;
    if (!this.#closed && !isDryRun && this.#run !== undefined) return;
    const opened = isDryRun ? 'it is only looked at' : 'nothing is laid out in it yet';
    const state = this.#closed ? 'it is closed' : opened;
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot write to ${this.#opened.shown}: ${state}`);
  }
}
