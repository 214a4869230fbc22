/** What is served: a layout directory, a bundle or the volumes of a set, opened where they are. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isAirgapError } from '../../errors.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { openBundle } from '../../store/bundle/reader.ts';
import { openLayout } from '../../store/layout/open.ts';
import { parseLocation, printLocation } from '../../store/location.ts';
import type { Source, Target } from '../../store/store.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { readInputFile } from '../files.ts';
import { counted, sizeText } from '../report/text.ts';
import { usageError } from '../values.ts';
import { type ServeSettings, serveDefaults } from './serve-settings.ts';

export interface ServedPlace {
  readonly kind: 'layout' | 'bundle' | 'volumes';
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

/** Opens what the settings name. Throws ERR_USAGE for what is nothing that can be served, and what openLayout() and openBundle() throw. */
export async function openServed(settings: ServeSettings): Promise<ServedPlace> {
  const { kind, path } = await placeOf(settings);
  if (kind === 'bundle') return openServedBundle(settings, path);
  if (settings.verifyKeyFile !== undefined) {
    const hint = 'only bundles are signed; "airgap verify --deep" reads every byte of a directory';
    throw usageError(`Cannot use --verify-key with "${settings.place}": it is a layout directory`, hint);
  }
  const { writable } = settings;
  const store = await openLayout(path, writable ? { create: true } : { readOnly: true });
  const bytes = await bytesOfLayout(path);
  const shown = { kind: 'layout', name: nameOf('oci:', settings.place), path } as const;
  return { ...shown, store, bytes, talos: undefined, signature: undefined, missingVolumes: [], warnings: [] };
}

async function openServedBundle(settings: ServeSettings, path: string): Promise<ServedPlace> {
  if (settings.writable) {
    const typed = settings.place.replace(/^bundle:/, '');
    const hint = `unpack it first: airgap mirror --from bundle:${typed} --to oci:${serveDefaults.place}, then serve that`;
    throw usageError(`Cannot write to "${settings.place}": a bundle is served as it is`, hint);
  }
  const { verifyKeyFile } = settings;
  const key = verifyKeyFile === undefined ? undefined : await readInputFile(verifyKeyFile, verifyKeyFile);
  const verifyKey = key === undefined ? undefined : Buffer.from(key).toString('utf8');
  const store = await openBundle(path, { verifyKey, verifyKeyName: verifyKeyFile });
  const { set, signature, missingVolumes } = store;
  return {
    kind: (set?.volumes ?? 1) > 1 ? 'volumes' : 'bundle',
    name: nameOf('bundle:', settings.place),
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
    const [which, it] =
      missingVolumes.length === 1
        ? [`volume ${missingVolumes[0]} of ${set.volumes} is`, 'it']
        : [`volumes ${missingVolumes.join(', ')} of ${set.volumes} are`, 'them'];
    warnings.push(`${which} not here: images with a layer in ${it} cannot be pulled`);
  }
  if (set.base.length > 0) {
    const base = `${counted(set.base.length, 'blob')} (${sizeText(sum(set.base))})`;
    warnings.push(`this is a delta: ${base} of its images are with the receiver it was made for, and not in it`);
  }
  return warnings;
}

async function placeOf(
  settings: ServeSettings,
): Promise<{ readonly kind: 'layout' | 'bundle'; readonly path: string }> {
  const { place, cwd } = settings;
  if (/^(?:oci|bundle):/.test(place)) {
    const location = parseLocation(place);
    if (location.kind === 'bundle') return { kind: 'bundle', path: resolve(cwd, location.path) };
    if (location.kind === 'layout') return { kind: 'layout', path: resolve(cwd, location.directory) };
  }
  const path = resolve(cwd, place);
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() === true) return { kind: 'bundle', path };
  const names = await readdir(path).catch((): string[] => []);
  if (!names.includes('oci-layout') && names.some((name) => name.endsWith('.tar'))) return { kind: 'bundle', path };
  if (names.includes('oci-layout') || (settings.writable && names.length === 0)) return { kind: 'layout', path };
  throw usageError(
    found === undefined
      ? `Cannot serve "${place}": it does not exist`
      : `Cannot serve "${place}": it is no OCI layout directory, no bundle and no set of volumes`,
    `"airgap mirror" without --to writes a directory, ${serveDefaults.place}`,
  );
}

/** The place with its scheme, so that it can be given to any command. */
function nameOf(scheme: 'oci:' | 'bundle:', place: string): string {
  return place.startsWith(scheme) ? printLocation(parseLocation(place)) : `${scheme}${place}`;
}

/** Bytes of its blob files; names that are none are not counted. */
async function bytesOfLayout(path: string): Promise<number> {
  const blobs = join(path, 'blobs');
  let bytes = 0;
  for (const algorithm of await readdir(blobs).catch((): string[] => [])) {
    for (const name of await readdir(join(blobs, algorithm)).catch((): string[] => [])) {
      if (!/^[0-9a-f]+$/.test(basename(name))) continue;
      bytes += await stat(join(blobs, algorithm, name)).then(
        ({ size }) => size,
        () => 0,
      );
    }
  }
  return bytes;
}

export interface ServedCount {
  /** Names with a tag, or what the store's index names otherwise. */
  readonly images: number;
  /** Sorted. */
  readonly registries: readonly string[];
}

/** How much a store names: undefined where it cannot tell. */
export async function countServed(store: Source): Promise<ServedCount | undefined> {
  const registries = new Set<string>();
  let images = 0;
  try {
    for await (const { repository } of store.indexed?.() ?? []) {
      images += 1;
      if (repository !== undefined) registries.add(repository.registry);
    }
  } catch (error) {
    if (isAirgapError(error)) return undefined;
    throw error;
  }
  return { images, registries: [...registries].sort() };
}

function sum(items: readonly { readonly size: number }[]): number {
  return items.reduce((bytes, { size }) => bytes + size, 0);
}
