/** Random lists for the languages: every kind of host, any words in purposes, who connects or nobody, looked up or not. */
import fc from 'fast-check';
import type { Destination, Role } from '../../../src/egress/destination.ts';
import type { FirewallInput } from '../../../src/egress/firewall/language.ts';
import { destination } from './input.ts';

const label = fc.constantFrom('a', 'b', 'registry', 'x-1', 'pkg', 'a_b', 'n'.repeat(50));
const domain = fc.constantFrom('io', 'x.io', 'a.x.io', 'site', 'pkg.dev', 'amazonaws.com');
const name = fc.tuple(fc.array(label, { maxLength: 3 }), domain).map(([labels, last]) => [...labels, last].join('.'));
const inner = fc.tuple(label, domain).map(([first, last]) => `*.s3.${first}-*.${last}`);
const ipv6 = fc.ipV6().filter((address) => !address.includes('.'));
const host = fc.oneof(
  { weight: 5, arbitrary: name },
  { weight: 3, arbitrary: name.map((own) => `*.${own}`) },
  { weight: 4, arbitrary: fc.constantFrom('x.io', '*.x.io', 'a.x.io', '*.a.x.io', 'prod-*.x.io') },
  { weight: 1, arbitrary: inner },
  { weight: 1, arbitrary: name.map((own) => `prod-*.${own}`) },
  { weight: 1, arbitrary: fc.ipV4() },
  { weight: 1, arbitrary: ipv6 },
  { weight: 1, arbitrary: fc.constantFrom('<omni>', '<name server>') },
);

const role = fc.constantFrom<Role>('staging', 'nodes', 'omni');
const one: fc.Arbitrary<Destination> = fc
  .record({
    role,
    host,
    port: fc.constantFrom(53, 80, 123, 443, 5000, 65_535),
    way: fc.constantFrom<Partial<Destination>>(
      { speaks: 'https' },
      { speaks: 'https', through: 'proxy.site:3128' },
      { speaks: 'http' },
      { speaks: 'tcp' },
      { speaks: 'dns', protocol: 'udp' },
      { speaks: 'ntp', protocol: 'udp' },
    ),
    purposes: fc.array(fc.string({ unit: 'grapheme', maxLength: 80 }), { maxLength: 3 }),
    required: fc.boolean(),
    condition: fc.option(fc.string(), { nil: undefined }),
  })
  .map(({ role: who, host: where, port, way, ...said }) => destination(`${who} ${where}:${port}`, { ...said, ...way }));

/** Blocks that begin with zeros are no addresses of anybody, and Squid takes them for IPv4 ones. */
const block = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`),
  fc.ipV4(),
  fc
    .tuple(fc.constantFrom('fd00:5::', '2001:db8:1:2:3:4:5:6', 'fe80::1'), fc.integer({ min: 8, max: 128 }))
    .map(([address, bits]) => `${address}/${bits}`),
  fc.constant('::/0'),
);
const from = fc
  .array(fc.tuple(role, fc.array(block, { minLength: 1, maxLength: 5 })), { maxLength: 3 })
  .map((entries) => new Map(entries));

const known = fc.record({ address: fc.oneof(fc.ipV4(), fc.ipV6()), ttl: fc.nat({ max: 2_147_483_647 }) });

/** What any language may be given. */
export const anyInput: fc.Arbitrary<FirewallInput> = fc
  .record({
    destinations: fc.uniqueArray(one, {
      maxLength: 25,
      selector: ({ role: who, host: where, port, protocol }) => `${who} ${where} ${port} ${protocol}`,
    }),
    found: fc.array(fc.array(known, { maxLength: 4 }), { maxLength: 25 }),
    from,
    stateless: fc.boolean(),
    graceSeconds: fc.nat({ max: 100_000 }),
  })
  .map(({ found, destinations, ...rest }) => ({
    ...rest,
    destinations,
    addresses: new Map(destinations.flatMap(({ host: where }, index) => namedEntry(where, found[index]))),
  }));

function namedEntry<Known>(where: string, found: Known | undefined): [string, Known][] {
  return found === undefined || /[*<]/.test(where) ? [] : [[where, found]];
}
