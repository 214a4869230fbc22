/** What the first two rooms give: what was asked for, and what it turned out to be. */

import type { RequestedImage } from '../input/requested.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';
import type { Tag } from '../oci/reference.ts';

/** A tag that is written beside an image because it belongs to it. */
export interface TagAssignment {
  readonly tag: Tag;
  readonly digest: Digest;
  /** `image`: what was asked for. `signature`: `sha256-<hex>.sig|.att|.sbom` or the referrers fallback `sha256-<hex>`. */
  readonly role: 'image' | 'signature';
}

/** What was found when signatures were looked for. "None found" and "could not ask" are different results. */
export type SignatureSearch =
  | { readonly status: 'found'; readonly count: number }
  | { readonly status: 'none' }
  | { readonly status: 'not-asked' }
  | { readonly status: 'failed'; readonly reason: string };

/** A manifest that points at another one and was listed by the source's referrers API. A target without that API needs it under the referrers tag. */
export interface Referrer {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/** Something the reader of a plan should know about an image that is no error. */
export interface Notice {
  readonly kind: 'foreign-layer' | 'platform-missing' | 'narrowed' | 'sparse' | 'sparse-refused' | 'signatures-unknown';
  readonly message: string;
}

export interface ResolvedImage extends RequestedImage {
  /** What the tag or digest stands for upstream, or with narrowing the one platform's manifest. */
  readonly root: Descriptor;
  /** Every manifest to be copied, signatures and referrers included; what a manifest names comes before it. */
  readonly manifests: readonly ManifestDocument[];
  /** Config and layers of all those manifests, each digest once. Foreign layers are not among them unless asked for. */
  readonly blobs: readonly Descriptor[];
  /** Empty for an image asked by digest alone and without signatures. */
  readonly tags: readonly TagAssignment[];
  readonly signatures: SignatureSearch;
  readonly notices: readonly Notice[];
  /** Children of the index left out on purpose because of --platform. */
  readonly omitted: readonly Descriptor[];
  /** The upstream digest when narrowing made `root` differ from it. */
  readonly narrowedFrom?: Digest;
  /** What the referrers API of the source listed; sorted by subject, then digest. Absent when nothing was. */
  readonly referrers?: readonly Referrer[];
}

/** An image that the lock of an earlier run vouches for and whose tag still has the same digest at both ends: nothing to do. */
export interface UnchangedImage extends RequestedImage {
  readonly root: Descriptor;
}

export interface PlatformWish {
  readonly platforms: readonly Platform[];
  /** Tag the one platform's own manifest instead of the index. */
  readonly narrow: boolean;
  /** A wanted platform that an image lacks is an error. */
  readonly require: boolean;
}
