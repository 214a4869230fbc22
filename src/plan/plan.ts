/** The plan: every node once, from where to where. What the target already has is a separate survey (`copy/survey.ts`). */
import type { Descriptor } from '../oci/descriptor.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { ResolvedImage, UnchangedImage } from '../resolve/resolved.ts';

/** One blob: fetched at most once, placed in each target repository that needs it. */
export interface PlannedBlob {
  readonly descriptor: Descriptor;
  /** Upstream repositories that have it, in the order they were asked for; the first is read, the others are a second chance. */
  readonly from: readonly RepositoryName[];
  /** Target repositories that need it, each once, in the order of the images. */
  readonly to: readonly RepositoryName[];
}

export interface Plan {
  /** Sorted by printed source reference. */
  readonly images: readonly ResolvedImage[];
  /** Images an earlier lock vouches for: nothing is done for them. */
  readonly unchanged: readonly UnchangedImage[];
  /** Each digest once, in the order images need them. */
  readonly blobs: readonly PlannedBlob[];
}
