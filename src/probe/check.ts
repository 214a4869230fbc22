/** Tries all destinations of a list, and says of each what is wrong with it itself. */
import { limitTo } from '../async/limit.ts';
import { covers, type Destination, printPlace } from '../egress/destination.ts';
import type { Probed } from '../egress/verdict.ts';
import type { Probing } from './attempt.ts';
import { probeDestination } from './destination.ts';

export interface Checked {
  /** In the order of the destinations. */
  readonly destinations: readonly Probed[];
  /** One line each, no full stop; may hold words of strangers. */
  readonly notes: readonly string[];
}

/** So many at once that a list takes hardly longer than its slowest line; each is a few packets. */
export const mostAtOnce = 64;

/** Rejects only with the reason of the signal. */
export async function checkAll(destinations: readonly Destination[], probing: Probing): Promise<Checked> {
  const limit = limitTo(mostAtOnce);
  const tried = await Promise.all(
    destinations.map((destination) => limit(() => probeDestination(destination, probing))),
  );
  return { destinations: tried.map((probed) => withCause(probed, tried)), notes: unlistedTokenServices(tried) };
}

/**
 * What could not be tried because a line of its own does not work is not known: a firewall that keeps one name server away shows one line
 * that is blocked, not all of them.
 */
function withCause(probed: Probed, all: readonly Probed[]): Probed {
  const { missing, destination } = probed;
  if (missing === undefined) return probed;
  const isCause = ({ destination: other, verdict }: Probed): boolean => {
    if (verdict === 'open' || verdict === 'unknown' || other === destination) return false;
    // What is required is missed, and something required has to say so.
    if (destination.required && !other.required) return false;
    return missing.kind === 'names' ? other.speaks === 'dns' : printPlace(other) === missing.place;
  };
  const cause = all.find(isCause);
  if (cause === undefined) return probed;
  const what = missing.kind === 'names' ? 'no name server answers' : `the proxy ${missing.place ?? ''} cannot be used`;
  const hint = `first ${printPlace(cause.destination)}/${cause.destination.protocol}`;
  return { ...probed, verdict: 'unknown', state: `not tried: ${what}`, hint };
}

/** Where registries send clients for a token, and nobody thought of. */
function unlistedTokenServices(all: readonly Probed[]): string[] {
  const notes = all.flatMap(({ tokenService, destination }) => {
    if (tokenService === undefined) return [];
    const { host, port } = tokenService;
    const isListed = all.some(
      ({ destination: other }) => other.port === port && other.protocol === 'tcp' && covers(other.host, host),
    );
    if (isListed) return [];
    return [
      `${printPlace(destination)} sends clients to ${printPlace(tokenService)} for a token, and that is not in the list`,
    ];
  });
  return [...new Set(notes)];
}
