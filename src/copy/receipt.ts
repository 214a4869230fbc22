/** What happened in this run: the noun the copier gives. */
import type { AirgapError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import type { ResolvedImage } from '../resolve/resolved.ts';

/** `copied`: its bytes came from upstream. `mounted`: taken from another repository of the target. `present`: it was there already. */
export type Outcome = 'copied' | 'mounted' | 'present';

export type ImageReceipt =
  | { readonly status: 'complete'; readonly image: ResolvedImage; readonly outcomes: ReadonlyMap<Digest, Outcome> }
  | { readonly status: 'failed'; readonly image: ResolvedImage; readonly error: AirgapError };

export interface CopyTotals {
  readonly copiedBlobs: number;
  readonly copiedBytes: number;
  readonly mountedBlobs: number;
  readonly mountedBytes: number;
  readonly presentBlobs: number;
  readonly presentBytes: number;
  readonly manifests: number;
  /** Bytes read from upstream, repeated ones included. */
  readonly fetchedBytes: number;
}

export interface Receipt {
  /** In the plan's order. */
  readonly images: readonly ImageReceipt[];
  readonly totals: CopyTotals;
}
