/** nftables: one table, with a set for each host that `egress resolve` or dnsmasq keeps filled, and one rule for each destination. */
import { type Destination, type Role, roles } from '../destination.ts';
import { blocksOf, families, familyOf } from './addresses.ts';
import { checkInput, hostKind } from './hosts.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import { forwardChain, hostChains } from './nft-chains.ts';
import { checkSetNames, longestTimeout, nftTable, setName, timeoutsOf } from './sets.ts';

/** Rules of a host (chain output) or, with addresses of who connects, of a gateway (chain forward). */
export const nftables: FirewallLanguage = {
  name: 'nftables',
  about: 'a table for nft, its sets filled by looked up addresses',
  knowsStateless: true,
  print: printNftables,
};

function printNftables(input: FirewallInput): FirewallText {
  checkInput(input);
  const covered = coveredBy(input);
  checkSetNames(covered.map(({ host }) => host));
  const isGateway = input.from.size > 0;
  const table = `table ${nftTable.family} ${nftTable.name}`;
  const lines = [
    ...heading(input),
    table,
    `delete ${table}`,
    `${table} {`,
    ...[...fromSets(input), ...hostSets(covered, input)].map(indented),
    ...(isGateway ? forwardChain(covered, input) : hostChains(covered, input)).map(indented),
    '}',
  ];
  return {
    files: [{ path: 'egress.nft', text: `${lines.join('\n')}\n` }],
    warnings: warningsOf(covered, input),
    use: ['nft -c -f egress.nft', 'nft -f egress.nft'],
  };
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

/** What these rules are about: a host's proxy opens the rest, and a gateway knows roles by their addresses. */
function coveredBy({ destinations, from }: FirewallInput): readonly Destination[] {
  return destinations.filter(({ role, through }) => through === undefined && (from.size === 0 || from.has(role)));
}

function heading({ from, stateless }: FirewallInput): string[] {
  return [
    '# Made by "airgap egress --format nftables". Check: nft -c -f egress.nft. Load: nft -f egress.nft',
    ...(from.size > 0 ? aboutGateway(stateless) : aboutHost(stateless)),
    ...(stateless
      ? []
      : [
          '# Connections that are open while it is loaded go on, to whatever host: "conntrack -F" (package conntrack) ends them.',
        ]),
    '# Loading it again replaces the whole table in one step. Addresses that were added to its sets since are gone then: let',
    '# "airgap egress resolve --watch" or dnsmasq fill them again. One line is one destination, and each can be taken out by itself.',
    '# Rules hold addresses, not names: where one address serves many names, as those of content networks do, all of them are open.',
  ];
}

function aboutHost(stateless: boolean): string[] {
  return [
    stateless
      ? '# Rules of the host itself: what it may open, and what others may open to it.'
      : '# Rules of the host itself: what it may open. What others open to it is not limited by this table.',
    '# What it forwards is not limited either: containers and virtual machines with addresses of their own.',
  ];
}

function aboutGateway(stateless: boolean): string[] {
  return [
    '# Rules of a gateway: only what comes from the addresses in the sets from4_ROLE and from6_ROLE is limited. Others pass as before,',
    '# so the policy of the chain is accept, and each role ends with a rule that rejects the rest of what it sends.',
    ...(stateless
      ? ['# To these addresses nothing but answers is let through: nobody can open anything to them.']
      : []),
    '# What is sent to the gateway itself, as to a proxy or name server on it, is not forwarded, and not limited here.',
  ];
}

function fromSets({ from }: FirewallInput): string[] {
  return roles.flatMap((role) =>
    families.flatMap((family) => {
      const blocks = blocksOf(from.get(role) ?? [], family);
      const elements = blocks.length === 0 ? '' : ` elements = { ${blocks.join(', ')} };`;
      return elements === ''
        ? []
        : [`set from${family}_${role} { type ipv${family}_addr; flags interval; auto-merge;${elements} }`];
    }),
  );
}

function hostSets(covered: readonly Destination[], { addresses, graceSeconds }: FirewallInput): string[] {
  const hosts = [...new Set(covered.map(({ host }) => host))].filter(hasSet);
  return hosts.flatMap((host) =>
    families.map((family) => {
      const known = (addresses.get(host) ?? []).filter(({ address }) => familyOf(address) === family);
      const timeouts = timeoutsOf(known, { graceSeconds, longest: longestTimeout });
      const elements = [...timeouts].map(([address, seconds]) => `${address} timeout ${seconds}s`);
      const filling = elements.length === 0 ? '' : ` elements = { ${elements.join(', ')} };`;
      return `set ${setName(host, family)} { type ipv${family}_addr; flags timeout;${filling} }`;
    }),
  );
}

function hasSet(host: string): boolean {
  const kind = hostKind(host);
  return kind === 'name' || kind === 'wildcard';
}

function warningsOf(covered: readonly Destination[], input: FirewallInput): string[] {
  const { destinations, addresses, from } = input;
  const hosts = [...new Set(covered.map(({ host }) => host))];
  const empty = hosts.filter((host) => hostKind(host) === 'name' && (addresses.get(host) ?? []).length === 0);
  const left = [...new Set(destinations.map(({ role }) => role))].filter((role) => from.size > 0 && !from.has(role));
  return [
    ...(empty.length === 0
      ? []
      : [
          `of ${few(empty)} no address is written: nothing reaches ${empty.length === 1 ? 'it' : 'them'} until --look-up writes it in, or "airgap egress resolve --watch" or dnsmasq fills the sets`,
        ]),
    ...hosts
      .filter((host) => hostKind(host) === 'wildcard')
      .map(
        (host) =>
          `${host} cannot be resolved: let dnsmasq fill its sets (--format dnsmasq), or list the exact hosts that a run contacted (--observed)`,
      ),
    ...hosts
      .filter((host) => hostKind(host) === 'place')
      .map((host) => `${host} is not known here: write its address into the rule that stands there as a comment`),
    ...[...from].flatMap(([role, blocks]) =>
      families
        .filter((family) => blocksOf(blocks, family).length === 0)
        .map((family) => `what ${role} sends over IPv${family} is not limited: --address ${role}=... names none`),
    ),
    ...left.map((role) => `${role} is left out: it has no --address ${role}=...`),
    ...(from.size > 0 && input.stateless
      ? [
          `stateless rules of a gateway let answers alone through to ${listed([...from.keys()])}: what others open to them needs rules of its own, in both directions`,
        ]
      : []),
    ...hostWarnings(covered, input),
  ];
}

/** What a host of its own needs besides. */
function hostWarnings(covered: readonly Destination[], { from, stateless }: FirewallInput): string[] {
  if (from.size > 0) return [];
  const present = roles.filter((role) => covered.some((destination) => destination.role === role));
  return [
    ...(present.length > 1
      ? [`these rules of one host open what ${listed(present)} need together: narrow them with --role`]
      : []),
    ...(present.includes('nodes')
      ? ['Talos loads no nftables file: for rules on a gateway of the nodes, say --address nodes=...']
      : []),
    ...present
      .filter((role) => !covered.some((one) => one.role === role && one.speaks === 'dns'))
      .map((role) => `nothing in the list of ${role} speaks DNS: add a rule for its name server`),
    ...(stateless
      ? [
          'stateless rules of a host limit what comes in too: set inbound_tcp holds the ports that others may open, at first 22 alone',
        ]
      : []),
  ];
}

function listed(present: readonly Role[]): string {
  const last = present.at(-1) ?? '';
  return present.length < 2 ? last : `${present.slice(0, -1).join(', ')} and ${last}`;
}

/** The file names each of them. */
function few(hosts: readonly string[]): string {
  return hosts.length <= 6 ? hosts.join(', ') : `${hosts.slice(0, 4).join(', ')} and ${hosts.length - 4} other names`;
}
