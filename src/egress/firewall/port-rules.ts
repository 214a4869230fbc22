/** Destinations as firewalls take them: who, where to, which port; and what no firewall can be told, said in words. */
import { AirgapError } from '../../errors.ts';
import {
  type Destination,
  isAddress,
  isWildcard,
  type Protocol,
  type Role,
  roles,
  type Speaks,
} from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { blocksOf, familyOfBlock } from './addresses.ts';
import { checkInput, hostKind, plainText } from './hosts.ts';
import type { FirewallInput } from './language.ts';
import { shortHash } from './sets.ts';

/** All that one role reaches on one port. Sorted as the list is, without doubles. */
export interface PortRule {
  readonly role: Role;
  readonly protocol: Protocol;
  readonly port: number;
  /** Of several, the first one's. */
  readonly speaks: Speaks;
  /** `ghcr.io`. */
  readonly names: readonly string[];
  /** What follows `*` where that stands once, at the start: `.pkg.dev`. */
  readonly suffixes: readonly string[];
  /** Other wildcards: `prod-*.example.com`. */
  readonly patterns: readonly string[];
  /** IPv4 first, then IPv6 without brackets; each sorted. */
  readonly addresses: readonly string[];
}

export interface PortRules {
  readonly rules: readonly PortRule[];
  /** What is in no rule, and wildcards that let anybody's data out. */
  readonly warnings: readonly string[];
}

/** What of a rule a language cannot say: the hosts, and why. */
export interface Unsaid {
  readonly hosts: readonly string[];
  /** What stands after `is left out: `; no full stop. */
  readonly reason: string;
}

/**
 * By role and port; with `bySpeaks` HTTPS, DNS and the like are kept apart on one port too. Leaves out what goes through a proxy, and places
 * such as `<omni>`. Throws ERR_USAGE where something in the list is no host, port or address: afterwards all of it may be written as it is.
 */
export function portRules(input: FirewallInput, options: { readonly bySpeaks: boolean }): PortRules {
  checkInput(input);
  const warnings: string[] = [];
  const written: Destination[] = [];
  for (const destination of withoutProxyNames(input.destinations)) {
    const reason = whyLeftOut(destination);
    if (reason !== undefined) warnings.push(`${placeOf(destination, destination.host)} is left out: ${reason}`);
    else {
      if (destination.exfiltration !== undefined)
        warnings.push(`${placeOf(destination, destination.host)}: ${plainText(destination.exfiltration)}`);
      written.push(destination);
    }
  }
  const groups = groupedBy(written, ({ role, protocol, port, speaks }) =>
    [role, protocol, port, options.bySpeaks ? speaks : ''].join(' '),
  );
  return { rules: [...groups.values()].map(ruleOf).sort(compareRules), warnings };
}

/** What is sent to a proxy names the host behind it: a rule by name would never match the proxy. */
function withoutProxyNames(destinations: readonly Destination[]): Destination[] {
  const proxies = new Set(destinations.map(({ through }) => through));
  const isProxy = ({ host, port }: Destination) => proxies.has(`${host}:${port}`) || proxies.has(`[${host}]:${port}`);
  return destinations.map((destination) => (isProxy(destination) ? { ...destination, speaks: 'tcp' } : destination));
}

function compareRules(one: PortRule, other: PortRule): number {
  return (
    roles.indexOf(one.role) - roles.indexOf(other.role) ||
    (one.protocol === other.protocol ? 0 : one.protocol === 'tcp' ? -1 : 1) ||
    one.port - other.port
  );
}

function ruleOf(destinations: readonly Destination[]): PortRule {
  const [first] = destinations;
  if (first === undefined) throw new RangeError('Cannot write a rule: no destination');
  const { role, protocol, port, speaks } = first;
  const hosts = [...new Set(destinations.map(({ host }) => host))];
  const wild = hosts.filter(isWildcard);
  const suffixes = wild.filter((host) => host.startsWith('*.') && !host.slice(1).includes('*'));
  return {
    role,
    protocol,
    port,
    speaks,
    names: hosts.filter((host) => !isWildcard(host) && !isAddress(host)),
    suffixes: suffixes.map((host) => host.slice(1)),
    patterns: wild.filter((host) => !suffixes.includes(host)),
    addresses: [...blocksOf(hosts, 4), ...blocksOf(hosts, 6)],
  };
}

function whyLeftOut({ host, through }: Destination): string | undefined {
  if (through !== undefined) return `it is reached through the proxy ${through}, which has to be allowed to go there`;
  return hostKind(host) === 'place'
    ? 'the site has to say which host that is: name it and print the rules again'
    : undefined;
}

