/** Names of the nftables table and of the sets that hold addresses: what the rules, dnsmasq and `egress resolve` agree on. */
import { createHash } from 'node:crypto';

/** Family and name. */
export const nftTable = { family: 'inet', name: 'airgap_egress' } as const;

/**
 * One set for each host and address family, whoever connects to it: `v4_ghcr.io`, and `v4_wildcard.pkg.dev` for `*.pkg.dev`. A set name
 * of nftables begins with a letter and may hold digits, dots, hyphens and underscores (nftables 1.0.6, src/scanner.l).
 */
export function setName(host: string, family: 4 | 6): string {
  const name = `v${family}_${host.replaceAll('*', 'wildcard').replaceAll(/[^0-9a-z.-]+/gi, '_')}`;
  return name.length <= longestName ? name : `${name.slice(0, longestName - 17)}_${shortHash(host)}`;
}

/** The kernel takes 255 characters (NFT_NAME_MAXLEN, linux/netfilter/nf_tables.h); a host may have 253, before the rest is added. */
const longestName = 200;

/** 16 hexadecimal digits, the same for the same text. */
export function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
