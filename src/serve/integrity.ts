/** Stored bytes are checked before they are served. */
import type { Digest } from '../oci/digest.ts';

/** A stored blob that is not what its digest says. */
export interface ServeProblem {
  readonly digest: Digest;
  readonly kind: 'corrupt' | 'short';
  /** One line for the operator, without a path. */
  readonly message: string;
}
