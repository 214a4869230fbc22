/**
 * The order for the link. The longest transfers start early, so that the end of a run is not one big layer; small blobs do not wait
 * behind large ones, because some workers prefer them; and they keep the order of their images, so that images finish one after the other.
 */
import type { BlobWork } from './work.ts';

/** Blobs from this size on count as large, in bytes. */
export const largeFrom = 4 * 1024 * 1024;

/** What one upstream host has to give. */
export class HostQueue {
  readonly #large: BlobWork[];
  readonly #small: BlobWork[];

  constructor(blobs: readonly BlobWork[]) {
    this.#large = blobs.filter(isLarge).sort((a, b) => a.descriptor.size - b.descriptor.size);
    this.#small = blobs.filter((blob) => !isLarge(blob)).reverse();
  }

  get length(): number {
    return this.#large.length + this.#small.length;
  }

  /** The largest left, or the small one whose turn it is; whichever is preferred and there. */
  next(prefer: 'large' | 'small'): BlobWork | undefined {
    return prefer === 'large' ? (this.#large.pop() ?? this.#small.pop()) : (this.#small.pop() ?? this.#large.pop());
  }
}

/** Every fourth worker, but not the only one, takes small blobs first. */
export function preferenceOf(worker: number): 'large' | 'small' {
  return worker % 4 === 1 ? 'small' : 'large';
}

/** Splits work by the host it comes from. */
export function byHost(blobs: readonly BlobWork[]): Map<string, BlobWork[]> {
  const hosts = new Map<string, BlobWork[]>();
  for (const blob of blobs) {
    const host = blob.from[0]?.registry ?? '';
    const known = hosts.get(host);
    if (known === undefined) hosts.set(host, [blob]);
    else known.push(blob);
  }
  return hosts;
}

function isLarge(blob: BlobWork): boolean {
  return blob.descriptor.size >= largeFrom;
}
