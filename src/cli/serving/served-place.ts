/** What is served: a layout directory, a bundle, the volumes of a set or an image cache, opened where they are. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isAirgapError } from '../../errors.ts';
import { quoteShell } from '../../oci/shell.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { openImageCache } from '../../store/image-cache/open.ts';
import { openLayout } from '../../store/layout/open.ts';
import { peekManifest } from '../../store/peek.ts';
import type { IndexedManifest, Source, Target } from '../../store/store.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { volumeWords } from '../bundle/bundle-text.ts';
import { isSignatureTag } from '../inputs-from-store.ts';
import { findPlace, openForReading, type ReadablePlace } from '../open-store.ts';
import { counted, sizeText } from '../report/text.ts';
import { usageError } from '../values.ts';
import { type ServeSettings, serveDefaults } from './serve-settings.ts';

export interface ServedPlace {
  readonly kind: 'layout' | 'bundle' | 'volumes' | 'image-cache';
  /** As it can be typed again: `oci:airgap-mirror`, `bundle:talos.tar`. */
  readonly name: string;
  readonly path: string;
  /** A Target where it is writable. */
  readonly store: Source | Target;
  /** Release the content is for, where it says so. */
  readonly talos: TalosVersion | undefined;
  /** What is known of a bundle's signature; undefined for a layout. */
  readonly signature: BundleSource['signature'] | undefined;
  /** Bytes of all content, what is not here included. */
  readonly bytes: number;
  readonly missingVolumes: readonly number[];
  readonly warnings: readonly string[];
}

/** What neither a layout nor an image cache says. */
const unknown = { talos: undefined, signature: undefined, missingVolumes: [], warnings: [] };

/** Opens what the settings name. Throws ERR_USAGE for what is nothing that can be served, and what openLayout() and openBundle() throw. */
export async function openServed(settings: ServeSettings): Promise<ServedPlace> {
  const { place, cwd, writable } = settings;
  const hint = `"airgap mirror" without --to writes a directory, ${serveDefaults.place}`;
  const found = await findPlace(place, { cwd, action: 'serve', hint, mayBeNew: writable });
  if (found.kind === 'bundle') return openServedBundle(settings, found);
  if (settings.verifyKeyFile !== undefined) {
    const other = 'only bundles are signed; "airgap verify --deep" reads every byte of a directory';
    const what = found.kind === 'image-cache' ? 'an image cache' : 'a layout directory';
    throw usageError(`Cannot use --verify-key with "${place}": it is ${what}`, other);
  }
  if (found.kind === 'image-cache') return openServedCache(settings, found);
  const { name, path } = found;
  const store = writable ? await openLayout(path, { create: true }) : (await openForReading(found)).store;
  const bytes = await bytesOfLayout(path);
  return { kind: 'layout', name, path, store, bytes, ...unknown };
}

async function openServedCache({ writable, place }: ServeSettings, found: ReadablePlace): Promise<ServedPlace> {
  const { name, path } = found;
  if (writable) {
    const hint = `add to it with airgap mirror --to ${quoteShell(name)}`;
    throw usageError(`Cannot write to "${place}": an image cache is served as it is`, hint);
  }
  const store = await openImageCache(path, { write: false });
  return { kind: 'image-cache', name, path, store, bytes: await store.treeBytes(), ...unknown };
}

async function openServedBundle(settings: ServeSettings, found: ReadablePlace): Promise<ServedPlace> {
  const { name, path } = found;
  if (settings.writable) {
    const hint = `unpack it first: airgap mirror --from ${quoteShell(name)} --to oci:${serveDefaults.place}, then serve that`;
    throw usageError(`Cannot write to "${settings.place}": a bundle is served as it is`, hint);
  }
  const { bundle: store } = await openForReading(found, { verifyKeyFile: settings.verifyKeyFile });
  if (store === undefined) throw new Error('a bundle was opened as something else');
  const { set, signature, missingVolumes } = store;
  return {
    kind: (set?.volumes ?? 1) > 1 ? 'volumes' : 'bundle',
    name,
    path,
    store,
    talos: set?.talos === undefined ? undefined : parseTalosVersion(set.talos),
    signature,
    bytes: set === undefined ? (await stat(path)).size : sum([...set.manifests, ...set.blobs]),
    missingVolumes,
    warnings: bundleWarnings(store),
  };
}

/** What cannot be pulled from it. */
function bundleWarnings({ set, missingVolumes }: BundleSource): string[] {
  if (set === undefined) return [];
  const warnings: string[] = [];
  if (missingVolumes.length > 0) {
    const { which, are, it } = volumeWords(missingVolumes);
    warnings.push(`${which} of ${set.volumes} ${are} not here: images with a layer in ${it} cannot be pulled`);
  }
  if (set.base.length > 0) {
    const base = `${counted(set.base.length, 'blob')} (${sizeText(sum(set.base))})`;
    warnings.push(`this is a delta: ${base} of its images are with the receiver it was made for, and not in it`);
  }
  return warnings;
}

/** Bytes of its blob files; names that are none are not counted. */
async function bytesOfLayout(path: string): Promise<number> {
  const blobs = join(path, 'blobs');
  let bytes = 0;
  for (const algorithm of await readdir(blobs).catch((): string[] => [])) {
    for (const name of await readdir(join(blobs, algorithm)).catch((): string[] => [])) {
      if (!/^[0-9a-f]+$/.test(name)) continue;
      bytes += await stat(join(blobs, algorithm, name)).then(
        ({ size }) => size,
        () => 0,
      );
    }
  }
  return bytes;
}

export interface ServedCount {
  /** Names with a tag that is no signature's, and what the store's index names without a tag, but for what belongs to another image. */
  readonly images: number;
  /** Sorted. */
  readonly registries: readonly string[];
}

/** How much a store names: undefined where it cannot tell. */
export async function countServed(store: Source): Promise<ServedCount | undefined> {
  const registries = new Set<string>();
  let images = 0;
  try {
    for await (const named of store.indexed?.() ?? []) {
      const { repository, tag } = named;
      if (tag === undefined ? !(await isReferrer(store, named)) : !isSignatureTag(tag)) images += 1;
      if (repository !== undefined) registries.add(repository.registry);
    }
  } catch (error) {
    if (isAirgapError(error)) return undefined;
    throw error;
  }
  return { images, registries: [...registries].sort() };
}

/** What cannot be read counts as an image: something is named there. */
async function isReferrer(store: Source, { repository, descriptor }: IndexedManifest): Promise<boolean> {
  if (repository === undefined) return false;
  try {
    const { bytes } = await store.repository(repository).manifest(descriptor.digest);
    return peekManifest(bytes)?.subject !== undefined;
  } catch (error) {
    if (isAirgapError(error)) return false;
    throw error;
  }
}

function sum(items: readonly { readonly size: number }[]): number {
  return items.reduce((bytes, { size }) => bytes + size, 0);
}
