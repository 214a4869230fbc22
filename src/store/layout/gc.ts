/**
 * Garbage of a layout: what no name leads to. Marking reads the index and every manifest; sweeping rewrites the index first,
 * so that a crash in between leaves files nobody names, which the next run finds, and never a name without its files.
 */
import { readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import { manifestLimit } from '../peek.ts';
import type { CallOptions } from '../store.ts';
import { BlobFiles, partialDirectory } from './blob-files.ts';
import { codeOf, onDisk, statsOf } from './disk.ts';
import { type Marks, mark } from './gc-mark.ts';
import type { IndexEntry } from './index-file.ts';
import { replaceIndex } from './kept-index.ts';
import { LayoutNames } from './names.ts';
import { lockLayout, readEntries } from './open.ts';

export interface GarbageOptions extends CallOptions {
  /** Manifests without a tag go too, but those that a kept manifest lists and those about a kept one. Default false. */
  readonly untagged?: boolean;
  /** Removes what was found. Default false: only looks. */
  readonly remove?: boolean;
}

export interface GarbageItem {
  /** `untagged`: a manifest with its name; `blob`: content nothing leads to; `leftover`: an interrupted write. */
  readonly kind: 'untagged' | 'blob' | 'leftover';
  /** A reference with its digest, a digest, or a path inside the layout. */
  readonly name: string;
  /** Bytes of the file; 0 for a name whose file stays because something else needs it. */
  readonly size: number;
}

export interface GarbageReport {
  readonly directory: string;
  /** Sorted: untagged, blobs, leftovers, each by name. */
  readonly items: readonly GarbageItem[];
  /** Bytes of all items. */
  readonly bytes: number;
  readonly kept: { readonly manifests: number; readonly blobs: number; readonly bytes: number };
  /** Whether the items are gone now. */
  readonly removed: boolean;
}

/**
 * Finds what of a layout can go and, where asked, removes it. Holds the writer's lock meanwhile, also for looking: bytes that a
 * push has just brought are not named yet. Throws ERR_INPUT_INVALID (no layout, a writer at work, a damaged manifest) and ERR_DENIED.
 */
export async function collectGarbage(dir: string, options: GarbageOptions = {}): Promise<GarbageReport> {
  const directory = resolve(dir);
  const blobs = new BlobFiles(directory);
  await blobs.check();
  // Before the lock is taken, which makes a directory: what is no layout stays as it is.
  await readEntries(directory);
  const unlock = await lockLayout(directory);
  try {
    const found = await find(directory, { blobs, options, entries: await readEntries(directory) });
    if (options.remove === true) await sweep(directory, { found, blobs, signal: options.signal });
    const { items, kept } = found;
    const bytes = items.reduce((sum, item) => sum + item.size, 0);
    return { directory, items, bytes, kept, removed: options.remove === true };
  } finally {
    await unlock();
  }
}

interface Found {
  readonly marks: Marks;
  readonly items: readonly GarbageItem[];
  readonly kept: GarbageReport['kept'];
  readonly blobs: readonly Digest[];
  /** Names in the directory of partial files. */
  readonly leftovers: readonly string[];
}

interface Finding {
  readonly blobs: BlobFiles;
  readonly options: GarbageOptions;
  readonly entries: readonly IndexEntry[];
}

async function find(directory: string, { blobs, options, entries }: Finding): Promise<Found> {
  const { signal } = options;
  const marks = await mark(entries, {
    dropUntagged: options.untagged ?? false,
    read: async (digest) => {
      throwIfAborted(signal);
      return blobs.read(digest, manifestLimit);
    },
  });
  const [damaged] = marks.damaged;
  if (damaged !== undefined) throw unreadable(directory, damaged);
  const files = await blobSizes(directory, { blobs, signal });
  const dropped = new Set(marks.dropped.map(({ digest }) => digest));
  const gone = [...files].filter(([digest]) => !marks.needed.has(digest));
  const stay = [...files].filter(([digest]) => marks.needed.has(digest));
  const leftovers = await leftoversOf(directory);
  const sizeOfGone = new Map(gone);
  const items: GarbageItem[] = [
    ...named(marks.dropped).map(({ name, digest }) => takeSize(sizeOfGone, { name, digest })),
    ...gone
      .filter(([digest]) => !dropped.has(digest))
      .map(([digest, size]) => ({ kind: 'blob' as const, name: digest as string, size })),
    ...leftovers.map(({ name, size }) => ({ kind: 'leftover' as const, name: `${partialDirectory}/${name}`, size })),
  ];
  const manifests = stay.filter(([digest]) => marks.manifests.has(digest)).length;
  const kept = { manifests, blobs: stay.length - manifests, bytes: stay.reduce((sum, [, size]) => sum + size, 0) };
  return {
    marks,
    items,
    kept,
    blobs: gone.map(([digest]) => digest),
    leftovers: leftovers.map(({ name }) => name),
  };
}

function named(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The same file may go under several names: its bytes count once. */
function takeSize(sizes: Map<Digest, number>, entry: { readonly name: string; readonly digest: Digest }): GarbageItem {
  const size = sizes.get(entry.digest) ?? 0;
  sizes.delete(entry.digest);
  return { kind: 'untagged', name: entry.name, size };
}

/** Every blob with its size, sorted by digest. Files with other names are none of ours. */
async function blobSizes(
  directory: string,
  { blobs, signal }: { readonly blobs: BlobFiles; readonly signal: AbortSignal | undefined },
): Promise<ReadonlyMap<Digest, number>> {
  const sizes = new Map<Digest, number>();
  for (const algorithm of ['sha256', 'sha512']) {
    for (const name of (await namesIn(join(directory, 'blobs', algorithm))).sort()) {
      throwIfAborted(signal);
      const digest = `${algorithm}:${name}`;
      const size = isDigest(digest) ? await blobs.size(digest) : undefined;
      if (isDigest(digest) && size !== undefined) sizes.set(digest, size);
    }
  }
  return sizes;
}

/** Whatever stands among the partial files, but locks. Sorted by name. */
async function leftoversOf(directory: string): Promise<{ readonly name: string; readonly size: number }[]> {
  const found: { name: string; size: number }[] = [];
  for (const name of (await namesIn(join(directory, partialDirectory))).sort()) {
    if (name === 'lock' || name.startsWith('lock.')) continue;
    const stats = await statsOf(join(directory, partialDirectory, name));
    if (stats !== undefined) found.push({ name, size: stats.isFile() ? stats.size : 0 });
  }
  return found;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    return onDisk(`read "${directory}"`, Promise.reject(error));
  }
}

interface Sweeping {
  readonly found: Found;
  readonly blobs: BlobFiles;
  readonly signal: AbortSignal | undefined;
}

async function sweep(directory: string, { found, blobs, signal }: Sweeping): Promise<void> {
  throwIfAborted(signal);
  if (found.marks.dropped.length > 0) await replaceIndex(directory, new LayoutNames(found.marks.entries).text());
  for (const digest of found.blobs) {
    throwIfAborted(signal);
    await blobs.remove(digest);
  }
  for (const name of found.leftovers) {
    const path = join(directory, partialDirectory, name);
    await onDisk(`remove "${path}"`, rm(path, { recursive: true, force: true }));
  }
}

function unreadable(directory: string, digest: Digest): AirgapError {
  const state = `manifest ${digest} is damaged, so nobody can tell what it needs`;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot collect garbage of layout "${directory}": ${state}`, {
    digest,
    hint: 'mirror it again, or remove its name',
  });
}
