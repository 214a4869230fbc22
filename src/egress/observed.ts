/** What is declared, held against what runs of `mirror` contacted: seen, declared only, or contacted and not declared. */
import { isDirect, isHostAndPort, mostContacts } from '../lock/contacts.ts';
import type { Contact } from '../lock/lock.ts';
import { defaultHost } from '../oci/host.ts';
import {
  compareDestinations,
  covers,
  type Destination,
  type EgressList,
  isPlaceholder,
  isWildcard,
  printPlace,
} from './destination.ts';
import { exfiltrationOf } from './knowledge/shared-domains.ts';
import { mergeNeeds } from './needs/merge.ts';
import { isThisMachine } from './needs/place.ts';

export interface ObservedList extends EgressList {
  /** Those of the list that were contacted, and nothing says why. */
  readonly findings: readonly Destination[];
}

/** One host and port, with every purpose it was contacted for. */
interface Place {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly contacts: readonly Contact[];
}

/**
 * Marks what the staging host connects to; destinations of other roles, names and times stay as they are: no run records them.
 * A declared host that was contacted is `seen`, one that was not `declared-only`. A contacted host that a vendor's wildcard covers
 * takes its place; the wildcard stays, as `declared-only`, for what was not seen yet. Any other contacted host is `undeclared`.
 * Contacts that are no `host:port` are left out and counted in a note. Without contacts the list comes back with a note.
 */
export function mergeObserved(list: EgressList, contacts: readonly Contact[]): ObservedList {
  const { places, notes } = placesOf(contacts);
  if (contacts.length === 0) {
    const none = 'no run of mirror has left contacts for this lock: nothing can be told as seen';
    return { ...list, notes: [...list.notes, none], findings: [] };
  }
  const watched = list.destinations.filter(isWatched);
  const wildcards = watched.filter(({ host }) => isWildcard(host));
  const exact = watched.filter(({ host }) => !isWildcard(host));
  const declared = new Set(exact.map(placeKey));
  const destinations = [
    ...list.destinations.filter((one) => !isWatched(one)),
    ...exact.map((one) => marked(one, places.get(placeKey(one)))),
    ...wildcards.flatMap((one) => stillDeclared(one, [...places.values()])),
    ...[...places].flatMap(([key, place]) => (declared.has(key) ? [] : newlySeen(place, { wildcards, exact }))),
  ];
  const merged = withoutAlternatives(mergeNeeds([{ destinations, notes: [...list.notes, ...notes] }]));
  return { ...merged, findings: merged.destinations.filter(({ seen }) => seen === 'undeclared') };
}

/** Of those that stand for each other, one that answered is enough. */
function withoutAlternatives(list: EgressList): EgressList {
  const answered = new Set(list.destinations.flatMap((one) => (one.seen === 'seen' ? (one.alternatives ?? []) : [])));
  const isSpare = ({ alternatives, seen }: Destination) =>
    seen === 'declared-only' && alternatives !== undefined && answered.has(alternatives);
  const destinations = list.destinations.map((one) =>
    isSpare(one) ? { ...one, required: false, condition: 'another of these answered' } : one,
  );
  return { ...list, destinations: destinations.sort(compareDestinations) };
}

/** Runs record what they ask over HTTP, and ask nothing else themselves. */
function isWatched({ role, protocol, speaks, host }: Destination): boolean {
  return (
    role === 'staging' && protocol === 'tcp' && !['dns', 'ntp', 'wireguard'].includes(speaks) && !isPlaceholder(host)
  );
}

function placeKey({ host, port }: Pick<Place, 'host' | 'port'>): string {
  return `${host} ${port}`;
}

function placesOf(contacts: readonly Contact[]): { places: ReadonlyMap<string, Place>; notes: string[] } {
  const places = new Map<string, Place>();
  let own = 0;
  let broken = 0;
  for (const contact of contacts) {
    const { host, port } = splitPlace(contact.host);
    if (!isHostAndPort(contact.host)) broken += 1;
    else if (isThisMachine(host)) own += 1;
    else {
      const known = places.get(placeKey({ host, port }))?.contacts ?? [];
      places.set(placeKey({ host, port }), { host, port, contacts: [...known, contact] });
    }
  }
  const isCut = contacts.length >= mostContacts;
  const notes = [
    ...(isCut ? [`of the hosts that were contacted no more than ${mostContacts} are kept: there may be others`] : []),
    ...(own === 0 ? [] : ['contacts on this machine itself are left out: no firewall is on the way']),
    ...(broken === 0 ? [] : [`contacts that name no HOST:PORT are left out: ${broken}`]),
  ];
  return { places, notes };
}

