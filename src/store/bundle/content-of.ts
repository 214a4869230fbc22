/** What lies where in the files of a bundle: its content by digest. */
import { type Digest, isDigest } from '../../oci/digest.ts';
import type { OpenedVolume } from './open-volume.ts';
import { entryNameOf } from './packing.ts';
import { type Piece, placeInTar, type ShelvedContent } from './read-shelf.ts';
import { refused } from './refuse.ts';
import type { BundleSet } from './set.ts';
import type { TarFile } from './tar-file.ts';
import { manifestEntryName } from './volume-layout.ts';

/** All content of a set, with places for what is in `volumes`: at least one. */
export function contentOfSet(set: BundleSet, volumes: readonly OpenedVolume[]): Map<Digest, ShelvedContent> {
  const content = new Map<Digest, ShelvedContent>();
  const tars = new Map(volumes.map(({ volume, tar }) => [volume.number, tar]));
  const [first] = volumes;
  for (const { digest, size } of set.manifests) {
    const piece: Piece = { volume: first?.volume.number ?? 1, start: 0, length: size };
    piece.place = placeOf(first?.tar, manifestEntryName(digest));
    content.set(digest, { digest, size, pieces: [piece] });
  }
  for (const blob of set.blobs) {
    const { digest, size } = blob;
    const pieces = blob.parts.map((part) => ({
      ...part,
      place: placeOf(tars.get(part.volume), entryNameOf(blob, part)),
    }));
    content.set(digest, { digest, size, pieces });
  }
  return content;
}

function placeOf(tar: TarFile | undefined, name: string) {
  const place = tar?.entries.get(name);
  return tar === undefined || place === undefined ? undefined : placeInTar(tar, place.offset);
}

/** The blobs of a layout in a tar. Throws ERR_INPUT_INVALID for a file among them whose name is no digest. */
export function contentOfArchive(tar: TarFile): Map<Digest, ShelvedContent> {
  const content = new Map<Digest, ShelvedContent>();
  for (const [name, { offset, size }] of tar.entries) {
    if (!name.startsWith('blobs/')) continue;
    const digest = name.slice('blobs/'.length).replace('/', ':');
    if (!isDigest(digest)) {
      throw refused(tar.path, 'is no blob: its name is not sha256 or sha512 in lower-case hex', { entry: name });
    }
    const pieces = [{ volume: 1, start: 0, length: size, place: placeInTar(tar, offset) }];
    content.set(digest, { digest, size, pieces });
  }
  return content;
}
