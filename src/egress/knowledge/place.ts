/** Makes destinations of somebody's list out of what is known. */
import { type Destination, type Evidence, isWildcard, type Role } from '../destination.ts';
import type { ExactHost, KnownDestination } from './known.ts';
import { exfiltrationOf } from './shared-domains.ts';

export interface PlaceOptions {
  readonly role: Role;
  /** The vendors' own wildcards in place of the exact hosts that are known. */
  readonly wildcards: boolean;
  /** In place of what the knowledge base says it is for. */
  readonly purpose?: string | undefined;
}

/** Of those that this role connects to; in the order given, nothing merged. */
export function toDestinations(known: readonly KnownDestination[], options: PlaceOptions): Destination[] {
  return known.filter(({ who }) => who.includes(options.role)).flatMap((entry) => placed(entry, options));
}

function placed(known: KnownDestination, options: PlaceOptions): Destination[] {
  const { exact = [] } = known;
  if (options.wildcards || exact.length === 0) return [destinationOf(known, options)];
  return exact.map((host) => exactly(destinationOf(known, options), host));
}

function exactly(destination: Destination, { host, sources, condition }: ExactHost): Destination {
  const conditions = [destination.condition, condition].filter((text) => text !== undefined);
  return {
    ...destination,
    host,
    condition: conditions.length === 0 ? undefined : conditions.join('; '),
    evidence: documents(sources),
    inPlaceOf: [destination.host],
    exfiltration: exfiltrationOf(host),
  };
}

function destinationOf(known: KnownDestination, { role, purpose }: PlaceOptions): Destination {
  const { host, port, protocol, speaks, required, condition, component, alternatives } = known;
  return {
    role,
    host,
    port,
    protocol,
    speaks,
    isRegistry: known.duty === 'registry' && !isWildcard(host),
    required,
    condition,
    purposes: [purpose ?? known.purpose],
    component,
    alternatives,
    evidence: documents(known.sources),
    exfiltration: exfiltrationOf(host),
  };
}

function documents(sources: readonly string[]): Evidence[] {
  return sources.map((source) => ({ kind: 'document', source }));
}
