/** The chains of the nftables table: of a host, and of a gateway. */
import { type Destination, type Role, roles } from '../destination.ts';
import { blocksOf, type Family, families, shortAddress } from './addresses.ts';
import { hostKind, plainText } from './hosts.ts';
import type { FirewallInput } from './language.ts';
import { setName } from './sets.ts';

/**
 * In place of silence: a program that is refused says so at once (TCP over IPv6: after its second SYN, a second later), and does not wait
 * for its own time limit. A reset would be as quick, but looks like a host whose port is closed.
 */
const reject = 'reject with icmpx type admin-prohibited';

const icmpErrors = [
  'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
  'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
];

const statelessNotes = [
  '# No connection is followed: each direction has its rule. A TCP answer is any segment but a first one (SYN without ACK); a UDP answer',
  '# is whatever comes from that address and port, which somebody there could send unasked. Fragments after the first carry no port and',
  '# are not let in: large DNS answers come over TCP. Tracking may be turned off beside it ("notrack" in a chain of priority raw).',
];

/** Chains output and, where connections are not followed, input. */
export function hostChains(covered: readonly Destination[], input: FirewallInput): string[] {
  const rules = covered.map((destination) => ruleOf(destination, input));
  const output = [
    'type filter hook output priority filter; policy drop;',
    'oifname "lo" accept',
    ...(input.stateless ? icmpErrors : ['ct state established,related accept']),
    '# How IPv6 finds neighbours and routers, and a lease of DHCP and DHCPv6.',
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld2-listener-report } accept',
    'udp sport 68 udp dport 67 accept',
    'udp sport 546 udp dport 547 accept',
    ...(input.stateless ? ['tcp sport @inbound_tcp tcp flags & (syn|ack) != syn accept'] : []),
    ...rules,
    reject,
  ];
  if (!input.stateless) return chain('output', output);
  return [
    '# What others may open to this host: without following connections its answers have to be let out by their port.',
    'set inbound_tcp { type inet_service; elements = { 22 }; }',
    ...statelessNotes,
    ...chain('output', output),
    ...chain('input', [
      'type filter hook input priority filter; policy drop;',
      'iifname "lo" accept',
      ...icmpErrors,
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept',
      'udp sport 67 udp dport 68 accept',
      'udp sport 547 udp dport 546 accept',
      'tcp dport @inbound_tcp accept',
      ...covered.map((destination) => returnRuleOf(destination, input)),
    ]),
  ];
}

/** What is forwarded for the roles whose addresses are known. */
export function forwardChain(covered: readonly Destination[], input: FirewallInput): string[] {
  const limited = roles.flatMap((role) => familiesFrom(role, input).map((family) => ({ role, family })));
  return [
    ...(input.stateless ? statelessNotes : []),
    ...chain('forward', [
      'type filter hook forward priority filter; policy accept;',
      ...(input.stateless ? icmpErrors : ['ct state established,related accept']),
      ...covered.map((destination) => ruleOf(destination, input)),
      ...(input.stateless ? covered.map((destination) => returnRuleOf(destination, input)) : []),
      ...limited.map(
        ({ role, family }) => `${word(family)} saddr @from${family}_${role} ${reject} comment "${role}: nothing else"`,
      ),
      ...(input.stateless
        ? limited.map(
            ({ role, family }) => `${word(family)} daddr @from${family}_${role} drop comment "${role}: no answer"`,
          )
        : []),
    ]),
  ];
}

function chain(name: string, lines: readonly string[]): string[] {
  return ['', `chain ${name} {`, ...lines.map((line) => `  ${line}`), '}'];
}

function ruleOf(destination: Destination, input: FirewallInput): string {
  const { port, protocol } = destination;
  const comment = `${destination.role} ${destination.host} ${destination.purposes.join(', ')}`;
  return oneLine({ destination, comment }, input, (family, target) => {
    const source = input.from.size === 0 ? '' : `${word(family)} saddr @from${family}_${destination.role} `;
    return `${source}${word(family)} daddr ${target} ${protocol} dport ${port} accept`;
  });
}

function returnRuleOf(destination: Destination, input: FirewallInput): string {
  const { port, protocol } = destination;
  const isAnswer = protocol === 'tcp' ? ' tcp flags & (syn|ack) != syn' : '';
  const comment = `answers of ${destination.host} to ${destination.role}`;
  return oneLine({ destination, comment }, input, (family, target) => {
    const source = input.from.size === 0 ? '' : `${word(family)} daddr @from${family}_${destination.role} `;
    return `${source}${word(family)} saddr ${target} ${protocol} sport ${port}${isAnswer} accept`;
  });
}

/** The rules of both address families stand on one line, so that a destination can be taken out with it. */
function oneLine(
  { destination, comment: text }: { readonly destination: Destination; readonly comment: string },
  input: FirewallInput,
  rule: (family: Family, target: string) => string,
): string {
  const { host, role } = destination;
  const comment = `comment "${plainText(text, longestComment)}"`;
  const kind = hostKind(host);
  const open = input.from.size === 0 ? families : familiesFrom(role, input);
  if (kind === 'place') return `# ${rule(open[0] ?? 4, 'ADDRESS')} ${comment}`;
  const isLiteral = kind === 'ipv4' || kind === 'ipv6';
  const own = open.filter((family) => !isLiteral || kind === `ipv${family}`);
  if (own.length === 0) return `# ${role} has no address of its family: ${comment}`;
  return own
    .map((family) => `${rule(family, isLiteral ? shortAddress(host) : `@${setName(host, family)}`)} ${comment}`)
    .join('; ');
}

/** The kernel keeps 128 bytes of a comment (NFTNL_UDATA_COMMENT_MAXLEN, libnftnl), its end among them. */
const longestComment = 120;

function familiesFrom(role: Role, { from }: FirewallInput): readonly Family[] {
  return families.filter((family) => blocksOf(from.get(role) ?? [], family).length > 0);
}

function word(family: Family): string {
  return family === 4 ? 'ip' : 'ip6';
}
