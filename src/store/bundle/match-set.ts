/** Whether a tar is what its own documents say: every entry named by the set, in its size, and nothing else. */
import type { Digest } from '../../oci/digest.ts';
import { quoteText } from '../../oci/quote.ts';
import { entryNameOf } from './packing.ts';
import { copyAgainHint, refused } from './refuse.ts';
import { type BundleSet, type BundleVolume, entryNames } from './set.ts';
import type { TarFile } from './tar-file.ts';
import { manifestEntryName } from './volume-layout.ts';

/** Throws ERR_INPUT_INVALID unless the tar is volume `volume.number` of the set, whole. What the bytes of content are is not looked at. */
export function matchSet(tar: TarFile, { set, volume }: { set: BundleSet; volume: BundleVolume }): void {
  if (volume.set !== set.id || volume.volumes !== set.volumes) {
    throw refused(tar.path, 'belongs to another set than the rest of the file', { entry: entryNames.volume });
  }
  matchContent(tar, { set, volume });
  const expected = expectedEntries(set, volume.number);
  for (const [name, size] of expected) {
    const place = tar.entries.get(name);
    if (place === undefined && tar.isCutShort) continue;
    if (place === undefined) throw refused(tar.path, 'is missing', { entry: name, hint: copyAgainHint });
    if (size !== undefined && place.size !== size) {
      throw refused(tar.path, `has ${place.size} bytes where its set says ${size}`, { entry: name });
    }
  }
  for (const name of tar.entries.keys()) {
    if (!expected.has(name) && name !== entryNames.signature) {
      throw refused(tar.path, 'is not named by its set', { entry: name });
    }
  }
}

/** Names and sizes of a volume's entries, without the signature. The size of its own documents is not said anywhere. */
function expectedEntries(set: BundleSet, number: number): Map<string, number | undefined> {
  const expected = new Map<string, number | undefined>([
    [entryNames.set, undefined],
    [entryNames.volume, undefined],
  ]);
  for (const { name, size } of set.files) expected.set(name, size);
  for (const { digest, size } of set.manifests) expected.set(manifestEntryName(digest), size);
  for (const blob of set.blobs) {
    for (const part of blob.parts) if (part.volume === number) expected.set(entryNameOf(blob, part), part.length);
  }
  return expected;
}

/** The volume's list of its content must be what the set says of that number. */
function matchContent(tar: TarFile, { set, volume }: { set: BundleSet; volume: BundleVolume }): void {
  const content = volume.content[Symbol.iterator]();
  for (const blob of set.blobs) {
    for (const part of blob.parts) {
      if (part.volume !== volume.number) continue;
      const said = content.next().value;
      const isSame = said?.digest === blob.digest && said.start === part.start && said.length === part.length;
      const isWhole = part.length === blob.size;
      if (isSame && (!isWhole || said.checksum === blob.digest)) continue;
      throw notOfNumber(tar, { volume, digest: blob.digest });
    }
  }
  const more = content.next().value;
  if (more !== undefined) throw notOfNumber(tar, { volume, digest: more.digest });
}

function notOfNumber(tar: TarFile, { volume, digest }: { volume: BundleVolume; digest: Digest }) {
  const state = `says something else of ${quoteText(digest)} than the set says of volume ${volume.number}`;
  return refused(tar.path, state, { entry: entryNames.volume });
}
