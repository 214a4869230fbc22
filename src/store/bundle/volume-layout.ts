/** Where everything is in one volume: it follows from the set alone, before the first byte is there. Pure. */
import { algorithmOf, type Digest, hexOf } from '../../oci/digest.ts';
import { entryNameOf } from './packing.ts';
import { printSet, printVolume, unknownChecksum } from './print-set.ts';
import { type BundleSet, type BundleVolume, entryNames } from './set.ts';
import { blockSize } from './tar-fields.ts';
import { endSize, headerSize, paddedSize } from './tar-header.ts';

export interface VolumeEntry {
  readonly name: string;
  /** Bytes of content; of a signature the most it may have. */
  readonly size: number;
  /** Where its header begins, in bytes. */
  readonly header: number;
  /** Where its content begins. */
  readonly offset: number;
}

/** A blob, or a range of one, in a volume. */
export interface Segment extends VolumeEntry {
  readonly digest: Digest;
  readonly blobSize: number;
  /** First byte of the blob that is here; `size` says how many. */
  readonly start: number;
}

export interface VolumeLayout {
  readonly number: number;
  /** Bytes of the file. */
  readonly size: number;
  /** Everything but blobs: what the bundle says about itself, named files, manifests. */
  readonly head: readonly VolumeEntry[];
  readonly segments: readonly Segment[];
}

/** Bytes a signature may have: its entry is one block, whatever it turns out to be. */
export const signatureLimit = blockSize;

/** Lays out volume `number`. `signed` keeps a place for the signature. */
export function layOutVolume(
  set: BundleSet,
  volume: { readonly number: number; readonly signed: boolean },
): VolumeLayout {
  let position = 0;
  const place = (name: string, size: number): VolumeEntry => {
    const header = position;
    const offset = header + headerSize(name);
    position = offset + paddedSize(size);
    return { name, size, header, offset };
  };
  const head = headOf(set, volume).map(({ name, size }) => place(name, size));
  const segments = segmentsOf(set, volume.number).map((part) => ({ ...part, ...place(part.name, part.size) }));
  return { number: volume.number, size: position + endSize, head, segments };
}

/** `airgap/volume.json`; `checksumOf` gives that of a range. */
export function volumeText(
  set: BundleSet,
  volume: { readonly number: number; readonly checksumOf: (digest: Digest, start: number) => Digest },
): string {
  const content: BundleVolume['content'][number][] = [];
  for (const { digest, size, parts } of set.blobs) {
    for (const part of parts) {
      if (part.volume !== volume.number) continue;
      const { start, length } = part;
      content.push({ digest, start, length, checksum: length === size ? digest : volume.checksumOf(digest, start) });
    }
  }
  return printVolume({ version: 1, set: set.id, number: volume.number, volumes: set.volumes, content });
}

/** The name of a volume's file in its directory. */
export function volumeFileName(set: BundleSet, number: number): string {
  const padded = String(number).padStart(String(set.volumes).length, '0');
  return `airgap-${set.id.slice(0, 8)}-${padded}of${set.volumes}.tar`;
}

export function manifestEntryName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

interface NamedSize {
  readonly name: string;
  readonly size: number;
}

/** The order in which a reader that goes from front to back needs them. */
function headOf(set: BundleSet, volume: { readonly number: number; readonly signed: boolean }): NamedSize[] {
  const first = (name: string) => set.files.filter((file) => file.name === name);
  const text = volumeText(set, { number: volume.number, checksumOf: () => unknownChecksum });
  return [
    ...first('oci-layout'),
    ...first('index.json'),
    { name: entryNames.set, size: Buffer.byteLength(printSet(set)) },
    ...(volume.signed ? [{ name: entryNames.signature, size: signatureLimit }] : []),
    { name: entryNames.volume, size: Buffer.byteLength(text) },
    ...set.files.filter((file) => file.name !== 'oci-layout' && file.name !== 'index.json'),
    ...set.manifests.map(({ digest, size }) => ({ name: manifestEntryName(digest), size })),
  ];
}

type Part = Pick<Segment, 'name' | 'size' | 'digest' | 'blobSize' | 'start'>;

/** Whole blobs, largest first, and then ranges. */
function segmentsOf(set: BundleSet, number: number): Part[] {
  const parts: Part[] = [];
  for (const blob of set.blobs) {
    for (const { volume, start, length } of blob.parts) {
      if (volume !== number) continue;
      const name = entryNameOf(blob, { start, length });
      parts.push({ name, size: length, digest: blob.digest, blobSize: blob.size, start });
    }
  }
  return parts.sort(compareParts);
}

function compareParts(a: Part, b: Part): number {
  const isRange = (part: Part) => (part.size === part.blobSize ? 0 : 1);
  return isRange(a) - isRange(b) || b.size - a.size || (a.name < b.name ? -1 : 1);
}
