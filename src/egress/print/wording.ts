/** What every printed list says in the same words. */

import type { Contact } from '../../lock/lock.ts';
import { type Destination, type EgressList, type Protocol, type Role, roles } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import type { ComponentName, KnownSource } from '../knowledge/known.ts';

/** Who connects, as a heading over its destinations. Of nodes a list may be for those that have a mirror, or for any. */
function roleTitle(role: Role, destinations: readonly Destination[]): string {
  if (role === 'staging') return 'The host that mirrors';
  if (role === 'omni') return 'Omni';
  const isMirrored = destinations.some((one) => one.component === 'site' && one.isRegistry);
  return isMirrored ? 'Nodes, once mirrored' : 'Nodes';
}

/** Whose service it is, as a heading. */
export const componentTitles: Readonly<Record<ComponentName | 'site', string>> = {
  site: 'The site',
  discovery: 'Talos discovery service',
  factory: 'Talos Image Factory',
  ghcr: 'GitHub Container Registry',
  gcr: 'Google registries',
  kubernetes: 'Kubernetes registry',
  time: 'Time',
  dns: 'Names',
  omni: 'Omni',
  chainguard: 'Chainguard',
  dockerhub: 'Docker Hub',
  quay: 'Quay',
  mcr: 'Microsoft registry',
  'ecr-public': 'Amazon ECR Public',
  nvcr: 'NVIDIA registry',
  sigstore: 'Sigstore',
};

/** Destinations of each role that has one, in the order of roles. */
export function byRole(list: EgressList): {
  readonly role: Role;
  readonly title: string;
  readonly destinations: readonly Destination[];
}[] {
  return roles
    .map((role) => ({ role, destinations: list.destinations.filter((destination) => destination.role === role) }))
    .filter(({ destinations }) => destinations.length > 0)
    .map(({ role, destinations }) => ({ role, title: roleTitle(role, destinations), destinations }));
}

/** Hosts that are needed for the same reasons on the same ports: twenty regions of one registry read better as one entry. */
export interface Entry {
  /** What all of them have in common, but for their hosts and ports. */
  readonly first: Destination;
  /** One for each host. */
  readonly members: readonly Destination[];
  /** `53/tcp, 53/udp`. */
  readonly ports: string;
}

/** First the ports of each host, then the hosts that have all in common; in the order of their first. Default reasons: all that is printed. */
export function entriesOf(
  destinations: readonly Destination[],
  reasons: (one: Destination) => string = reasonsOf,
): Entry[] {
  const ofHosts = groupedBy(destinations, (one) => JSON.stringify([one.host, reasons(one)]));
  const hosts = [...ofHosts.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [{ first, ports: [first, ...more].map(portText).join(', ') }],
  );
  const alike = groupedBy(hosts, ({ first, ports }) => `${ports} ${reasons(first)}`);
  return [...alike.values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ ...group[0], members: group.map(({ first }) => first) }],
  );
}

function reasonsOf(one: Destination): string {
  return JSON.stringify([whyText(one), neededText(one), one.seen, one.evidence]);
}

/** More optional hosts for one reason than this are told by their number, where there is little room. */
const mostSpare = 8;
const shownSpare = 3;

/** Those that are told by their number where there is little room: never one that is needed, or was contacted. */
export function spareOf(members: readonly Destination[]): ReadonlySet<Destination> {
  const spare = members.filter(({ required, seen }) => !required && seen !== 'seen' && seen !== 'undeclared');
  return new Set(spare.length > mostSpare ? spare.slice(shownSpare) : []);
}

/** `443/tcp`. */
export function portText({ port, protocol }: { readonly port: number; readonly protocol: Protocol }): string {
  return `${port}/${protocol}`;
}

/** Purposes, and what else explains why this name stands here. */
export function whyText({ purposes, inPlaceOf, through }: Destination): string {
  const parts = [purposes.join(', ')];
  if (inPlaceOf !== undefined && inPlaceOf.length > 0) parts.push(`in place of ${inPlaceOf.join(', ')}`);
  if (through !== undefined) parts.push(`through the proxy ${through}`);
  return parts.join('; ');
}

/** `required`, `optional: for signatures`; of what nothing declares, `unknown`. */
export function neededText(destination: Destination): string {
  const { condition } = destination;
  return condition === undefined ? neededWord(destination) : `${neededWord(destination)}: ${condition}`;
}

/** The same without a condition. */
export function neededWord({ required, seen }: Destination): string {
  if (seen === 'undeclared') return 'unknown';
  return required ? 'required' : 'optional';
}

/** Undefined where the list was not merged with what was observed. */
export function seenText({ seen }: Destination): string | undefined {
  if (seen === 'undeclared') return 'NOT DECLARED';
  return seen === 'declared-only' ? 'not yet' : seen;
}

/** Whether it was merged with what was observed. */
export function isObserved(list: EgressList): boolean {
  return list.destinations.some(({ seen }) => seen !== undefined);
}

/** A source that a list names without its being known is printed as its id alone. */
export type SourcesById = ReadonlyMap<string, KnownSource>;

export function sourcesById(sources: readonly KnownSource[]): SourcesById {
  return new Map(sources.map((source) => [source.id, source]));
}

/** Ids of the documents a list rests on, in the order they are first named. */
export function sourceIds(list: EgressList): string[] {
  return [...new Set(list.destinations.flatMap(documentIds))];
}

