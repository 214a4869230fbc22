/** Where everything is in one volume: it follows from the set alone, before the first byte is there. Pure. */
import { algorithmOf, type Digest, hexOf } from '../../oci/digest.ts';
import { entryNameOf } from './packing.ts';
import { printSet, printVolume, unknownChecksum } from './print-set.ts';
import { type BundleSet, type BundleVolume, entryNames, shortSetId } from './set.ts';
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
  const facts = factsOf(set);
  const parts = facts.parts[volume.number - 1] ?? [];
  let position = 0;
  const place = (name: string, size: number): VolumeEntry => {
    const header = position;
    const offset = header + headerSize(name);
    position = offset + paddedSize(size);
    return { name, size, header, offset };
  };
  const text = volumeText(set, { number: volume.number, checksumOf: () => unknownChecksum });
  const document = { name: entryNames.volume, size: Buffer.byteLength(text) };
  const signature = volume.signed ? [{ name: entryNames.signature, size: signatureLimit }] : [];
  const named = [...facts.first, ...signature, document, ...facts.rest];
  const head = named.map(({ name, size }) => place(name, size));
  const segments = parts.map((part) => ({ ...part, ...place(part.name, part.size) }));
  return { number: volume.number, size: position + endSize, head, segments };
}

/** `airgap/volume.json`; `checksumOf` gives that of a range. */
export function volumeText(
  set: BundleSet,
  volume: { readonly number: number; readonly checksumOf: (digest: Digest, start: number) => Digest },
): string {
  const { number, checksumOf } = volume;
  const content = (factsOf(set).parts[number - 1] ?? [])
    .map(({ digest, start, size: length, blobSize }): BundleVolume['content'][number] => {
      return { digest, start, length, checksum: length === blobSize ? digest : checksumOf(digest, start) };
    })
    .sort((a, b) => compare(a.digest, b.digest) || a.start - b.start);
  return printVolume({ version: 1, set: set.id, number, volumes: set.volumes, content });
}

/** The name of a volume's file in its directory. */
export function volumeFileName(set: BundleSet, number: number): string {
  const padded = String(number).padStart(String(set.volumes).length, '0');
  return `airgap-${shortSetId(set.id)}-${padded}of${set.volumes}.tar`;
}

export function manifestEntryName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

interface NamedSize {
  readonly name: string;
  readonly size: number;
}

type Part = Pick<Segment, 'name' | 'size' | 'digest' | 'blobSize' | 'start'>;

/** What all volumes of a set share, worked out once. */
interface SetFacts {
  /** What a reader that goes from front to back needs first. */
  readonly first: readonly NamedSize[];
  /** Named files and manifests. */
  readonly rest: readonly NamedSize[];
  /** Of each volume: whole blobs, largest first, and then ranges. */
  readonly parts: readonly (readonly Part[])[];
}

const known = new WeakMap<BundleSet, SetFacts>();

function factsOf(set: BundleSet): SetFacts {
  const facts = known.get(set) ?? workOut(set);
  known.set(set, facts);
  return facts;
}

function workOut(set: BundleSet): SetFacts {
  const layoutFiles = ['oci-layout', 'index.json'];
  const first = layoutFiles.flatMap((name) => set.files.filter((file) => file.name === name));
  const parts: Part[][] = Array.from({ length: set.volumes }, () => []);
  for (const blob of set.blobs) {
    for (const { volume, start, length } of blob.parts) {
      const name = entryNameOf(blob, { start, length });
      parts[volume - 1]?.push({ name, size: length, digest: blob.digest, blobSize: blob.size, start });
    }
  }
  return {
    first: [...first, { name: entryNames.set, size: Buffer.byteLength(printSet(set)) }],
    rest: [
      ...set.files.filter((file) => !layoutFiles.includes(file.name)),
      ...set.manifests.map(({ digest, size }) => ({ name: manifestEntryName(digest), size })),
    ],
    parts: parts.map((ofOne) => ofOne.sort(compareParts)),
  };
}

function compareParts(a: Part, b: Part): number {
  const isRange = (part: Part) => (part.size === part.blobSize ? 0 : 1);
  return isRange(a) - isRange(b) || b.size - a.size || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
