/** Text for `nft -f -` that puts addresses into the sets of hosts, each with the time after which it leaves by itself. */
import { AirgapError } from '../../errors.ts';
import { isExactName } from '../destination.ts';
import { familyOf, shortAddress } from './addresses.ts';
import { longestTimeout, nftTable, setName } from './sets.ts';

/** Addresses of one host. */
export interface SetRefresh {
  /** A name that DNS can be asked for. */
  readonly host: string;
  readonly addresses: readonly SetAddress[];
}

export interface SetAddress {
  readonly address: string;
  /** Counted from now; at least 1 is written. */
  readonly seconds: number;
}

/**
 * Commands that are one transaction of `nft -f`: all of it counts at once, and no packet meets a set without an address that stays.
 * Adding an element that is there keeps its old timeout on older kernels, so it is added (for the deletion to succeed), deleted,
 * and added with its new one. Empty without addresses. Throws ERR_INPUT_INVALID for what is no name or no address: nothing else enters.
 */
export function printRefresh(refreshes: readonly SetRefresh[]): string {
  return refreshes.flatMap(linesOf).join('');
}

function linesOf({ host, addresses }: SetRefresh): string[] {
  if (!isExactName(host) || !/^[a-z0-9._-]{1,253}$/i.test(host)) throw unusable(host, 'it is no host name');
  const byFamily = new Map<4 | 6, Map<string, number>>();
  for (const { address, seconds } of addresses) {
    const family = familyOf(address);
    if (family === undefined) throw unusable(host, `${JSON.stringify(address)} is no address`);
    const known = byFamily.get(family) ?? new Map<string, number>();
    const text = shortAddress(address);
    known.set(text, Math.max(known.get(text) ?? 1, wholeSeconds(seconds)));
    byFamily.set(family, known);
  }
  return [...byFamily].flatMap(([family, known]) => {
    const set = `element ${nftTable.family} ${nftTable.name} ${setName(host, family)}`;
    const names = [...known.keys()].join(', ');
    const timed = [...known].map(([address, seconds]) => `${address} timeout ${seconds}s`).join(', ');
    return [`add ${set} { ${names} }\n`, `delete ${set} { ${names} }\n`, `add ${set} { ${timed} }\n`];
  });
}

function wholeSeconds(seconds: number): number {
  return Number.isFinite(seconds) ? Math.min(longestTimeout, Math.max(1, Math.ceil(seconds))) : longestTimeout;
}

function unusable(host: string, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot fill the set of ${JSON.stringify(host)}: ${state}`);
}

/** Names of the sets in what `nft list table` prints. */
export function setsIn(listing: string): ReadonlySet<string> {
  return new Set([...listing.matchAll(/^\s*set ([^\s{]+) \{/gm)].map(([, name = '']) => name));
}