export function documentIds({ evidence }: Destination): string[] {
  return evidence.flatMap((entry) => (entry.kind === 'document' ? [entry.source] : []));
}

/** Where a destination is known from, beside documents: `--to`, `seen 2026-11-26 (12 requests, 1.2 MB)`. */
export function otherEvidence({ evidence }: Destination): string[] {
  const configured = evidence.flatMap((entry) => (entry.kind === 'configured' ? [entry.by] : []));
  const contacts = evidence.flatMap((entry) => (entry.kind === 'observed' ? [entry.contact] : []));
  return [...configured, ...(contacts.length === 0 ? [] : [contactsText(contacts)])];
}

/** `talos-egress-v1.14 2026-05-04, --to`: the best document by its id and date, how many more there are, and the rest. */
export function knownFrom(destination: Destination, sources: SourcesById): string {
  const [first, ...more] = documentIds(destination);
  const documents = first === undefined ? [] : [[first, sources.get(first)?.date].filter(Boolean).join(' ')];
  if (more.length > 0) documents.push(`${more.length} more`);
  return [...documents, ...otherEvidence(destination)].join(', ');
}

function contactsText(contacts: readonly Contact[]): string {
  const sum = sumOf(contacts);
  if (sum === undefined) return 'seen';
  const [first, last] = [sum.first.slice(0, 10), sum.last.slice(0, 10)];
  const requests = sum.requests === 1 ? '1 request' : `${sum.requests} requests`;
  return `seen ${first === last ? last : `${first} to ${last}`} (${requests}, ${byteText(sum.bytes)})`;
}

/** What runs saw of one destination, for whatever purpose; undefined where that was not kept. */
export function sumOf(
  contacts: readonly Contact[],
): { readonly first: string; readonly last: string; readonly requests: number; readonly bytes: number } | undefined {
  const observed = contacts.flatMap((contact) => contact.observed ?? []);
  if (observed.length === 0) return undefined;
  return {
    first: observed.map(({ first }) => first).sort()[0] ?? '',
    last:
      observed
        .map(({ last }) => last)
        .sort()
        .at(-1) ?? '',
    requests: observed.reduce((sum, { requests }) => sum + requests, 0),
    bytes: observed.reduce((sum, { receivedBytes, sentBytes }) => sum + receivedBytes + sentBytes, 0),
  };
}

/** Decimal units: `999 B`, `1.2 kB`. */
export function byteText(bytes: number): string {
  const power = Math.min(4, Math.max(0, Math.floor((String(Math.round(bytes)).length - 1) / 3)));
  const unit = ['B', 'kB', 'MB', 'GB', 'TB'][power] ?? 'TB';
  return power === 0 ? `${Math.round(bytes)} B` : `${(bytes / 1000 ** power).toFixed(1)} ${unit}`;
}

/** Local ports of connections that a host opens: RFC 6056, section 3.2. */
export const clientPorts = '1024-65535';

/** What a firewall that does not follow connections has to let in again: what the host itself opens, so nothing that a proxy reaches. */
export function returning(destinations: readonly Destination[]): readonly Destination[] {
  return destinations.filter(({ through }) => through === undefined);
}

export interface Warning {
  readonly host: string;
  /** Why, and what to do; one line. */
  readonly text: string;
}

/** What was contacted though nothing declares it, and names that let anybody's data out, once each. */
export function warningsOf(list: EgressList): Warning[] {
  const findings = list.destinations.filter(({ seen }) => seen === 'undeclared');
  const declared = list.destinations.filter(({ seen }) => seen !== 'undeclared');
  const shared = new Map<string, string>();
  for (const { host, exfiltration } of declared) if (exfiltration !== undefined) shared.set(host, exfiltration);
  return [
    ...findings.map((one) => ({ host: one.host, text: findingText(one) })),
    ...[...shared].map(([host, why]) => ({ host, text: `${why}; ${insteadOf(host, list)}` })),
  ];
}

function findingText({ role, exfiltration, ...where }: Destination): string {
  const what = `contacted on ${portText(where)} by ${inSentence[role]}, and nothing declares it; find out what asked for it before it is opened`;
  return exfiltration === undefined ? what : `${what}; ${exfiltration}`;
}

const inSentence: Readonly<Record<Role, string>> = { staging: 'the host that mirrors', nodes: 'nodes', omni: 'Omni' };

function insteadOf(host: string, list: EgressList): string {
  const purposes = new Set(list.destinations.filter((one) => one.host === host).flatMap((one) => one.purposes));
  // What stands in for it elsewhere may be another tenant's host: that of a registry this one has nothing to do with.
  const standing = list.destinations.filter(
    ({ inPlaceOf, host: own, purposes: its }) =>
      own !== host && inPlaceOf?.includes(host) === true && its.some((purpose) => purposes.has(purpose)),
  );
  const exact = [...new Set(standing.map((one) => one.host))];
  if (exact.length > 4)
    return `allow ${exact.slice(0, 3).join(', ')} and ${exact.length - 3} more that are listed here instead`;
  if (exact.length > 0) return `allow ${exact.join(', ')} instead`;
  if (!host.includes('*')) return 'no narrower name is known: allow it for who needs it alone';
  return 'no exact host is known: after a run of mirror, --observed names those to allow instead';
}
