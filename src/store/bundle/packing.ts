/**
 * Which bytes go into which volume. First-fit decreasing: the largest first, each into the first volume that has room. A blob that
 * is larger than a volume is cut into ranges that fill volumes, and what is left of it is packed like any other. Pure.
 */
import { algorithmOf, type Digest, hexOf } from '../../oci/digest.ts';
import { contentItemSize, unknownChecksum } from './print-set.ts';
import { entryNames, type SetBlob, type SetPart } from './set.ts';
import { blockSize } from './tar-fields.ts';
import { entrySize } from './tar-header.ts';

/** Most volumes of a set: more disks than anybody carries. */
export const mostVolumes = 9999;

export interface Packable {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

export interface Packed {
  readonly volumes: number;
  /** Sorted by digest. */
  readonly blobs: readonly SetBlob[];
}

/** The entry that holds a blob, or a range of one. */
export function entryNameOf(blob: Packable, part: { readonly start: number; readonly length: number }): string {
  const { digest, size } = blob;
  if (part.length === size) return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
  return `${entryNames.parts}${algorithmOf(digest)}-${hexOf(digest)}.${part.start}`;
}

/** A whole blob, or what is left of one. */
interface Item {
  readonly blob: Packable;
  readonly start: number;
  readonly length: number;
  /** Bytes it takes in a volume. */
  readonly cost: number;
}

/**
 * Packs blobs, each digest once, into volumes with `room` bytes for their entries. The same blobs are packed the same way in
 * whatever order they come. Undefined where volumes are too small for that, or too many are needed.
 */
export function packBlobs(blobs: readonly Packable[], room: number): Packed | undefined {
  const total = blobs.reduce((sum, { size }) => sum + size, 0);
  if (total > room * mostVolumes) return undefined;
  const cut = cutLarge([...blobs].sort(bySize), room);
  if (cut === undefined || cut.ranges.length > mostVolumes) return undefined;
  const free: number[] = cut.ranges.map((range) => room - range.cost);
  const parts = new Map<Digest, SetPart[]>(blobs.map(({ digest }) => [digest, []]));
  const place = (item: Item, volume: number) => {
    const { start, length } = item;
    parts.get(item.blob.digest)?.push({ volume: volume + 1, start, length });
  };
  cut.ranges.forEach(place);
  const fits = firstFit(free, room);
  for (const item of cut.items.sort(byCost)) {
    const taken = new Set(parts.get(item.blob.digest)?.map((part) => part.volume - 1));
    const volume = fits(item.cost, taken);
    if (volume === undefined) return undefined;
    place(item, volume);
  }
  const placed = blobs.map(({ digest, size }) => ({ digest, size, parts: (parts.get(digest) ?? []).sort(byStart) }));
  return { volumes: Math.max(1, free.length), blobs: placed.sort((a, b) => (a.digest < b.digest ? -1 : 1)) };
}

/** Ranges that fill a volume each, and everything else. */
function cutLarge(
  blobs: readonly Packable[],
  room: number,
): { readonly ranges: readonly Item[]; readonly items: Item[] } | undefined {
  const ranges: Item[] = [];
  const items: Item[] = [];
  for (const blob of blobs) {
    const whole = itemOf(blob, { start: 0, length: blob.size });
    if (whole.cost <= room) {
      items.push(whole);
      continue;
    }
    const step = blob.size === 0 ? 0 : largestRange(blob, room);
    if (step <= 0 || ranges.length + blob.size / step > mostVolumes + 1) return undefined;
    let start = 0;
    for (; blob.size - start > step; start += step) ranges.push(itemOf(blob, { start, length: step }));
    items.push(itemOf(blob, { start, length: blob.size - start }));
  }
  return { ranges, items };
}

/**
 * Bytes of a blob that a whole volume takes: full blocks, wherever in the blob they are. Less than all of them: a range costs a
 * little less than the whole does, as its line names no sha512, and what is cut has two parts at least.
 */
function largestRange(blob: Packable, room: number): number {
  const part = { start: blob.size, length: blob.size - 1 };
  const around = itemOf(blob, { ...part, length: 0 }).cost - contentItemSize(contentOf(blob, { ...part, length: 0 }));
  const most = Math.min(room - around - contentItemSize(contentOf(blob, part)), blob.size - 1);
  return Math.floor(most / blockSize) * blockSize;
}

/** Finds the first volume with room, or begins one. Undefined where nothing fits. */
function firstFit(free: number[], room: number): (cost: number, taken: ReadonlySet<number>) => number | undefined {
  let firstOpen = 0;
  return (cost, taken) => {
    while (firstOpen < free.length && (free[firstOpen] ?? 0) < 2 * blockSize) firstOpen += 1;
    let volume = firstOpen;
    while (volume < free.length && ((free[volume] ?? 0) < cost || taken.has(volume))) volume += 1;
    if (cost > room || volume >= mostVolumes) return undefined;
    free[volume] = (free[volume] ?? room) - cost;
    return volume;
  };
}

function itemOf(blob: Packable, part: { readonly start: number; readonly length: number }): Item {
  const cost = entrySize(entryNameOf(blob, part), part.length) + contentItemSize(contentOf(blob, part));
  return { blob, ...part, cost };
}

function contentOf(blob: Packable, part: { readonly start: number; readonly length: number }) {
  const checksum = part.length === blob.size ? blob.digest : unknownChecksum;
  return { digest: blob.digest, start: part.start, length: part.length, checksum };
}

function bySize(a: Packable, b: Packable): number {
  return b.size - a.size || (a.digest < b.digest ? -1 : 1);
}

function byCost(a: Item, b: Item): number {
  return b.cost - a.cost || (a.blob.digest < b.blob.digest ? -1 : 1);
}

function byStart(a: SetPart, b: SetPart): number {
  return a.start - b.start;
}
