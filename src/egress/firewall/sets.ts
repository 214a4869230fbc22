/** Names of the nftables table and of the sets that hold addresses: what the rules, dnsmasq and `egress resolve` agree on. */

/** Family and name. */
export const nftTable = { family: 'inet', name: 'airgap_egress' } as const;

/**
 * One set for each host and address family, whoever connects to it: `v4_ghcr.io`, and `v4_wildcard.pkg.dev` for `*.pkg.dev`. A set name
 * of nftables begins with a letter and may hold digits, dots, hyphens and underscores (nftables 1.0.6, src/scanner.l).
 */
export function setName(host: string, family: 4 | 6): string {
  return `v${family}_${host.replaceAll('*', 'wildcard').replaceAll(/[^0-9a-z.-]+/gi, '_')}`;
}
