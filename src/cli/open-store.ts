/** A place that is only read, whatever it is: a layout directory, a bundle, the volumes of a set, an image cache. */
import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BundleSource } from '../store/bundle/bundle.ts';
import { volumeName } from '../store/bundle/find-volumes.ts';
import { formOf, openImageCache } from '../store/image-cache/open.ts';
import { openLayout } from '../store/layout/open.ts';
import { locationPath, parseLocation, printLocation } from '../store/location.ts';
import type { Source } from '../store/store.ts';
import { openWithKey } from './bundle/open-bundle.ts';
import { usageError } from './values.ts';

export interface ReadablePlace {
  readonly kind: 'layout' | 'bundle' | 'image-cache';
  /** Absolute. */
  readonly path: string;
  /** As every command takes it: `oci:DIR`, `bundle:FILE`. */
  readonly name: string;
  /** A directory of volumes, all of which ought to be there. */
  readonly isDirectory: boolean;
}

export interface OpenedPlace extends ReadablePlace {
  readonly store: Source;
  /** The store, where it is a bundle. */
  readonly bundle: BundleSource | undefined;
}

export interface FindOptions {
  readonly cwd: string;
  /** What is to be done with it, for messages. Default `read`. */
  readonly action?: 'read' | 'serve';
  /** What to do where nothing is found. */
  readonly hint?: string;
  /** A directory that is empty or not there is a layout that is to be made. Default false. */
  readonly mayBeNew?: boolean;
}

/** What `oci:DIR`, `bundle:FILE`, `bundle:DIR/` or a bare path means. Throws ERR_USAGE for what is nothing that can be read. */
export async function findPlace(text: string, options: FindOptions): Promise<ReadablePlace> {
  const { cwd } = options;
  if (!/^(?:oci|bundle|image-cache|image-cache-oci):/.test(text))
    return sniff(text, { ...options, path: resolve(cwd, text) });
  const location = parseLocation(text);
  if (location.kind === 'registry') throw nothingThere(text, options);
  const path = resolve(cwd, locationPath(location));
  const isDirectory = location.kind === 'bundle' && (location.isDirectory || (await isFolder(path)));
  return { kind: location.kind, path, name: printLocation(location), isDirectory };
}

export interface OpenOptions {
  readonly verifyKeyFile?: string | undefined;
  /** Open bundles that end too early as well. Default false. */
  readonly cutShort?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Opens it for reading. Throws ERR_USAGE for a key with what is not signed, and what openLayout() and openBundle() throw. */
export async function openForReading(place: ReadablePlace, options: OpenOptions = {}): Promise<OpenedPlace> {
  const { verifyKeyFile, signal, cutShort } = options;
  if (place.kind !== 'bundle' && verifyKeyFile !== undefined)
    throw usageError('Cannot use --verify-key with a directory: only bundles are signed');
  if (place.kind === 'image-cache')
    return { ...place, store: await openImageCache(place.path, { write: false, signal }), bundle: undefined };
  if (place.kind === 'layout') {
    return { ...place, store: await openLayout(place.path, { readOnly: true }), bundle: undefined };
  }
  const bundle = await openWithKey(place.path, verifyKeyFile, { signal, cutShort });
  return { ...place, store: bundle, bundle };
}

async function sniff(text: string, options: FindOptions & { readonly path: string }): Promise<ReadablePlace> {
  const { path } = options;
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return { kind: 'bundle', path, name: `bundle:${text}`, isDirectory: false };
  const names = await readdir(path).catch((): string[] => []);
  const isNew = options.mayBeNew === true && names.length === 0;
  if (names.includes('oci-layout') || isNew) return { kind: 'layout', path, name: `oci:${text}`, isDirectory: false };
  if ((await formOf(path)) === 'flat')
    return { kind: 'image-cache', path, name: `image-cache:${text}`, isDirectory: false };
  if (names.some((name) => volumeName.test(name)))
    return { kind: 'bundle', path, name: `bundle:${text.replace(/\/*$/, '/')}`, isDirectory: true };
  throw nothingThere(text, { ...options, isAbsent: found === undefined });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

const readHint =
  'write oci:DIR, bundle:FILE, bundle:DIR/ or image-cache:DIR; a registry is checked with airgap verify --deep';

function nothingThere(text: string, about: Pick<FindOptions, 'action' | 'hint'> & { readonly isAbsent?: boolean }) {
  const { action = 'read', hint = readHint, isAbsent = false } = about;
  const state = isAbsent
    ? 'it does not exist'
    : 'it is no layout directory, no bundle, no directory of volumes and no image cache';
  return usageError(`Cannot ${action} ${JSON.stringify(text)}: ${state}`, hint);
}
