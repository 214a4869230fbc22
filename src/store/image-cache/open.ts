/** Opens a Talos image cache, in either form, as a store. */
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { BlobFiles, partialDirectory } from '../layout/blob-files.ts';
import { codeOf, diskError, onDisk, statsOf } from '../layout/disk.ts';
import { takeLock } from '../layout/lock-file.ts';
import { CacheFiles } from './cache-files.ts';
import { CacheStore } from './cache-store.ts';
import { DiskTree } from './disk-tree.ts';
import type { CacheForm, ImageCache, ImageCacheOptions } from './image-cache.ts';
import { blobFolder, blobPath, manifestFolder } from './names.ts';
import { openForm } from './open-form.ts';
import { type CacheTree, filesBelow, LayeredTree } from './tree.ts';
import { removeUnfinished, writeForm } from './write-form.ts';

/** What the imager asks for where nobody says otherwise: talosctl writes this one for `--platform all`. */
const defaultArchitectures = ['amd64'];
/** New content of an OCI form, until it is in the layer. */
export const stagedFolder = join(partialDirectory, 'new');
/** What an interrupted run leaves in a directory that is no cache yet. */
export const leftovers: readonly string[] = [partialDirectory, 'blobs', 'oci-layout'];
/** Of the OCI form: what is in them and not of this cache is removed, so none of them may lead elsewhere. */
const formFolders = ['blobs', join('blobs', 'sha256'), stagedFolder];

/**
 * Opens a cache; with `write`, makes it where the directory is absent or empty. A writer holds a lock until close().
 * Throws ERR_INPUT_INVALID for what is no image cache or one of the other form, for a damaged one, and while another writer is at work.
 */
export async function openImageCache(directory: string, options: ImageCacheOptions): Promise<ImageCache> {
  const root = resolve(directory);
  const found = await formOf(root);
  if (!options.write) {
    if (found === undefined) throw refused(root, await stateOf(root), 'mirror into it first: --to image-cache:DIR');
    return found === 'flat' ? flatReader(root) : ociReader(root, options);
  }
  const form = options.form ?? 'flat';
  if (found !== undefined && found !== form) throw otherForm(root, found);
  if (found === undefined) await refuseOthers(root);
  const unlock = await lock(root);
  try {
    return form === 'flat' ? await flatWriter(root, unlock) : await ociWriter(root, { options, found, unlock });
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Which form is in a directory; undefined for an empty or absent one, and for anything else. */
export async function formOf(root: string): Promise<CacheForm | undefined> {
  const names = await namesIn(root);
  if (names.includes('oci-layout') && names.includes('index.json')) return 'oci';
  return names.includes(manifestFolder) && names.includes(blobFolder) ? 'flat' : undefined;
}

function flatReader(root: string): ImageCache {
  const tree = new DiskTree(root);
  return new CacheStore({ root, form: 'flat', tree, unlock: nothing });
}

async function flatWriter(root: string, unlock: () => Promise<void>): Promise<ImageCache> {
  const files = new CacheFiles(root);
  await files.prepare();
  return new CacheStore({ root, form: 'flat', tree: new DiskTree(root), files, unlock });
}

async function ociReader(root: string, options: ImageCacheOptions): Promise<ImageCache> {
  const { tree } = await openForm(root, options);
  return new CacheStore({ root, form: 'oci', tree, unlock: nothing });
}

async function ociWriter(
  root: string,
  known: {
    readonly options: ImageCacheOptions;
    readonly found: CacheForm | undefined;
    readonly unlock: () => Promise<void>;
  },
): Promise<ImageCache> {
  const { options, found, unlock } = known;
  await new BlobFiles(root, { what: 'image cache', folders: formFolders, path: blobPath }).check();
  const architectures = options.architectures ?? defaultArchitectures;
  const base = found === undefined ? undefined : await openForm(root, options);
  const staged = join(root, stagedFolder);
  const files = new CacheFiles(staged);
  try {
    await removeUnfinished(root);
    await onDisk(`create "${staged}"`, mkdir(staged, { recursive: true }));
    await files.prepare();
  } catch (error) {
    await base?.tree.close();
    throw error;
  }
  const upper = new DiskTree(staged);
  const tree: CacheTree = base === undefined ? upper : new LayeredTree(upper, base.tree);
  const isAsWished = base !== undefined && architectures.every((name) => base.architectures.includes(name));
  return new CacheStore({
    root,
    form: 'oci',
    tree,
    files,
    seal: async (signal) => {
      const hasNew = !(await filesBelow(upper, manifestFolder).next()).done;
      if (!hasNew && (isAsWished || base === undefined)) return undefined;
      await writeForm(root, { tree, architectures: merged(architectures, base?.architectures), signal });
      await tree.close();
      await onDisk(`remove "${staged}"`, rm(staged, { recursive: true, force: true }));
      return (await openForm(root, options)).tree;
    },
    unlock: async () => {
      await removeIfEmpty(staged);
      await unlock();
    },
  });
}

function merged(wished: readonly string[], there: readonly string[] = []): string[] {
  return [...new Set([...there, ...wished])].sort();
}

/** What was begun and has nothing in it goes. */
async function removeIfEmpty(staged: string): Promise<void> {
  const tree = new DiskTree(staged);
  for (const folder of [blobFolder, manifestFolder, partialDirectory]) {
    if (!(await filesBelow(tree, folder).next()).done) return;
  }
  await rm(staged, { recursive: true, force: true });
}

async function lock(root: string): Promise<() => Promise<void>> {
  const partial = join(root, partialDirectory);
  await onDisk(`create "${root}"`, mkdir(root, { recursive: true }));
  // Not with "recursive": that says of a read-only file system that something is not there.
  await mkdir(partial).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw diskError(`create "${partial}"`, error);
  });
  const release = await takeLock(join(partial, 'lock'), `image cache "${root}"`);
  return async () => {
    await release();
    await rmdir(partial).catch(() => {});
  };
}

async function namesIn(root: string): Promise<string[]> {
  try {
    return await readdir(root);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    if (codeOf(error) === 'ENOTDIR') throw refused(root, 'it is no directory', 'name a directory');
    throw diskError(`open image cache "${root}"`, error);
  }
}

/** A directory that cannot become a cache: something else is in it. */
async function refuseOthers(root: string): Promise<void> {
  const ours = new Set([...leftovers, blobFolder, manifestFolder]);
  const other = (await namesIn(root)).find((name) => !ours.has(name));
  if (other === undefined) return;
  throw refused(root, 'the directory is no image cache and not empty', 'name an empty or a new directory');
}

async function stateOf(root: string): Promise<string> {
  if ((await statsOf(root)) === undefined) return 'it does not exist';
  const names = await namesIn(root);
  if (names.length === 0) return 'it is empty';
  return names.every((name) => leftovers.includes(name))
    ? 'it was begun and not finished'
    : `it has neither ${blobFolder} and ${manifestFolder} nor an OCI layout in it`;
}

function otherForm(root: string, found: CacheForm): AirgapError {
  const [is, write] = found === 'oci' ? ['OCI', 'image-cache-oci:'] : ['flat', 'image-cache:'];
  return refused(root, `it holds the ${is} form`, `write ${write}DIR to add to it, or name another directory`);
}

function refused(root: string, state: string, hint: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot open image cache "${root}": ${state}`, { hint });
}

async function nothing(): Promise<void> {}
