/** `airgap/set.json` and `airgap/volume.json` as text: one item a line, fields always in the same order, so that the same content is the same bytes. Pure. */
import { createHash } from 'node:crypto';
import type { Digest } from '../../oci/digest.ts';
import type { BundleSet, BundleVolume } from './set.ts';

/** A set before its id is known. */
export type SetDraft = Omit<BundleSet, 'id'>;

type VolumeContent = BundleVolume['content'][number];

/** The id of a set: sha256, in hex, of the document printed without the line of its id. */
export function setIdOf(set: SetDraft): string {
  return createHash('sha256').update(document(set, [])).digest('hex');
}

/** `airgap/set.json`. */
export function printSet(set: BundleSet): string {
  return document(set, [['id', set.id]]);
}

/** `airgap/volume.json`. */
export function printVolume(volume: BundleVolume): string {
  const { set, number, volumes, content } = volume;
  return printObject([
    ['version', 1],
    ['set', set],
    ['number', number],
    ['volumes', volumes],
    ['content', content.map(contentItem)],
  ]);
}

/** Bytes that one more item makes `airgap/volume.json` longer, at most. */
export function contentItemSize(item: VolumeContent): number {
  return JSON.stringify(contentItem(item)).length + itemFrame;
}

/** Indentation, comma and line feed around an item. */
const itemFrame = 6;

/** The checksum of bytes that are not there yet: as long as the one that will be. */
export const unknownChecksum = `sha256:${'0'.repeat(64)}` as Digest;

function contentItem({ digest, start, length, checksum }: VolumeContent): object {
  return { digest, start, length, checksum };
}

function document(set: SetDraft, id: readonly (readonly [string, string])[]): string {
  return printObject([
    ['version', set.version],
    ...id,
    ['volumes', set.volumes],
    ...(set.volumeSize === undefined ? [] : [['volumeSize', set.volumeSize] as const]),
    ...(set.talos === undefined ? [] : [['talos', set.talos] as const]),
    ['files', set.files.map(({ name, size, digest }) => ({ name, size, digest }))],
    ['manifests', set.manifests.map(({ digest, size }) => ({ digest, size }))],
    ['blobs', set.blobs.map(blobItem)],
    ['base', set.base.map(({ digest, size, upstream, repositories }) => ({ digest, size, upstream, repositories }))],
  ]);
}

function blobItem({ digest, size, parts }: BundleSet['blobs'][number]): object {
  return { digest, size, parts: parts.map(({ volume, start, length }) => ({ volume, start, length })) };
}

type Member = readonly [string, number | string | readonly object[]];

function printObject(members: readonly Member[]): string {
  const lines = members.map(([name, value]) => `  ${JSON.stringify(name)}: ${printValue(value)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function printValue(value: Member[1]): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value.length === 0) return '[]';
  return `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
}
