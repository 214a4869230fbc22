/** Several needs of one destination become one line. */
import {
  compareDestinations,
  type Destination,
  destinationKey,
  type EgressList,
  type Evidence,
} from '../destination.ts';

/** What one question (which images, which components) gives. */
export interface Needs {
  readonly destinations: readonly Destination[];
  readonly notes?: readonly string[];
}

/**
 * One list: of the same role, host, port and protocol there is one destination, needed when one of them is, with the purposes and
 * the evidence of all. A condition stays where it counts for every one that makes it needed.
 */
export function mergeNeeds(parts: readonly Needs[]): EgressList {
  const found = new Map<string, Destination>();
  for (const destination of parts.flatMap(({ destinations }) => destinations)) {
    const key = destinationKey(destination);
    const known = found.get(key);
    found.set(key, known === undefined ? destination : joined(known, destination));
  }
  return {
    destinations: [...found.values()].sort(compareDestinations),
    notes: [...new Set(parts.flatMap(({ notes = [] }) => notes))],
  };
}

function joined(one: Destination, other: Destination): Destination {
  const [first, second] = one.required || !other.required ? [one, other] : [other, one];
  const counting = first.required === second.required ? [first.condition, second.condition] : [first.condition];
  const places = [...new Set([...(one.inPlaceOf ?? []), ...(other.inPlaceOf ?? [])])].sort();
  return {
    ...first,
    speaks: first.speaks === 'tcp' ? second.speaks : first.speaks,
    isRegistry: one.isRegistry || other.isRegistry,
    required: one.required || other.required,
    condition: conditionOf(counting),
    purposes: [...new Set([...one.purposes, ...other.purposes])].sort(),
    component: one.component === 'site' ? other.component : one.component,
    evidence: distinct([...one.evidence, ...other.evidence]),
    inPlaceOf: places.length === 0 ? undefined : places,
    alternatives: one.alternatives === other.alternatives ? one.alternatives : undefined,
    exfiltration: one.exfiltration ?? other.exfiltration,
    through: one.through ?? other.through,
    seen: first.seen ?? second.seen,
  };
}

/** Where one of them has none, the destination is needed whatever the others say. */
function conditionOf(conditions: readonly (string | undefined)[]): string | undefined {
  const said = conditions.filter((condition) => condition !== undefined);
  return said.length < conditions.length ? undefined : [...new Set(said)].join('; ');
}

function distinct(evidence: readonly Evidence[]): Evidence[] {
  const keyed = new Map(evidence.map((one) => [JSON.stringify(one), one]));
  return [...keyed.values()];
}
