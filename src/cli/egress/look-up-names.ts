/** Which hosts of a list DNS can be asked for, what to use in place of the others, and asking. */
import { limitTo } from '../../async/limit.ts';
import {
  covers,
  type Destination,
  type EgressList,
  isAddress,
  isExactName,
  isPlaceholder,
  isWildcard,
} from '../../egress/destination.ts';
import { type LookUp, lookUp } from '../../probe/look-up.ts';
import { type NameServer, systemNameServers } from '../../probe/name-servers.ts';
import { usageError } from '../values.ts';
import type { EgressRun } from './run.ts';

/** A name of the list. */
export interface NameToAsk {
  readonly host: string;
  /** Of at least one destination. */
  readonly required: boolean;
}

/** What became of one name. */
export interface AskedName extends NameToAsk {
  readonly found: LookUp;
}

/** A host of the list that is not looked up. */
export interface NotAsked {
  readonly host: string;
  readonly kind: 'wildcard' | 'place' | 'address' | 'proxied';
  /** Why, in a few words. */
  readonly state: string;
  /** What to do or to use; undefined where there is nothing to do. */
  readonly instead?: string | undefined;
  /** Names of the list that a wildcard covers, or that stand in for it. */
  readonly exact?: readonly string[] | undefined;
}

/** Each host once, in the order of the list. */
export function namesOf(list: EgressList): { readonly names: NameToAsk[]; readonly others: NotAsked[] } {
  const { destinations } = list;
  const hosts = [...new Set(destinations.map(({ host }) => host))];
  const names: NameToAsk[] = [];
  const others: NotAsked[] = [];
  for (const host of hosts) {
    const direct = destinations.filter((one) => one.host === host && one.through === undefined);
    if (isExactName(host) && direct.length > 0) names.push({ host, required: direct.some(({ required }) => required) });
    else others.push(notAsked(host, destinations));
  }
  return { names, others };
}

function notAsked(host: string, destinations: readonly Destination[]): NotAsked {
  if (isWildcard(host)) {
    const exact = exactHosts(host, destinations);
    const state = 'a wildcard: DNS cannot list the names it covers';
    return { host, kind: 'wildcard', state, instead: inPlaceOfWildcards, ...(exact.length > 0 && { exact }) };
  }
  if (isPlaceholder(host)) {
    const option = { '<omni>': '--omni-host', '<name server>': '--dns' }[host];
    const instead = option === undefined ? 'add a rule of your own for it' : `name it with ${option}`;
    return { host, kind: 'place', state: 'no name: your site has to say which host it is', instead };
  }
  if (isAddress(host)) return { host, kind: 'address', state: 'an address already' };
  const proxy = destinations.find((one) => one.host === host)?.through ?? 'a proxy';
  return { host, kind: 'proxied', state: `looked up by the proxy ${proxy}` };
}

const inPlaceOfWildcards =
  'use --format dnsmasq, which fills its set as clients ask, or the exact hosts: those that are known (without --wildcards) and those that were contacted (--observed)';

function exactHosts(wildcard: string, destinations: readonly Destination[]): string[] {
  const exact = destinations
    .filter(({ host, inPlaceOf }) => isExactName(host) && (inPlaceOf?.includes(wildcard) || covers(wildcard, host)))
    .map(({ host }) => host);
  return [...new Set(exact)];
}

/** Those of --resolver, or of this machine. Throws ERR_USAGE where there is none. */
export function serversFor({ nameServers }: EgressRun['egress']): readonly NameServer[] {
  const servers = nameServers.length > 0 ? nameServers : systemNameServers();
  if (servers.length > 0) return servers;
  throw usageError('Cannot look names up: this machine has no name server', 'name one with --resolver 10.0.0.2');
}

/** Names looked up at the same time. */
const atOnce = 16;

/** When nobody answered for so many names, nobody is asked for the others: each would take its time. */
const mostSilent = atOnce;

/** Asks for all of them, some at the same time; in the given order. Rejects only when the run is ended. */
export async function askFor(names: readonly NameToAsk[], { egress, session }: EgressRun): Promise<AskedName[]> {
  if (names.length === 0) return [];
  const options = { servers: serversFor(egress), timeoutMs: egress.connectTimeoutMs, signal: session.signal };
  const limit = limitTo(atOnce);
  let answered = 0;
  let silent = 0;
  const ask = async (host: string): Promise<LookUp> => {
    if (answered === 0 && silent >= mostSilent) {
      const failure = { kind: 'timeout', message: 'not asked: no name server answered for others' } as const;
      return { name: host, server: undefined, chain: [], addresses: [], failure };
    }
    const found = await lookUp(host, options);
    if (found.failure?.kind === 'timeout') silent += 1;
    else answered += 1;
    return found;
  };
  return await Promise.all(names.map((name) => limit(async () => ({ ...name, found: await ask(name.host) }))));
}
