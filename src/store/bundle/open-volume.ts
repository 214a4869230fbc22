/** One file of a bundle, looked through: its tar, what it says of itself, and that both agree. */
import type { Digest } from '../../oci/digest.ts';
import type { CallOptions } from '../store.ts';
import { matchSet } from './match-set.ts';
import { documentLimit, parseSet, parseVolume } from './parse-set.ts';
import { digestOfPlace, placeInTar } from './read-shelf.ts';
import { copyAgainHint, refused } from './refuse.ts';
import { type BundleSet, type BundleVolume, entryNames, type SetFile } from './set.ts';
import { openTar, type TarFile, type TarOpenOptions } from './tar-file.ts';
import { signatureLimit } from './volume-layout.ts';

/** Largest named file, in bytes. */
export const fileLimit = 64 * 1024 * 1024;

/** A set that was read from another volume: not read again where it stands in the same bytes. */
export interface KnownSet {
  readonly set: BundleSet;
  /** `airgap/set.json` as it stands there: what is signed. */
  readonly setBytes: Buffer;
}

/** A volume of a set: each document checked on its own and against the tar. */
export interface OpenedVolume extends KnownSet {
  readonly tar: TarFile;
  readonly signature: Uint8Array | undefined;
  readonly volume: BundleVolume;
}

/** A tar without our index: a layout that another tool packed. */
export interface OpenedArchive {
  readonly tar: TarFile;
  readonly set: undefined;
}

/** Throws ERR_INPUT_INVALID for whatever is not as it was written, but for the bytes of manifests and blobs: those are checked when they are read. */
export async function openVolume(
  path: string,
  options: TarOpenOptions & { readonly known?: KnownSet | undefined } = {},
): Promise<OpenedVolume | OpenedArchive> {
  const tar = await openTar(path, options);
  const setBytes = await tar.read(entryNames.set, documentLimit);
  if (setBytes === undefined) {
    refuseHalfBundle(tar);
    return { tar, set: undefined };
  }
  const set = options.known?.setBytes.equals(setBytes) === true ? options.known.set : parseSet(setBytes, path);
  const volumeBytes = await tar.read(entryNames.volume, documentLimit);
  if (volumeBytes === undefined) throw refused(path, 'is missing', { entry: entryNames.volume, hint: copyAgainHint });
  const volume = parseVolume(volumeBytes, path);
  matchSet(tar, { set, volume });
  for (const file of set.files) await checkFile(tar, file, options);
  const signature = await tar.read(entryNames.signature, signatureLimit);
  return { tar, set, setBytes, signature, volume };
}

function refuseHalfBundle(tar: TarFile): void {
  const own = [...tar.entries.keys()].find((name) => name.startsWith('airgap/'));
  if (own === undefined) return;
  throw refused(tar.path, `is there, and ${entryNames.set} is not`, { entry: own, hint: copyAgainHint });
}

async function checkFile(tar: TarFile, file: SetFile, options: CallOptions): Promise<void> {
  const { name, size, digest } = file;
  if (size > fileLimit) throw refused(tar.path, `has ${size} bytes, at most ${fileLimit} are read`, { entry: name });
  const actual = await digestOfEntry(tar, { name, digest, signal: options.signal });
  if (actual === undefined && tar.isCutShort) return;
  if (actual !== digest) {
    throw refused(tar.path, `is not as its set says: it has digest ${actual}`, { entry: name, hint: copyAgainHint });
  }
}

/** The digest of an entry, by the algorithm of `digest`; undefined when there is none of that name. */
export async function digestOfEntry(
  tar: TarFile,
  entry: { readonly name: string; readonly digest: Digest; readonly signal: AbortSignal | undefined },
): Promise<Digest | undefined> {
  const place = tar.entries.get(entry.name);
  if (place === undefined) return undefined;
  const { digest: like, signal } = entry;
  return digestOfPlace(placeInTar(tar, place.offset), { length: place.size, like, signal });
}