/** `10.0.0.5` as `10.0.0.5/32`; a block as it is. */
export function asBlock(address: string): string {
  return address.includes('/') ? address : `${address}/${familyOfBlock(address) === 6 ? 128 : 32}`;
}

/** `ghcr.io tcp/443 for staging`: how warnings name a destination. */
export function placeOf({ role, protocol, port }: Pick<PortRule, 'role' | 'protocol' | 'port'>, host: string): string {
  return `${host} ${protocol}/${port} for ${role}`;
}

/** More hosts than this are named in one warning. */
const mostWarnings = 3;

/** What of a rule a language cannot say, every host by its name. */
export function leftOut(rule: PortRule, { hosts, reason }: Unsaid): string[] {
  if (hosts.length <= mostWarnings) return hosts.map((host) => `${placeOf(rule, host)} is left out: ${reason}`);
  return [`${placeOf(rule, `${hosts.length} hosts`)} are left out: ${reason}: ${hosts.join(', ')}`];
}

/** All wildcards of a rule as they were written. */
export function wildcardsOf({ suffixes, patterns }: PortRule): string[] {
  return [...suffixes.map((suffix) => `*${suffix}`), ...patterns];
}

/** What wildcards need in a language that has none. */
export const wildcardsNeedNames =
  'this language knows no wildcards: allow the exact hosts, which airgap egress prints without --wildcards and --observed learns, or send it through a proxy';

/** The rules' names looked up, for languages that know addresses only. `without`: names nothing is known of. */
export function addressesOf(
  names: readonly string[],
  { addresses }: FirewallInput,
): { readonly addresses: readonly string[]; readonly without: readonly string[] } {
  const found = (name: string) => (addresses.get(name) ?? []).map(({ address }) => address);
  const all = names.flatMap(found);
  return {
    addresses: [...blocksOf(all, 4), ...blocksOf(all, 6)],
    without: names.filter((name) => found(name).length === 0),
  };
}

/** The shortest TTL among looked-up addresses of these names, in seconds. */
export function shortestTtl(names: readonly string[], { addresses }: FirewallInput): number | undefined {
  const ttls = names.flatMap((name) => (addresses.get(name) ?? []).map(({ ttl }) => ttl));
  return ttls.length === 0 ? undefined : Math.min(...ttls);
}

/** A name for an object, of at most `most` characters: one that is too long keeps its start, and gets the hash of all of it. */
export function fittingName(name: string, most: number): string {
  return name.length <= most ? name : `${name.slice(0, most - 13)}-${shortHash(name).slice(0, 12)}`;
}

/** Nothing of a list has a place in what was to be written, `FortiGate policies`: ERR_USAGE. Default hint: to look at the list. */
export function unsayable(what: string, hint = 'print --format table to see what is listed'): AirgapError {
  return new AirgapError('ERR_USAGE', `Cannot write ${what}: no destination of this list can be said in them`, {
    hint,
  });
}

/** Two things would have one name: ERR_USAGE. `wildcard.x.io` beside `*.x.io` is such a pair, and nobody has it by chance. */
export function sharedName(firewall: string, name: string): AirgapError {
  return new AirgapError('ERR_USAGE', `Cannot write ${firewall} objects: two would have the name "${name}"`, {
    hint: 'look at the hosts of the list, and where each comes from: --format table says it',
  });
}

/** In groups of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Sources of a role, by address family; undefined: none were given. */
export function sourcesOf(
  { from }: FirewallInput,
  role: Role,
): { readonly 4: readonly string[]; readonly 6: readonly string[] } | undefined {
  const given = from.get(role);
  if (given === undefined || given.length === 0) return undefined;
  return { 4: blocksOf(given, 4), 6: blocksOf(given, 6) };
}

/** Roles that have a rule, in the order of roles. */
export function rolesOf(rules: readonly PortRule[]): Role[] {
  return roles.filter((role) => rules.some((rule) => rule.role === role));
}

/** Roles of these rules whose addresses were not given. */
export function rolesWithoutSource(rules: readonly PortRule[], input: FirewallInput): Role[] {
  return rolesOf(rules).filter((role) => sourcesOf(input, role) === undefined);
}

/** For languages of gateways: what rules of roles mean whose addresses were not given. */
export function sourceless(rules: readonly PortRule[], input: FirewallInput): string[] {
  return rolesWithoutSource(rules, input).map(
    (role) =>
      `the addresses of ${role} are not known, so its rules count for everybody behind the firewall: give --address ${role}=<CIDR>`,
  );
}