/** `[fd00::1]:5000`. */
function splitPlace(text: string): Pick<Place, 'host' | 'port'> {
  const split = text.lastIndexOf(':');
  return { host: text.slice(0, split).replace(/^\[|\]$/g, ''), port: Number(text.slice(split + 1)) };
}

function marked(destination: Destination, place: Place | undefined): Destination {
  if (place === undefined) return { ...destination, seen: 'declared-only' };
  const seen = place.contacts.map((contact) => ({ kind: 'observed' as const, contact }));
  const through = destination.through ?? throughOf(place);
  return { ...destination, evidence: [...destination.evidence, ...seen], seen: 'seen', through };
}

/** What was also reached without a proxy has to be opened itself. */
function throughOf({ contacts }: Place): string | undefined {
  const routes = contacts.map(({ observed }) => observed?.through ?? []);
  return routes.some(isDirect) ? undefined : routes.flat().find(isHostAndPort);
}

function isCovered(pattern: Pick<Destination, 'host' | 'port'>, { host, port }: Place): boolean {
  return pattern.port === port && covers(pattern.host, host);
}

/** What is left of a wildcard once exact hosts stand in for the part that was seen. */
function stillDeclared(wildcard: Destination, places: readonly Place[]): Destination[] {
  const contacts = places.filter((place) => isCovered(wildcard, place)).flatMap((place) => place.contacts);
  const purposes = wildcard.purposes.filter((purpose) => !contacts.some((contact) => serves(contact, purpose)));
  return purposes.length === 0 ? [] : [{ ...wildcard, purposes, seen: 'declared-only' }];
}

/** Whether a contact was one for `blobs of ghcr.io`. A purpose that names no registry is served by any. */
function serves(contact: Contact, declared: string): boolean {
  const { what, registry } = readPurpose(declared);
  if (registry === undefined) return true;
  const wanted = what === 'registry' ? 'registry' : what.startsWith('token service') ? 'token' : 'redirect';
  return contact.purpose === wanted && isFor(contact, registry);
}

/** `blobs of ghcr.io`, `registry ghcr.io`; other purposes name no registry. */
function readPurpose(text: string): { readonly what: string; readonly registry: string | undefined } {
  const [, what = '', registry] = /^(.*?)(?: of)? ((?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d+)?)$/.exec(text) ?? [];
  return { what, registry };
}

function isFor({ observed }: Contact, registry: string): boolean {
  const host = defaultHost(registry);
  return observed?.registries.includes(host.includes(':') ? host : `${host}:443`) === true;
}

/** On a domain of many tenants the host of another registry is another tenant. Where nobody knows who sent there, it is taken as declared. */
function isOnItsBehalf({ purposes }: Destination, { contacts }: Place): boolean {
  const registries = purposes.map((text) => readPurpose(text).registry);
  const speaksFor = (contact: Contact) =>
    registries.some((registry) => registry === undefined || isFor(contact, registry));
  return contacts.some((contact) => contact.observed === undefined || speaksFor(contact));
}

/** Contacted, and not declared by its own name. */
function newlySeen(
  place: Place,
  declared: { readonly wildcards: readonly Destination[]; readonly exact: readonly Destination[] },
): Destination[] {
  const byWildcard = declared.wildcards
    .filter((wildcard) => isCovered(wildcard, place) && isOnItsBehalf(wildcard, place))
    .map((wildcard) => inPlaceOf(wildcard, { place, patterns: [wildcard.host] }));
  if (byWildcard.length > 0) return byWildcard;
  const neighbours = declared.exact.filter((one) => isOnItsBehalf(one, place));
  const byNeighbour = neighbours.flatMap((neighbour) => {
    const patterns = (neighbour.inPlaceOf ?? []).filter((host) => isCovered({ host, port: neighbour.port }, place));
    return patterns.length === 0 ? [] : [inPlaceOf({ ...neighbour, condition: undefined }, { place, patterns })];
  });
  if (byNeighbour.length > 0) return byNeighbour;
  const byScheme = declared.exact.flatMap((one) => atOtherScheme(one, place));
  return byScheme.length > 0 ? byScheme : [undeclared(place)];
}

