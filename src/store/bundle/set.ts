/**
 * What a bundle says about itself: `airgap/set.json`, the same in every volume of a set, and `airgap/volume.json`, its own in each.
 * A single file is a set of one volume. Format: docs/bundle-format.md.
 */
import type { Digest } from '../../oci/digest.ts';

/** Names of the entries a bundle has besides those of an OCI layout. */
export const entryNames = {
  set: 'airgap/set.json',
  signature: 'airgap/set.json.sig',
  volume: 'airgap/volume.json',
  lock: 'airgap.lock',
  /** Folder of ranges of blobs that are larger than a volume: `airgap/parts/sha256-<hex>.<start>`. */
  parts: 'airgap/parts/',
} as const;

/** A named file beside the layout: the lock, the Talos configuration. */
export interface SetFile {
  readonly name: string;
  readonly size: number;
  readonly digest: Digest;
}

/** Where bytes of a blob are: `length` bytes from `start` on, in volume `volume` (counted from 1). */
export interface SetPart {
  readonly volume: number;
  readonly start: number;
  readonly length: number;
}

export interface SetBlob {
  readonly digest: Digest;
  readonly size: number;
  /** In order of `start`, without gaps. One that covers the whole blob, unless the blob is larger than a volume. */
  readonly parts: readonly SetPart[];
}

/** A blob that is left out because the receiver has it. */
export interface BaseBlob {
  readonly digest: Digest;
  readonly size: number;
  /** Upstream repositories (`ghcr.io/siderolabs/kubelet`) of images that have it: where the receiver has it follows from its own naming. Sorted. */
  readonly upstream: readonly string[];
  /** Repositories at the receiver's registry that have it, as its receipt names them (`infra/siderolabs/kubelet`). Sorted. */
  readonly repositories: readonly string[];
}

export interface BundleSet {
  readonly version: 1;
  /** sha256, in hex, of the document without its id. Every volume of a set has the same. */
  readonly id: string;
  readonly volumes: number;
  /** Largest volume in bytes, as asked; undefined for a single file. */
  readonly volumeSize?: number;
  /** The release the images are for, as in `v1.14.4`, where that is known. */
  readonly talos?: string;
  /** `oci-layout`, `index.json`, `airgap.lock` and what else is named; the same in every volume. Sorted by name. */
  readonly files: readonly SetFile[];
  /** Every manifest; each is in every volume. Sorted by digest. */
  readonly manifests: readonly { readonly digest: Digest; readonly size: number }[];
  /** Configs and layers. Sorted by digest. */
  readonly blobs: readonly SetBlob[];
  /** What a delta expects at the receiver; empty for a bundle that is complete. Sorted by digest. */
  readonly base: readonly BaseBlob[];
}

/** A set's id as people are shown it, and as the names of its volumes have it: the first eight digits. */
export function shortSetId(id: string): string {
  return id.slice(0, 8);
}

/** What one volume says of itself. */
export interface BundleVolume {
  readonly version: 1;
  /** Id of its set. */
  readonly set: string;
  /** Counted from 1. */
  readonly number: number;
  readonly volumes: number;
  /** Content of this volume alone, manifests left out. `checksum` is that of the bytes in this volume: of a whole blob its digest. Sorted by digest, then start. */
  readonly content: readonly {
    readonly digest: Digest;
    readonly start: number;
    readonly length: number;
    readonly checksum: Digest;
  }[];
}
