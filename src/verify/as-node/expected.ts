/** Which images nodes will ask for, by which name, and what is known of them. */
import type { Lock, LockedImage } from '../../lock/lock.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Reference, RepositoryName } from '../../oci/reference.ts';
import { printAsked, type Retag } from '../../oci/retag.ts';

export interface NodeImage {
  /** As nodes name it. */
  readonly image: Reference;
  /** What is mirrored to have it, and that as it was asked for, printed. */
  readonly source: Reference;
  readonly asked: string;
  /** Its repository at the target, where that is a registry: `/v2/REPOSITORY/…` is where it is. */
  readonly repository?: string;
  /** What its name has to stand for; undefined: anything. */
  readonly digest?: Digest;
  /** Children left out on purpose. */
  readonly omitted: ReadonlySet<Digest>;
  /** `found`: there is one, of whatever kind; `tagged`: one under a tag that nodes look for. */
  readonly signatures: 'found' | 'tagged' | 'unknown';
}

/** The images of a lock with what they stood for. */
export function imagesOfLock(lock: Lock): NodeImage[] {
  const isRegistry = lock.rule.naming !== 'keep';
  return lock.images.map((image) => {
    const { source, target, retag, digest, omitted } = image;
    const asked = printAsked({ reference: source, retag });
    const name = byTag(nameOf({ source, target, retag }), image.tags);
    const known = { digest, omitted: new Set(omitted), signatures: signaturesOf(image) };
    return { image: name, source, asked, ...(isRegistry && { repository: target.repository }), ...known };
  });
}

/** Images of which only the name is known. */
export function imagesOfPlaces(
  images: readonly {
    readonly source: Reference;
    readonly target: RepositoryName;
    readonly retag?: Retag | undefined;
  }[],
): NodeImage[] {
  return images.map((placed) => ({
    image: nameOf(placed),
    source: placed.source,
    asked: printAsked({ reference: placed.source, retag: placed.retag }),
    omitted: new Set<Digest>(),
    signatures: 'unknown',
  }));
}

/** One that lives elsewhere than the rule says is asked for by the name it has there; every other by its own. */
function nameOf(placed: {
  readonly source: Reference;
  readonly target: RepositoryName;
  readonly retag?: Retag | undefined;
}): Reference {
  const { source, target, retag } = placed;
  if (retag === undefined) return source;
  const { registry, repository } = target;
  if (retag.tag !== undefined) return { registry, repository, tag: retag.tag };
  return { ...source, registry, repository };
}

/**
 * A name with tag and digest is asked for by the tag where the lock has it: nodes name most images by tags, and what it has to stand for
 * is known. Their content is asked for by digest in any case.
 */
function byTag(name: Reference, tags: LockedImage['tags']): Reference {
  const { registry, repository, tag, digest } = name;
  const stands = tags.some((entry) => entry.role === 'image' && entry.tag === tag);
  return tag === undefined || digest === undefined || !stands ? name : { registry, repository, tag };
}

function signaturesOf({ signatures, digest, tags }: LockedImage): NodeImage['signatures'] {
  if (signatures !== 'found') return 'unknown';
  const name = `${digest.replace(':', '-')}.sig`;
  return tags.some(({ tag, role }) => role === 'signature' && tag === name) ? 'tagged' : 'found';
}