/** A registry without a scheme and a port is asked over https first, then over plain http. */
function atOtherScheme(declared: Destination, place: Place): Destination[] {
  const { host, port, contacts } = place;
  const isOther = declared.isRegistry && declared.host === host && declared.port + port === 443 + 80;
  if (!isOther || contacts.some(({ purpose }) => purpose !== 'registry')) return [];
  if (port === 80) return [marked({ ...declared, port, speaks: 'http' }, place)];
  const condition = 'asked first whether it speaks https: http:// before its name leaves that out';
  return port === 443 ? [marked({ ...declared, port, speaks: 'https', required: false, condition }, place)] : [];
}

/** The vendor says that any such host may come; this one did. */
function inPlaceOf(
  declared: Destination,
  { place, patterns }: { readonly place: Place; readonly patterns: readonly string[] },
): Destination {
  const { host } = place;
  const isRegistry = place.contacts.some(({ purpose }) => purpose === 'registry');
  const named = { ...declared, host, isRegistry, inPlaceOf: patterns, exfiltration: exfiltrationOf(host) };
  return marked(named, place);
}

function undeclared(place: Place): Destination {
  const { host, port, contacts } = place;
  const found: Destination = {
    role: 'staging',
    host,
    port,
    protocol: 'tcp',
    speaks: port === 443 ? 'https' : port === 80 ? 'http' : 'tcp',
    isRegistry: contacts.some(({ purpose }) => purpose === 'registry'),
    required: true,
    purposes: [...new Set(contacts.flatMap(onWhoseBehalf))].sort(),
    component: 'site',
    evidence: [],
    exfiltration: exfiltrationOf(host),
  };
  return { ...marked(found, place), seen: 'undeclared' };
}

const what: Readonly<Record<Contact['purpose'], string>> = {
  registry: 'registry',
  token: 'token service of',
  redirect: 'redirect target of',
  proxy: 'proxy to',
};

function onWhoseBehalf({ host, purpose, observed }: Contact): string[] {
  if (purpose === 'registry') return [`registry ${host}`];
  const registries = (observed?.registries ?? []).filter(isHostAndPort);
  return registries.length === 0
    ? [what[purpose].replace(/ (?:of|to)$/, '')]
    : registries.map((registry) => `${what[purpose]} ${registry}`);
}

/** One line about each finding of a list: who sent there, and what to do about it. `isOpened`: what is written opens it. */
export function findingTexts({ destinations, findings }: ObservedList, isOpened: boolean): string[] {
  const seen = new Set(destinations.filter((one) => one.seen === 'seen').map(placeKey));
  return findings.map((finding) => findingText(finding, { seen, isOpened }));
}

function findingText(
  { host, port, purposes, evidence }: Destination,
  { seen, isOpened }: { readonly seen: ReadonlySet<string>; readonly isOpened: boolean },
): string {
  const asked = evidence.flatMap((one) => (one.kind === 'observed' ? (one.contact.observed?.registries ?? []) : []));
  const isProxy = evidence.some((one) => one.kind === 'observed' && one.contact.purpose === 'proxy');
  const isOfOthers = asked.length > 0 && asked.every((registry) => !seen.has(placeKey(splitPlace(registry))));
  const opened = isOpened ? ', as these rules do' : '';
  const what = `${printPlace({ host, port })} was contacted (${purposes.join(', ')}), and nothing declares it`;
  if (isProxy) return `${what}: ask with the HTTP_PROXY, HTTPS_PROXY and NO_PROXY that the run had`;
  return isOfOthers
    ? `${what}: if that was for other images, ask with all inputs of the lock; else find out why before it is opened${opened}`
    : `${what}: find out why it was sent there before it is opened${opened}`;
}
