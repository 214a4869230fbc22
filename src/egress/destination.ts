/** What somebody has to reach, and how that is known: the noun of this folder. */
import type { Contact } from '../lock/lock.ts';
import type { ComponentName } from './knowledge/known.ts';

/** Who connects: the host that mirrors, a node (after mirroring), the host Omni runs on. */
export type Role = 'staging' | 'nodes' | 'omni';
export const roles = ['staging', 'nodes', 'omni'] as const satisfies readonly Role[];

export type Protocol = 'tcp' | 'udp';

/** What is spoken there. `tcp`: something that is neither probed nor filtered by its name. */
export type Speaks = 'https' | 'http' | 'dns' | 'ntp' | 'wireguard' | 'tcp';

/** Why a destination is in the list. */
export type Evidence =
  /** A document of its owner, or of others: see `knowledge/sources.ts`. */
  | { readonly kind: 'document'; readonly source: string }
  /** Said by the user: an option, a configuration, the environment. `by` names it: `--to`, `controlplane.yaml`, `HTTPS_PROXY`. */
  | { readonly kind: 'configured'; readonly by: string }
  /** A run contacted it. */
  | { readonly kind: 'observed'; readonly contact: Contact };

/** Of a list that was merged with observed contacts. `undeclared`: contacted, and nothing says why: a finding. */
export type Seen = 'seen' | 'declared-only' | 'undeclared';

export interface Destination {
  readonly role: Role;
  /**
   * Lower-case name without a dot at its end; an address without brackets; a wildcard, in which `*.` at the start stands for one or more
   * labels and any other `*` for part of one label; or, where the site has to say it, a place as `<omni>` or `<name server>`.
   */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly speaks: Speaks;
  /** Answers the distribution API: `/v2/` with 200 or 401. */
  readonly isRegistry: boolean;
  readonly required: boolean;
  /** When it is needed, or what else to know about it, in a few words; no full stop. */
  readonly condition?: string | undefined;
  /** In a few words each, sorted: `registry ghcr.io`, `blobs of ghcr.io`, `token service of docker.io`. */
  readonly purposes: readonly string[];
  /** `site`: what the user's own options and configurations name. */
  readonly component: ComponentName | 'site';
  /** At least one. */
  readonly evidence: readonly Evidence[];
  /** All with the same text stand for each other, as `regions of registry.k8s.io`: which one answers is the service's own choice. */
  readonly alternatives?: string | undefined;
  /** The vendor's wildcards this exact host stands in for. */
  readonly inPlaceOf?: readonly string[] | undefined;
  /** Why allowing it lets anybody's data out; set for names that many tenants share. One line, no full stop. */
  readonly exfiltration?: string | undefined;
  /** Proxy, as `host:port`, through which it is reached: the host itself connects to the proxy alone. */
  readonly through?: string | undefined;
  readonly seen?: Seen | undefined;
}

/** What has to be opened for one job. */
export interface EgressList {
  /** Sorted with compareDestinations(); of one role, host, port and protocol there is one. */
  readonly destinations: readonly Destination[];
  /** Worth knowing, one line each, no full stop. */
  readonly notes: readonly string[];
}

/** By role, required first, then by host as its owner reads it (from the last label on), port, protocol. */
export function compareDestinations(one: Destination, other: Destination): number {
  return compareTexts(sortKey(one), sortKey(other));
}

function sortKey({ role, required, host, port, protocol }: Destination): string {
  const labels = isAddress(host) ? host : host.split('.').reverse().join('.');
  return [roles.indexOf(role), required ? 0 : 1, labels, String(port).padStart(5, '0'), protocol].join('\n');
}

function compareTexts(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** What tells two destinations apart. */
export function destinationKey({ role, host, port, protocol }: Destination): string {
  return `${role} ${protocol} ${host} ${port}`;
}

/** `ghcr.io:443`; an IPv6 address stands in brackets: `[fd00::1]:443`. */
export function printPlace({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `*.pkg.dev`. */
export function isWildcard(host: string): boolean {
  return host.includes('*');
}

/** `<omni>`: the site has to say which host that is. */
export function isPlaceholder(host: string): boolean {
  return host.startsWith('<');
}

/** An IPv4 address, or an IPv6 one without brackets. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || /^[0-9a-f]*:[0-9a-f:.]*$/i.test(host);
}

/** A name that DNS can be asked for. */
export function isExactName(host: string): boolean {
  return !isWildcard(host) && !isPlaceholder(host) && !isAddress(host);
}

/** Whether a wildcard covers an exact name: `*.` at the start is one or more labels, any other `*` part of one label. */
export function covers(pattern: string, name: string): boolean {
  if (!isWildcard(pattern)) return pattern === name;
  const isSuffix = pattern.startsWith('*.');
  const own = pattern.slice(isSuffix ? 2 : 0).split('.');
  const labels = name.split('.');
  const rest = labels.slice(labels.length - own.length);
  if (isSuffix ? labels.length <= own.length : labels.length !== own.length) return false;
  return own.every((label, index) => coversLabel(label, rest[index] ?? ''));
}

function coversLabel(pattern: string, label: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return pattern === label;
  if (!label.startsWith(first)) return false;
  let from = first.length;
  for (const part of parts) {
    const index = label.indexOf(part, from);
    if (index < 0) return false;
    from = index + part.length;
  }
  return label.length >= from + last.length && label.endsWith(last);
}
