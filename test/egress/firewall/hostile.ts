/** Lists that somebody edited to get words of his own into a firewall. */
import fc from 'fast-check';
import type { Destination } from '../../../src/egress/destination.ts';
import type { FirewallInput } from '../../../src/egress/firewall/language.ts';
import { hostileTexts } from '../lists.ts';
import { destination } from './input.ts';

/** Ways out of a comment, a string or a line in one language or another. */
const escapes = [
  '"; reboot; echo "',
  '$(touch pwned)',
  '`touch pwned`',
  "'; touch pwned; '",
  '" }\nflush ruleset\n',
  '\r\nhttp_access allow all',
  '# end\nserver=/#/203.0.113.1',
  '"\nnext\nedit "any',
  'x" ]\nset deviceconfig system ip-address 203.0.113.1',
  '"; sid:1;) pass ip any any -> any any (msg:"',
  "[concat('a', parameters('b'))]",
  '{{ .Secret }}',
  '\n---\nkind: Secret\n',
  '%0a%0d',
  '\\',
  '$HOME',
  '!include /etc/passwd',
];

/** Names a host may have, and that mean something else where they are not quoted, or as the name of an object. */
const oddNames = [
  'no',
  'on',
  'y',
  'null',
  'true',
  'all',
  'any',
  'none',
  '_',
  '__',
  '1_000',
  '0b11',
  '0x1f',
  '0o17',
  '1e3',
  'src',
  'deny',
  'elements',
  'x_1_2_3',
  'wildcard.x.io',
  '*.x.io',
  '*.*.x.io',
  'a*b*.x.io',
  '*.no',
  'no.*.io',
  '10.0.0.5',
  '::1:2',
  '<omni>',
  '<a - b>',
];

export const hostileText = fc.oneof(
  fc.constantFrom(...escapes, ...hostileTexts),
  fc.tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom(...escapes)).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 200 }),
);

const one: fc.Arbitrary<Destination> = fc
  .record({
    host: fc.constantFrom(...oddNames),
    role: fc.constantFrom('staging', 'nodes', 'omni'),
    port: fc.constantFrom(1, 53, 80, 443, 65_535),
    speaks: fc.constantFrom<Destination['speaks'][]>('https', 'http', 'dns', 'ntp', 'tcp'),
    through: fc.constantFrom(undefined, undefined, 'no:3128', '[fd00::1]:1'),
    purposes: fc.array(hostileText, { minLength: 1, maxLength: 3 }),
    condition: fc.option(hostileText, { nil: undefined }),
    exfiltration: fc.option(hostileText, { nil: undefined }),
    alternatives: fc.option(hostileText, { nil: undefined }),
    inPlaceOf: fc.option(fc.array(hostileText, { maxLength: 2 }), { nil: undefined }),
    evidence: fc.array(
      hostileText.map((by) => ({ kind: 'configured', by }) as const),
      { maxLength: 2 },
    ),
    required: fc.boolean(),
    component: fc.constantFrom<Destination['component'][]>('site', 'omni', 'kubernetes'),
  })
  .map(({ role, host, port, ...said }) => destination(`${role} ${host}:${port}`, said));

/** Every host in it is one; everything else may be anything. */
export const hostileInput: fc.Arbitrary<FirewallInput> = fc
  .record({
    destinations: fc.uniqueArray(one, {
      minLength: 1,
      maxLength: 12,
      selector: ({ role, host, port }) => `${role} ${host} ${port}`,
    }),
    isKnown: fc.boolean(),
    isGateway: fc.boolean(),
  })
  .map(({ destinations, isKnown, isGateway }) => ({
    destinations,
    addresses: new Map(isKnown ? destinations.map(({ host }) => [host, known] as const) : []),
    from: new Map(isGateway ? [['staging', ['10.1.0.5', 'fd00::/8']] as const, ['nodes', ['10.2.0.0/16']]] : []),
    stateless: false,
    graceSeconds: 600,
  }));

const known = [
  { address: '192.0.2.7', ttl: 60 },
  { address: '2001:db8::7', ttl: 60 },
];
