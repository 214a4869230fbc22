/** What the independent witness found: the noun of the verify room. */
import type { Digest } from '../oci/digest.ts';

export type FindingKind =
  | 'tag-missing'
  | 'tag-differs'
  | 'manifest-missing'
  | 'blob-missing'
  | 'size-differs'
  | 'content-differs'
  | 'unreachable';

export interface Finding {
  /** The image as it was asked for: its upstream reference, with `=> REPOSITORY[:TAG]` for one with a place of its own. */
  readonly image: string;
  /** Repository at the target, `host/path`. */
  readonly repository: string;
  readonly kind: FindingKind;
  readonly digest?: Digest;
  /** One line: what is missing or wrong. */
  readonly message: string;
  /** The command that repairs it. */
  readonly repair: string;
  /** What helps first, where the target could not be asked. */
  readonly hint?: string;
}

export interface Verification {
  readonly images: number;
  readonly manifests: number;
  readonly blobs: number;
  /** Sizes of the blobs added up; with `deep` these bytes were read and hashed. */
  readonly bytes: number;
  readonly deep: boolean;
  /** Sorted by image, then digest. */
  readonly findings: readonly Finding[];
  /** `repository:tag` at the target that the lock does not know; empty when it was not asked. */
  readonly extras: readonly string[];
  /** Why the catalog could not be read, where it was asked for. */
  readonly catalogNote?: string;
}
