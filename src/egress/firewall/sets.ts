/** Names of the nftables table and of the sets that hold addresses: what the rules, dnsmasq and `egress resolve` agree on. */
import { createHash } from 'node:crypto';
import { AirgapError } from '../../errors.ts';
import { shortAddress } from './addresses.ts';
import type { KnownAddress } from './language.ts';

/** Family and name. */
export const nftTable = { family: 'inet', name: 'airgap_egress' } as const;

/**
 * One set for each host and address family, whoever connects to it: `v4_ghcr.io`, and `v4_wildcard.pkg.dev` for `*.pkg.dev`. A set name
 * of nftables begins with a letter and may hold digits, dots, hyphens and underscores (nftables 1.0.6, src/scanner.l).
 */
export function setName(host: string, family: 4 | 6): string {
  const name = `v${family}_${host.replaceAll('*', 'wildcard').replaceAll(/[^0-9a-z_.-]/gi, '_')}`;
  return name.length <= longestName ? name : `${name.slice(0, longestName - 17)}_${shortHash(host)}`;
}

/** Seconds: nft keeps timeouts as milliseconds in 32 bits (1.0.6 refuses more as "value too large"). */
export const longestTimeout = 4_000_000;

/** The kernel takes 255 characters (NFT_NAME_MAXLEN, linux/netfilter/nf_tables.h), and a line of dnsmasq 1024 with several names in it. */
const longestName = 100;

/**
 * Seconds that each address stays in a set: its TTL and the grace period, at least 1, as 0 would mean for ever. One that several records
 * name stays for the longest of them: nft takes each once.
 */
export function timeoutsOf(
  known: readonly KnownAddress[],
  { graceSeconds, longest }: { readonly graceSeconds: number; readonly longest: number },
): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const { address, ttl } of known) {
    const kept = Math.min(Math.max(Math.ceil(ttl + graceSeconds), 1), longest);
    const short = shortAddress(address);
    seconds.set(short, Math.max(kept, seconds.get(short) ?? 0));
  }
  return seconds;
}

/** 16 hexadecimal digits, the same for the same text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Throws ERR_USAGE where two hosts would share their sets: what one may reach, the other could too. */
export function checkSetNames(hosts: readonly string[]): void {
  const hostOf = new Map<string, string>();
  for (const host of hosts) {
    const name = setName(host, 4);
    const other = hostOf.get(name) ?? host;
    if (other !== host)
      throw new AirgapError('ERR_USAGE', `Cannot tell "${other}" from "${host}" in nftables: their sets have one name`);
    hostOf.set(name, host);
  }
}
