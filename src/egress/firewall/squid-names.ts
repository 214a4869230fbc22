/** Hosts as Squid's access lists match them: domains, patterns, addresses. */
import type { Destination } from '../destination.ts';
import { shortAddress } from './addresses.ts';
import { hostKind } from './hosts.ts';

export interface Matching {
  /** What the names of the lists begin with. */
  readonly name: string;
  /** Type and flags of a list of domains. */
  readonly nameType: string;
  /** Type and flags of a list of regular expressions. */
  readonly patternType: string;
}

/** The `acl` lines that match these hosts, and the names of the lists, any one of which is enough. */
export function matchLines(
  members: readonly Destination[],
  { name, nameType, patternType }: Matching,
): { readonly lines: readonly string[]; readonly names: readonly string[] } {
  const hosts = [...new Set(members.map(({ host }) => host))];
  const lists = [
    { own: `${name}_names`, type: nameType, values: domainsOf(hosts) },
    { own: `${name}_patterns`, type: patternType, values: hosts.filter(isInner).map(patternOf) },
    { own: `${name}_addresses`, type: 'dst -n', values: [...new Set(hosts.filter(isLiteral).map(shortAddress))] },
  ].filter(({ values }) => values.length > 0);
  return {
    lines: lists.flatMap(({ own, type, values }) => values.map((value) => `acl ${own} ${type} ${value}`)),
    names: lists.map(({ own }) => own),
  };
}

/**
 * `ghcr.io`, and `.pkg.dev` for `*.pkg.dev`. A list must not hold what another entry of it covers: Squid warns, and for `x.io` beside
 * `.x.io` it ends (squid 5.7, src/acl/DomainData.cc).
 */
function domainsOf(hosts: readonly string[]): string[] {
  const suffixes = new Set(hosts.filter(isSuffix).map((host) => host.slice(1)));
  const names = hosts.filter((host) => hostKind(host) === 'name');
  return [...names, ...suffixes].filter(
    (domain) => !endingsOf(`.${domain}`).some((ending) => ending !== domain && suffixes.has(ending)),
  );
}

/** From each dot on. */
function endingsOf(text: string): string[] {
  return [...text.matchAll(/\./g)].map(({ index }) => text.slice(index));
}

/** A wildcard at the start alone. */
function isSuffix(host: string): boolean {
  return hostKind(host) === 'wildcard' && host.startsWith('*.') && !host.slice(2).includes('*');
}

function isInner(host: string): boolean {
  return hostKind(host) === 'wildcard' && !isSuffix(host);
}

function isLiteral(host: string): boolean {
  const kind = hostKind(host);
  return kind === 'ipv4' || kind === 'ipv6';
}

/** Anchored: `*.` at the start is one or more labels, any other `*` part of one. */
function patternOf(host: string): string {
  const rest = host.startsWith('*.') ? host.slice(2) : host;
  const own = rest.replaceAll('.', '\\.').replaceAll('*', '[^.]*');
  return `^${host.startsWith('*.') ? '([^.]+\\.)+' : ''}${own}$`;
}
