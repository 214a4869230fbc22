/** What was asked for: the noun of the first room. */
import type { Origin } from '../errors.ts';
import type { Reference } from '../oci/reference.ts';
import type { Retag } from '../oci/retag.ts';

export { type Origin, printOrigin } from '../errors.ts';

/** What was asked for and which lines of which documents asked. Asking twice is asking once. */
export interface RequestedReference {
  readonly reference: Reference;
  /** Where it is to live in place of where the rule would put it. */
  readonly retag?: Retag;
  readonly origins: readonly Origin[];
}

/** The same with the place where it is to live. */
export interface RequestedImage extends RequestedReference {
  /** Repository at the target; tag and digest as in `reference`, the tag of a retag as there. */
  readonly target: Reference;
}
