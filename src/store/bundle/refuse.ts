/** How a bundle that cannot be trusted is refused: the file, the entry, the reason. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';

/** ERR_INPUT_INVALID for a file of a bundle, or one entry in it. `path` is shown whole, `state` completes the sentence. */
export function refused(
  path: string,
  state: string,
  about: { readonly entry?: string | undefined; readonly hint?: string | undefined; readonly cause?: unknown } = {},
): AirgapError {
  const entry = about.entry === undefined ? '' : `entry ${quoteText(about.entry)} `;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read bundle ${quoteText(path, 400)}: ${entry}${state}`, {
    hint: about.hint,
    cause: about.cause,
  });
}

/** What to do about a file that is damaged. */
export const copyAgainHint = 'copy the file again from where it was written';

/** What to do about an archive of docker save: it has links, and no OCI layout unless Docker is new. */
export const dockerArchiveHint =
  'if docker save made it, pack the image as an OCI layout: skopeo copy docker-archive:FILE oci-archive:NEW';
