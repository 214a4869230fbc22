/** ipset: the sets that dnsmasq fills, and the rules of iptables that use them, as comments. */
import { type Destination, isWildcard } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { blocksOf, type Family, families, familyOf, shortAddress } from './addresses.ts';
import type { FirewallInput } from './language.ts';
import { shortHash, timeoutsOf } from './sets.ts';

/** Seconds: ipset 7.17 refuses more as "out of range", and the rest of the file with it. */
const longestTimeout = 2_147_483;

/** The kernel takes 31 characters (IPSET_MAXNAMELEN, linux/netfilter/ipset/ip_set.h): `e4_ghcr.io`, and where that is too long a part with a hash. */
export function ipsetName(host: string, family: Family): string {
  const name = `e${family}_${host}`;
  return name.length <= 31 && !isWildcard(host) && !/_.*_/.test(name)
    ? name
    : `e${family}_${host.replaceAll(/[^0-9a-z.-]/g, 'x').slice(0, 11)}_${shortHash(host)}`;
}

/** Text for `ipset restore`: sets of these names and wildcards; rules for them, and for the addresses of the list. */
export function restoreText(named: readonly Destination[], input: FirewallInput): string {
  const { addresses, graceSeconds } = input;
  const literals = input.destinations.filter(({ host, through }) => through === undefined && isLiteral(host));
  const lines = [...groupedBy(named, ({ host }) => host)].flatMap(([host, members]) => [
    '',
    ...new Set(members.flatMap((one) => iptablesLines(one, input))),
    ...families.map(
      (family) =>
        `create ${ipsetName(host, family)} hash:ip family ${family === 4 ? 'inet' : 'inet6'} timeout 0 -exist`,
    ),
    ...[...timeoutsOf(addresses.get(host) ?? [], { graceSeconds, longest: longestTimeout })].map(
      ([address, seconds]) => `add ${ipsetName(host, familyOf(address) ?? 4)} ${address} timeout ${seconds} -exist`,
    ),
  ]);
  return `${[
    '# Made by "airgap egress --format dnsmasq-ipset". Load: ipset restore -file egress.ipset',
    '# A timeout of 0 means none: what dnsmasq adds stays until "ipset flush".',
    '# Comments are rules that accept one destination each. Those for open connections, loopback and the ICMP that IPv6 needs, and the one',
    '# behind all of them that rejects the rest, are not among them.',
    ...(literals.length === 0 ? [] : ['', ...new Set(literals.flatMap((one) => iptablesLines(one, input)))]),
    ...lines,
  ].join('\n')}\n`;
}

function isLiteral(host: string): boolean {
  return familyOf(host) !== undefined;
}

function iptablesLines(destination: Destination, input: FirewallInput): string[] {
  const own = familyOf(destination.host);
  return (own === undefined ? families : [own]).flatMap((family) => {
    const program = family === 4 ? 'iptables' : 'ip6tables';
    return rulesOf(destination, { ...input, family }).map((rule) => `# ${program} ${rule} -j ACCEPT`);
  });
}

/** The rule and, where connections are not followed, that of its answers. */
function rulesOf(
  { host, port, protocol, role }: Destination,
  { from, stateless, family }: FirewallInput & { readonly family: Family },
): string[] {
  const blocks = blocksOf(from.get(role) ?? [], family).join(',');
  if (from.size > 0 && blocks === '') return [];
  const [there, back] = from.size === 0 ? ['OUTPUT', 'INPUT'] : [`FORWARD -s ${blocks}`, `FORWARD -d ${blocks}`];
  const isAnswer = protocol === 'tcp' ? ' ! --syn' : '';
  const set = `-m set --match-set ${ipsetName(host, family)}`;
  const [to, of] = isLiteral(host)
    ? [`-d ${shortAddress(host)}`, `-s ${shortAddress(host)}`]
    : [`${set} dst`, `${set} src`];
  return [
    `-A ${there} -p ${protocol} --dport ${port} ${to}`,
    ...(stateless ? [`-A ${back} -p ${protocol} --sport ${port}${isAnswer} ${of}`] : []),
  ];
}
