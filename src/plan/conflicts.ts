/** Two references, one place: found before anything is written. */
import { AirgapError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { formatRepository, type Tag } from '../oci/reference.ts';
import { printAsked } from '../oci/retag.ts';
import type { ResolvedImage, UnchangedImage } from '../resolve/resolved.ts';
import { originTexts } from './origins.ts';

/** Most conflicts that one error shows. */
const mostShown = 50;

interface Claim {
  readonly image: UnchangedImage;
  readonly digest: Digest;
}

interface Conflict {
  readonly place: string;
  readonly one: Claim;
  readonly other: Claim;
}

/**
 * Throws ERR_MIRROR_CONFLICT when two references would give one tag of one target repository different digests, signature tags
 * included: every conflict at once, one per line after the first, with the documents that asked. The same digest is no conflict.
 * `unchanged` images keep their tags and may be in the way as well.
 */
export function checkConflicts(images: readonly ResolvedImage[], unchanged: readonly UnchangedImage[] = []): void {
  const claims = new Map<string, Claim>();
  const conflicts: Conflict[] = [];
  const claim = (tag: Tag, wanted: Claim): void => {
    const place = `${formatRepository(wanted.image.target)}:${tag}`;
    const holder = claims.get(place);
    if (holder === undefined) claims.set(place, wanted);
    else if (holder.digest !== wanted.digest) conflicts.push({ place, one: holder, other: wanted });
  };
  for (const image of unchanged) {
    if (image.target.tag !== undefined) claim(image.target.tag, { image, digest: image.root.digest });
  }
  for (const image of images) {
    for (const { tag, digest } of image.tags) claim(tag, { image, digest });
  }
  if (conflicts.length > 0) throw conflictError(conflicts);
}

function conflictError(conflicts: readonly Conflict[]): AirgapError {
  const sorted = [...conflicts].sort((one, other) => (one.place < other.place ? -1 : 1));
  const count = sorted.length === 1 ? 'one tag' : `${sorted.length} tags`;
  const lines = sorted.slice(0, mostShown).map(describe);
  const rest = sorted.length > mostShown ? [`  and ${sorted.length - mostShown} more`] : [];
  const summary = `Cannot place images at the target: ${count} would stand for two different images`;
  return new AirgapError('ERR_MIRROR_CONFLICT', [summary, ...lines, ...rest].join('\n'), {
    end: 'target',
    origins: originTexts(sorted.flatMap(({ one, other }) => [...one.image.origins, ...other.image.origins])),
    hint: sorted.every(partedByRegistry)
      ? 'keep the upstream registries apart with --prefix-by-registry, or leave out one of the two'
      : 'leave out one of the two',
  });
}

function partedByRegistry({ one, other }: Conflict): boolean {
  const isRetagged = one.image.retag !== undefined || other.image.retag !== undefined;
  return !isRetagged && one.image.reference.registry !== other.image.reference.registry;
}

function describe({ place, one, other }: Conflict): string {
  return `  ${place}: ${describeClaim(one)} and ${describeClaim(other)}`;
}

function describeClaim({ image, digest }: Claim): string {
  const origins = originTexts(image.origins).join(', ');
  return `${printAsked(image)} (${origins === '' ? '' : `${origins}, `}${digest})`;
}
