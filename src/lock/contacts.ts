/** What runs saw of the network: checked, and summed over runs. */
import type { Field } from '../oci/fields.ts';
import { isCanonicalHost } from '../oci/host.ts';
import { readOneOf, refuseTwice } from './checked-fields.ts';
import type { Contact, Observed } from './lock.ts';

const mostHosts = 100_000;
/** Contacts that sums keep, the first by their hosts' text: whoever redirects to ever new names makes no lock that cannot be read back. */
export const mostContacts = 10_000;
/** Beside proxies, for what was reached without one as well. */
const direct = 'direct';

/**
 * Lower-case `host:port`: a name, an IPv4 address or an IPv6 one in brackets. Labels may have underscores: object stores are named so,
 * and redirects lead there. Anything else that a URL takes for a host is none.
 */
export function isHostAndPort(text: string): boolean {
  const isWithPort = /^(?:\[[0-9a-f:]+\]|[^:[\]]+):[0-9]{1,5}$/.test(text);
  return isWithPort && isCanonicalHost(text.replaceAll('_', 'a'));
}

/** One entry of `contacts`. Throws what the field throws. */
export function readContact(field: Field): Contact {
  field.onlyKnows(['host', 'purpose', 'observed']);
  const observed = field.at('observed').optional(readObserved);
  const host = field.at('host');
  return {
    host: observed === undefined ? readHost(host) : readHostAndPort(host),
    purpose: readOneOf(field.at('purpose'), ['registry', 'token', 'redirect', 'proxy']),
    ...(observed && { observed }),
  };
}

/** Locks that were written before anything else was kept of a contact may name a host without its port. */
function readHost(field: Field): string {
  const text = field.text();
  return isCanonicalHost(text) || isHostAndPort(text) ? text : field.fail('is not HOST[:PORT] in lower case');
}

function readHostAndPort(field: Field): string {
  const text = field.text();
  return isHostAndPort(text) ? text : field.fail('is not HOST:PORT in lower case');
}

function readObserved(field: Field): Observed {
  field.onlyKnows(['registries', 'through', 'requests', 'receivedBytes', 'sentBytes', 'first', 'last']);
  const observed: Observed = {
    registries: readHosts(field.at('registries')),
    through: readRoutes(field.at('through')),
    requests: field.at('requests').count(),
    receivedBytes: field.at('receivedBytes').count(),
    sentBytes: field.at('sentBytes').count(),
    first: readTime(field.at('first')),
    last: readTime(field.at('last')),
  };
  if (observed.requests === 0) field.at('requests').fail('is 0, and a host without a request was not contacted');
  if (observed.last < observed.first) field.at('last').fail('is before "first"');
  return observed;
}

function readHosts(field: Field): string[] {
  const entries = field.list(mostHosts);
  const hosts = entries.map(readHostAndPort);
  refuseTwice(entries, hosts);
  return hosts;
}

function readRoutes(field: Field): string[] {
  const entries = field.list(mostHosts);
  const routes = entries.map((entry) => (entry.text() === direct ? direct : readHostAndPort(entry)));
  refuseTwice(entries, routes);
  if (routes.length === 1 && routes[0] === direct) field.fail('is "direct" alone, which an empty list says');
  return routes;
}

function readTime(field: Field): string {
  const text = field.text();
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && timeText(Date.parse(text)) === text
    ? text
    : field.fail('is not a time like 2026-11-26T10:08:04Z');
}

/** Milliseconds since 1970 as a lock writes a time: RFC 3339 in UTC, to the second. Empty for what is no time of the years 0 to 9999. */
export function timeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString().replace(/\.\d{3}Z$/, 'Z');
  return text.length === 20 ? text : '';
}

/** Ways to one host, as `through` has them, of two contacts or more. What is no HOST:PORT of a proxy is left out. */
export function joinRoutes(...several: readonly (readonly string[])[]): string[] {
  const proxies = new Set(several.flat().filter(isHostAndPort));
  if (proxies.size === 0) return [];
  return [...(several.some(isDirect) ? [direct] : []), ...proxies];
}

/** Whether some of it went without a proxy. */
export function isDirect(through: readonly string[]): boolean {
  return through.length === 0 || through.includes(direct);
}

/** The lists of a contact in the order they are printed in. */
export function sortContact(contact: Contact): Contact {
  const { observed } = contact;
  if (observed === undefined) return contact;
  const [registries, through] = [[...observed.registries].sort(), [...observed.through].sort()];
  return { ...contact, observed: { ...observed, registries, through } };
}

/** One contact for each host and purpose: counts are summed, the first time is the earliest, the last the latest. Sorted; at most 10,000. */
export function sumContacts(contacts: Iterable<Contact>): Contact[] {
  const sums = new Map<string, Contact>();
  for (const { host, purpose, observed } of contacts) {
    const key = `${host}\n${purpose}`;
    const sum = sumObserved(sums.get(key)?.observed, observed);
    sums.set(key, { host, purpose, ...(sum && { observed: sum }) });
  }
  const sorted = [...sums].sort(([one], [other]) => (one < other ? -1 : 1)).slice(0, mostContacts);
  return sorted.map(([, contact]) => sortContact(contact));
}

function sumObserved(one: Observed | undefined, other: Observed | undefined): Observed | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const [first = one.first] = [one.first, other.first].sort();
  const [last = one.last] = [one.last, other.last].sort().reverse();
  return {
    registries: [...new Set([...one.registries, ...other.registries])],
    through: joinRoutes(one.through, other.through),
    requests: sum(one.requests, other.requests),
    receivedBytes: sum(one.receivedBytes, other.receivedBytes),
    sentBytes: sum(one.sentBytes, other.sentBytes),
    first,
    last,
  };
}

/** What is read back has to be a whole number that is exact. */
function sum(one: number, other: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, one + other);
}
