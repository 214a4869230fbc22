/** Another place for an image than the one the mirror's rule gives it, written `SOURCE => REPOSITORY[:TAG]`. */
import { AirgapError } from '../errors.ts';
import { quoteText } from './quote.ts';
import { isRepositoryPath, isTag, parseReference, printReference, type Reference, type Tag } from './reference.ts';

/** Where an image is put in place of where the rule would put it. */
export interface Retag {
  /** Path of the repository, without a host; below the target's prefix where it has one. */
  readonly repository: string;
  /** Absent where the image has no tag: it stands there by its digest alone. */
  readonly tag?: Tag;
}

/** An image as it was asked for. */
export interface AskedImage {
  readonly reference: Reference;
  readonly retag?: Retag | undefined;
}

const arrow = /=>|→/;

/** Whether a text is written as a retag. No reference and no usual file name has an arrow in it. */
export function hasArrow(text: string): boolean {
  return arrow.test(text);
}

/**
 * Reads `SOURCE` or `SOURCE => REPOSITORY[:TAG]`, with or without blanks around the arrow, which may be `→` as well. Without a tag
 * of its own the retag has that of the source. printAsked() gives text that reads back as the same. Throws ERR_REFERENCE_INVALID.
 */
export function parseAsked(text: string): AskedImage {
  const found = arrow.exec(text);
  if (found === null) return { reference: parseReference(text) };
  const isWhole = text.slice(0, found.index).trim() !== '' && text.slice(found.index + found[0].length).trim() !== '';
  if (!isWhole) throw invalid(text, 'something is missing beside the arrow', 'write SOURCE => REPOSITORY[:TAG]');
  const reference = parseReference(text.slice(0, found.index).trimEnd());
  const { repository, tag = reference.tag } = parseRetag(text.slice(found.index + found[0].length).trimStart());
  return { reference, retag: tag === undefined ? { repository } : { repository, tag } };
}

/** Reads `REPOSITORY[:TAG]`. Throws ERR_REFERENCE_INVALID with a hint. */
export function parseRetag(text: string): Retag {
  if (text.includes('@')) {
    throw invalid(
      text,
      'a digest stands in it',
      'leave out the digest: it is that of the image, and write REPOSITORY:TAG',
    );
  }
  const colon = text.indexOf(':');
  const repository = colon < 0 ? text : text.slice(0, colon);
  const tag = colon < 0 ? undefined : text.slice(colon + 1);
  if (tag !== undefined && (tag.includes('/') || text.startsWith('['))) {
    throw invalid(text, 'a host with a port stands in it', 'the host is that of --to: write the repository alone');
  }
  if (!isRepositoryPath(repository)) {
    throw invalid(
      text,
      'what stands before the tag is no repository',
      'write lower-case parts with "/" between them, as in web/front:1.29',
    );
  }
  if (tag === undefined) return { repository };
  if (!isTag(tag)) throw invalid(text, 'what stands after ":" is no tag', 'write it as in web/front:1.29');
  return { repository, tag };
}

/** `web/front:1.29`. */
export function printRetag({ repository, tag }: Retag): string {
  return tag === undefined ? repository : `${repository}:${tag}`;
}

/** `docker.io/library/nginx:1.29 => web/front:1.29`, or the reference alone: what tells images of one run apart. */
export function printAsked({ reference, retag }: AskedImage): string {
  const source = printReference(reference);
  return retag === undefined ? source : `${source} => ${printRetag(retag)}`;
}

function invalid(text: string, state: string, hint: string): AirgapError {
  return new AirgapError('ERR_REFERENCE_INVALID', `Cannot read place ${quoteText(text)}: ${state}`, { hint });
}
