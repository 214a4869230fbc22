/** What --from names was mirrored before: where images stand there that are not under their upstream names. */
import type { RequestedReference } from '../input/requested.ts';
import type { Lock } from '../lock/lock.ts';
import { keptPlace, placeRepository } from '../mirror/rule.ts';
import type { Tag } from '../oci/reference.ts';
import type { Location } from '../store/location.ts';
import { type OtherPlace, withOtherPlaces } from '../store/other-places.ts';
import type { Source } from '../store/store.ts';

/**
 * The same source. Retagged images are looked for at the place they were given as well, and where a registry was mirrored to by
 * registry, as a lock among the inputs says, all others below the name of theirs.
 */
export function mirroredSource(
  source: Source,
  known: {
    readonly from: Location | undefined;
    readonly requests: readonly RequestedReference[];
    readonly locks: readonly Lock[];
  },
): Source {
  const { from, requests, locks } = known;
  if (from === undefined) return source;
  const apart = from.kind === 'registry' ? locks.filter(({ rule }) => rule.naming === 'by-registry') : [];
  return withOtherPlaces(source, [...requests.flatMap(retaggedPlace), ...apart.flatMap(placesApart)]);
}

function retaggedPlace({ reference: upstream, retag }: RequestedReference): OtherPlace[] {
  if (retag === undefined) return [];
  const tags = upstream.tag === undefined || retag.tag === undefined ? [] : [[upstream.tag, retag.tag] as const];
  return [{ upstream, at: keptPlace({ source: upstream, retag }), tags: new Map(tags) }];
}

/** One for each repository. */
function placesApart({ images }: Lock): OtherPlace[] {
  const places = new Map<string, OtherPlace & { readonly tags: Map<Tag, Tag> }>();
  for (const { source: upstream, retag } of images) {
    if (retag !== undefined) continue;
    const at = placeRepository({ naming: 'by-registry', registry: upstream.registry, prefix: '' }, upstream);
    const place = places.get(at.repository) ?? { upstream, at, tags: new Map() };
    if (upstream.tag !== undefined) place.tags.set(upstream.tag, upstream.tag);
    places.set(at.repository, place);
  }
  return [...places.values()];
}
