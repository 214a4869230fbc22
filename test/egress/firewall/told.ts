/** Nothing may be silently skipped: of any list, each destination is allowed by what was printed or named in a warning; nothing else is. */
import fc from 'fast-check';
import { expect } from 'vitest';
import {
  covers,
  type Destination,
  destinationKey,
  isAddress,
  isWildcard,
  type Role,
} from '../../../src/egress/destination.ts';
import type {
  FirewallInput,
  FirewallLanguage,
  FirewallText,
  KnownAddress,
} from '../../../src/egress/firewall/language.ts';
import { destination, input } from './input.ts';

/** One connection, as a firewall sees it. */
export interface Ask {
  readonly role: Role;
  /** Undefined where the list says nothing of sources. */
  readonly source: string | undefined;
  /** As TLS or HTTP or DNS names it; the address itself where there is no name. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly speaks: string;
}

/** Reads what was printed, independently of how it was written. */
export type Reader = (text: FirewallText, ask: Ask) => boolean;

const sources: Record<Role, string> = { staging: '10.1.0.5', nodes: '10.2.0.0/24', omni: '10.3.0.7' };
const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,5}[a-z0-9]$/);
const domain = fc.tuple(label, fc.constantFrom('example.com', 'example.net', 'site')).map((parts) => parts.join('.'));
const long = fc.tuple(label, domain).map(([one, rest]) => `${one}.${'abcdefghij'.repeat(6)}.${rest}`);
const host = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(domain, long) },
  { weight: 3, arbitrary: domain.map((name) => `*.${name}`) },
  { weight: 2, arbitrary: fc.tuple(label, domain).map(([one, name]) => `${one}-*.${name}`) },
  { weight: 1, arbitrary: domain.map((name) => `*${name}`) },
  { weight: 1, arbitrary: fc.tuple(label, domain).map(([one, name]) => `*.${one}.*.${name}`) },
  { weight: 2, arbitrary: fc.ipV4().filter((address) => !/^(0|198)\./.test(address)) },
  { weight: 1, arbitrary: fc.nat(65_534).map((number) => `2001:db8::${(number + 1).toString(16)}`) },
  { weight: 1, arbitrary: fc.constantFrom('<omni>', '<name server>') },
);
const wanted = fc.record({
  role: fc.constantFrom('staging', 'nodes', 'omni'),
  host,
  port: fc.constantFrom(53, 80, 123, 443, 5000),
  protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'tcp', 'udp'),
  speaks: fc.constantFrom<Destination['speaks'][]>('https', 'http', 'dns', 'ntp', 'tcp'),
  through: fc.constantFrom(undefined, undefined, undefined, 'proxy.site:3128'),
});

const lists = fc.record({
  wanted: fc.uniqueArray(wanted, {
    maxLength: 12,
    selector: ({ role, host: name, port, protocol }) => `${role} ${name} ${port} ${protocol}`,
  }),
  known: fc.boolean(),
  gateway: fc.boolean(),
});

/** Runs the property. One address of staging is always in the list, so that no language may refuse it. */
export function expectAllTold(language: FirewallLanguage, reader: Reader): void {
  const check = fc.property(lists, ({ wanted: all, known, gateway }) => {
    const destinations = [
      destination('staging 192.0.2.1:443', { purposes: ['site'] }),
      ...all.map(({ role, host: name, port, ...said }) =>
        destination(`${role} ${name}:${port}`, { ...said, purposes: ['x'] }),
      ),
    ].map((one) =>
      one.protocol === 'udp' && (one.speaks === 'https' || one.speaks === 'http')
        ? { ...one, speaks: 'tcp' as const }
        : one,
    );
    const given = input({
      destinations,
      addresses: known ? addressesFor(destinations) : new Map(),
      from: gateway ? new Map(Object.entries(sources).map(([role, source]) => [role as Role, [source]])) : new Map(),
    });
    const text = language.print(given);
    for (const one of destinations) expectTold(one, { given, text, reader });
  });
  fc.assert(check, { numRuns: 150 });
}

interface Printed {
  readonly given: FirewallInput;
  readonly text: FirewallText;
  readonly reader: Reader;
}

function expectTold(one: Destination, { given, text, reader }: Printed): void {
  const place = `${one.protocol}/${one.port} for ${one.role}`;
  const told = text.warnings.some(
    (warning) =>
      warning.startsWith(`${one.host} ${place} is left out: `) ||
      (warning.includes(` hosts ${place} are left out: `) &&
        warning.split(': ').at(-1)?.split(', ').includes(one.host) === true),
  );
  const asks = samplesOf(one.host).map((name) => askFor(one, name, given));
  const refused = asks.filter((ask) => !reader(text, ask));
  if (!told) expect(refused, `${destinationKey(one)} is neither allowed nor named`).toEqual([]);
  if (one.through !== undefined) expect(told, `${destinationKey(one)} goes through a proxy`).toBe(true);
  const strangers = ['stranger.invalid', ...neighboursOf(one.host)];
  for (const name of strangers) {
    const isListed = given.destinations.some(
      (other) =>
        other.through === undefined &&
        other.role === one.role &&
        other.port === one.port &&
        other.protocol === one.protocol &&
        covers(other.host, name),
    );
    const ask = { ...askFor(one, name, given), address: '198.51.100.77' };
    if (!isListed) expect(reader(text, ask), `${name} is allowed beside ${destinationKey(one)}`).toBe(false);
  }
  for (const ask of asks) expect(reader(text, { ...ask, port: 65_000 }), `another port of ${one.host}`).toBe(false);
}

function askFor(one: Destination, name: string, given: FirewallInput): Ask {
  const { role, port, protocol, speaks } = one;
  const address = isAddress(name) ? name : (given.addresses.get(name)?.[0]?.address ?? '198.51.100.1');
  return { role, port, protocol, speaks, host: name, address, source: given.from.get(role)?.[0] };
}

/** Names a wildcard covers: of one and of two labels where it starts with `*.`. */
function samplesOf(pattern: string): string[] {
  if (!isWildcard(pattern)) return [pattern];
  const rest = pattern.startsWith('*.') ? pattern.slice(2) : pattern;
  const starts = pattern.startsWith('*.') ? ['q1.', 'q2.q1.'] : [''];
  return starts.map((start) => `${start}${rest.replaceAll('*', 'q3')}`);
}

/** Names that look alike and are not covered: the domain of a wildcard, a name below, a name that ends alike, a label too many. */
function neighboursOf(pattern: string): string[] {
  if (isAddress(pattern) || pattern.startsWith('<')) return [];
  const rest = pattern.startsWith('*.') ? pattern.slice(2) : pattern;
  const below = pattern.startsWith('*.') ? [] : [`q1.${rest.replaceAll('*', 'q3')}`];
  return [rest.replaceAll('*', 'q3'), `evil${rest.replaceAll('*', 'q3')}`, rest.replaceAll('*', 'q3.q4'), ...below];
}

/** A documentation address for each exact name. */
function addressesFor(destinations: readonly Destination[]): ReadonlyMap<string, readonly KnownAddress[]> {
  const names = [...new Set(destinations.map(({ host: name }) => name))].filter(
    (name) => !isAddress(name) && !/[*<]/.test(name),
  );
  return new Map(names.map((name, index) => [name, [{ address: `203.0.113.${index + 1}`, ttl: 60 }]]));
}
