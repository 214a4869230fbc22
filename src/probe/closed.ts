/** Looks for ways out: whether anything answers that should not. */
import { limitTo } from '../async/limit.ts';
import type { Destination } from '../egress/destination.ts';
import type { Probed } from '../egress/verdict.ts';
import { Attempt, type Probing } from './attempt.ts';
import { mostAtOnce } from './check.ts';
import { isWithoutRoute } from './connect.ts';
import { speakUdp } from './datagrams.ts';
import { ProxyRefused } from './http.ts';
import { codeOf, StepFailure } from './trail.ts';
import { isOffInternet, isSinkhole } from './unlikely-address.ts';

/**
 * What became of a place that did not answer. `silent`: nothing came in time. `refused`: somebody said no, a firewall or the host itself.
 * `without-route`: this host cannot send there. `without-name`: no name server here has an address for it, so that nothing was sent.
 * `led-elsewhere`: its name leads to what is allowed, or to this host itself, and nothing was sent either.
 */
export type Shut = 'silent' | 'refused' | 'without-route' | 'without-name' | 'led-elsewhere';
export const shuts = [
  'silent',
  'refused',
  'without-route',
  'led-elsewhere',
  'without-name',
] as const satisfies readonly Shut[];

export interface Openings {
  /** How many places were looked at; to those of `shut` under `without-name` and `led-elsewhere` nothing was sent. */
  readonly tried: number;
  /** What answered; `state` says how. A place that answers directly and through a proxy stands there for both. */
  readonly open: readonly Probed[];
  /** How many of the others ended how. */
  readonly shut: Readonly<Record<Shut, number>>;
  /** Names to which a name server said an address of the internet: names leave the site, and whatever is written into them. */
  readonly resolved: readonly string[];
}

export interface Closing {
  /** Without a proxy. */
  readonly probing: Probing;
  /** Where it gives a proxy for a place, that is tried through it too. Default: none. */
  readonly proxyFor?: Probing['proxyFor'] | undefined;
  /** `address port` of what is allowed: a name that leads there leads nowhere else. */
  readonly allowed: ReadonlySet<string>;
}

/**
 * A connection that is accepted counts, whoever accepts it, and so does a datagram that is answered: a firewall that lets the first
 * packets pass lets data pass with them. What leads to this host itself, or to what is allowed, does not.
 */
export async function findOpen(places: readonly Destination[], closing: Closing): Promise<Openings> {
  const limit = limitTo(mostAtOnce);
  const { probing, proxyFor = () => undefined } = closing;
  const looks = await Promise.all(
    places.map((place) => {
      const ways = proxyFor(place) === undefined ? [probing] : [probing, { ...probing, proxyFor }];
      return Promise.all(ways.map((way) => limit(() => look(place, { ...closing, probing: way }))));
    }),
  );
  const shut = { silent: 0, refused: 0, 'without-route': 0, 'without-name': 0, 'led-elsewhere': 0 };
  for (const ways of looks) {
    const end = endOfAll(ways);
    if (end !== undefined) shut[end] += 1;
  }
  return {
    tried: places.length,
    open: looks.flat().flatMap(({ ended }) => (typeof ended === 'string' ? [] : [ended])),
    shut,
    resolved: [...new Set(looks.flat().flatMap(({ resolved }) => resolved ?? []))].sort(),
  };
}

/** Of a place that was tried in several ways: how the first ended in which something was sent. Undefined where one was open. */
function endOfAll(ways: readonly Look[]): Shut | undefined {
  const ends = ways.flatMap(({ ended }) => (typeof ended === 'string' ? [ended] : []));
  if (ends.length < ways.length) return undefined;
  return ends.find((end) => end !== 'without-name' && end !== 'led-elsewhere') ?? ends[0];
}

interface Look {
  readonly ended: Probed | Shut;
  readonly resolved?: string;
}

async function look(place: Destination, { probing, allowed }: Pick<Closing, 'probing' | 'allowed'>): Promise<Look> {
  const attempt = new Attempt(place, probing);
  let ended: string | { readonly shut: Shut };
  try {
    ended = await answerOf(attempt, allowed);
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    ended = endOf(error, attempt);
  } finally {
    await attempt.end();
  }
  const { addresses, trail } = attempt;
  const isNamed = addresses.some((address) => !isOffInternet(address)) && !addresses.includes(place.host);
  const open = (state: string): Probed => {
    return { destination: place, verdict: 'open', state, notes: [], steps: trail.steps, addresses };
  };
  return {
    ended: typeof ended === 'string' ? open(ended) : ended.shut,
    ...(isNamed && { resolved: place.host }),
  };
}

/** An answer to a datagram that is none to the question is an answer all the same: whoever gave it took what was sent. */
function endOf(failure: StepFailure, { trail }: Attempt): string | { readonly shut: Shut } {
  const { verdict, message, cause } = failure;
  const step = trail.steps.at(-1)?.name;
  if (step === 'name') return { shut: 'without-name' };
  if (step === 'answer' && verdict === 'wrong answer') return message;
  if (isWithoutRoute(cause)) return { shut: 'without-route' };
  return { shut: codeOf(cause) === '' && !(failure instanceof ProxyRefused) ? 'silent' : 'refused' };
}

async function answerOf(attempt: Attempt, allowed: ReadonlySet<string>): Promise<string | { readonly shut: Shut }> {
  const { port, protocol } = attempt.destination;
  if (attempt.proxy !== undefined) {
    await attempt.connect();
    return `the proxy ${attempt.proxy.url.host} connects`;
  }
  const found = await attempt.resolve();
  attempt.addresses = found.filter((address) => !isSinkhole(address) && !allowed.has(`${address} ${port}`));
  if (attempt.addresses.length === 0) return { shut: 'led-elsewhere' };
  if (protocol === 'udp') return (await speakUdp(attempt)).text;
  await attempt.connect();
  const { detail = '' } = attempt.trail.steps.at(-1) ?? {};
  return `connection accepted (${detail})`;
}
