/** Looks for ways out: whether anything answers that should not. */
import { limitTo } from '../async/limit.ts';
import type { Destination } from '../egress/destination.ts';
import type { Probed } from '../egress/verdict.ts';
import { Attempt, type Probing } from './attempt.ts';
import { mostAtOnce } from './check.ts';
import { speakUdp } from './datagrams.ts';
import { StepFailure } from './trail.ts';
import { isOffInternet, isSinkhole } from './unlikely-address.ts';

export interface Openings {
  /** How many places were tried. */
  readonly tried: number;
  /** Those that answered; `state` says how. */
  readonly open: readonly Probed[];
  /** Names to which a name server said an address of the internet: names leave the site, and whatever is written into them. */
  readonly resolved: readonly string[];
}

export interface Closing {
  readonly probing: Probing;
  /** `address port` of what is allowed: a name that leads there leads nowhere else. */
  readonly allowed: ReadonlySet<string>;
}

/**
 * A connection that is accepted counts, whoever accepts it, and so does a datagram that is answered: a firewall that lets the first
 * packets pass lets data pass with them. What leads to this host itself, or to what is allowed, does not.
 */
export async function findOpen(places: readonly Destination[], closing: Closing): Promise<Openings> {
  const limit = limitTo(mostAtOnce);
  const tried = await Promise.all(places.map((place) => limit(() => look(place, closing))));
  return {
    tried: places.length,
    open: tried.flatMap(({ open }) => open ?? []),
    resolved: [...new Set(tried.flatMap(({ resolved }) => resolved ?? []))].sort(),
  };
}

interface Look {
  readonly open?: Probed;
  readonly resolved?: string;
}

async function look(place: Destination, { probing, allowed }: Closing): Promise<Look> {
  const attempt = new Attempt(place, probing);
  let state: string | undefined;
  try {
    state = await answerOf(attempt, allowed);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
  } finally {
    await attempt.end();
  }
  const { addresses, trail } = attempt;
  const isNamed = addresses.some((address) => !isOffInternet(address)) && !addresses.includes(place.host);
  return {
    ...(isNamed && { resolved: place.host }),
    ...(state !== undefined && {
      open: { destination: place, verdict: 'open', state, notes: [], steps: trail.steps, addresses },
    }),
  };
}

async function answerOf(attempt: Attempt, allowed: ReadonlySet<string>): Promise<string | undefined> {
  const { port, protocol } = attempt.destination;
  if (attempt.proxy !== undefined) {
    await attempt.connect();
    return `the proxy ${attempt.proxy.url.host} connects`;
  }
  const found = await attempt.resolve();
  attempt.addresses = found.filter((address) => !isSinkhole(address) && !allowed.has(`${address} ${port}`));
  if (attempt.addresses.length === 0) return undefined;
  if (protocol === 'udp') return (await speakUdp(attempt)).text;
  await attempt.connect();
  const { detail = '' } = attempt.trail.steps.at(-1) ?? {};
  return `connection accepted (${detail})`;
}
