/**
 * FortiGate (FortiOS 6.4 and later) in its CLI. Wildcards in `set type fqdn` are known since FortiOS 6.2.2 (docs.fortinet.com, New Features
 * 6.2, 329154); they hold what DNS answers that pass the FortiGate say, so clients must ask through it, without DNS over HTTPS.
 */
import type { Role } from '../destination.ts';
import { type Family, families, familyOf } from './addresses.ts';
import { policyEntry, section, table } from './fortigate-text.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
  asBlock,
  chunksOf,
  fittingName,
  leftOut,
  type PortRule,
  portRules,
  rolesOf,
  sharedName,
  sourceless,
  sourcesOf,
  unsayable,
} from './port-rules.ts';

/** `--format fortigate`. Throws ERR_USAGE where nothing of the list can be said. */
export const fortigate: FirewallLanguage = {
  name: 'fortigate',
  about: 'FortiGate CLI with (wildcard) FQDN addresses',
  knowsStateless: false,
  print,
};

/**
 * Of addresses and groups; 79 from FortiOS 7.0 on (administration guide, text strings, which forbids quotes, < and > in names, no colon).
 */
const longestName = 63;
/**
 * How many members a group takes differs by model (docs.fortinet.com/max-value-table, firewall.addrgrp:member). This is a cautious guess:
 * several groups in one policy do as well.
 */
const mostMembers = 250;

const header = `# For FortiOS 6.4 and later. The policies end up last: move them, in their order, above all that match the same sources.
# What comes from addresses that were given with --address is denied all else by policies of their own; others meet the implicit policy.
# FQDN addresses count only if the FortiGate and the clients see the same DNS answers: let clients ask it, or the same name servers.
# Narrow "any" to the interfaces, and add "set nat enable" where the site needs it.
`;

/** An address object, and the table it stands in. */
interface Address {
  readonly name: string;
  readonly family: Family;
  readonly lines: readonly string[];
}

interface Policy {
  readonly rule: PortRule;
  readonly family: Family;
  readonly members: readonly Address[];
}

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: false });
  const policies = rules.flatMap((rule) => policiesOf(rule, input));
  if (policies.length === 0) throw unsayable('FortiGate policies');
  const sources = rolesOf(policies.map(({ rule }) => rule)).flatMap((role) => sourceObjects(role, input));
  const objects = unique([...sources.flatMap(({ members }) => members), ...policies.flatMap(({ members }) => members)]);
  const groups = [...sources, ...policies.flatMap(groupsOf)];
  refuseSharedNames(objects, groups);
  const lines = [...policies.flatMap((policy) => policyLines(policy, input)), ...sources.flatMap(denyLines)];
  const text = [
    ...objectSections(objects, groups),
    section('firewall service custom', services(policies)),
    ['config firewall policy', ...lines, 'end', ''].join('\n'),
  ];
  return {
    files: [{ path: 'egress-fortigate.conf', text: header + text.join('') }],
    warnings: [
      ...warnings,
      ...rules.flatMap((rule) => unsaid(rule, input)),
      ...learned(rules),
      ...sourceless(rules, input),
    ],
    use: ['paste egress-fortigate.conf into the CLI of the VDOM, or upload it under System > Configuration scripts'],
  };
}

/** Addresses before the groups that name them; IPv4 before IPv6. */
function objectSections(objects: readonly Address[], groups: readonly Group[]): string[] {
  return [
    ...families.map((family) =>
      section(
        table('address', family),
        objects.filter((object) => object.family === family).map(({ name, lines }) => [name, ...lines]),
      ),
    ),
    ...families.map((family) =>
      section(table('addrgrp', family), groups.filter((group) => group.family === family).map(groupLines)),
    ),
  ];
}

/** IPv6 addresses of names count only where a source of IPv6 was given: with none, rules are for IPv4. */
function policiesOf(rule: PortRule, input: FirewallInput): Policy[] {
  const sources = sourcesOf(input, rule.role);
  return families.flatMap((family) => {
    const hasSource = sources === undefined || sources[family].length > 0;
    const hosts = [...rule.names, ...rule.suffixes.map((suffix) => `*${suffix}`)];
    const named = family === 4 || sources !== undefined ? hosts.map((host) => nameObject(host, family)) : [];
    const literal = rule.addresses
      .filter((address) => familyOf(address) === family)
      .map((address) => blockObject(address));
    const members = hasSource ? [...named, ...literal] : [];
    return members.length === 0 ? [] : [{ rule, family, members }];
  });
}

function nameObject(host: string, family: Family): Address {
  const name = objectName(host.replaceAll('*', 'wildcard'), family === 6 ? '-v6' : '');
  return { name, family, lines: ['set type fqdn', `set fqdn "${host}"`] };
}

function blockObject(address: string): Address {
  const family = address.includes(':') ? 6 : 4;
  const block = asBlock(address);
  // A slash would be fine, but reads like a folder in FortiManager's lists.
  return {
    name: objectName(block.replace('/', '_'), ''),
    family,
    lines: [family === 6 ? `set ip6 ${block}` : `set subnet ${block}`],
  };
}

function objectName(text: string, ending: string): string {
  return fittingName(`airgap-${text}${ending}`, longestName);
}

interface Group {
  readonly name: string;
  readonly family: Family;
  readonly members: readonly Address[];
}

function sourceObjects(role: Role, input: FirewallInput): Group[] {
  const sources = sourcesOf(input, role);
  if (sources === undefined) return [];
  return families
    .filter((family) => sources[family].length > 0)
    .map((family) => ({
      name: sourceName(role, family),
      family,
      members: sources[family].map((block) => blockObject(block)),
    }));
}

function sourceName(role: Role, family: Family): string {
  return `airgap-from-${role}${family === 6 ? '-v6' : ''}`;
}

function groupsOf(policy: Policy): Group[] {
  return chunksOf(policy.members, mostMembers).map((members, index) => ({
    name: `${policyName(policy)}${index === 0 ? '' : `-${index + 1}`}`,
    family: policy.family,
    members,
  }));
}

/** At most 35 characters, as a policy's name has to be (terraform-provider-fortios): `airgap-staging-tcp-443-v6`. */
function policyName({ rule: { role, protocol, port }, family }: Policy): string {
  return `airgap-${role}-${protocol}-${port}${family === 6 ? '-v6' : ''}`;
}

function groupLines({ name, members }: Group): string[] {
  return [name, `set member ${members.map((member) => `"${member.name}"`).join(' ')}`];
}

function services(policies: readonly Policy[]): string[][] {
  const names = new Map(
    policies.map(({ rule: { protocol, port } }) => [serviceName(protocol, port), `set ${protocol}-portrange ${port}`]),
  );
  return [...names].map(([name, line]) => [name, line]);
}

function serviceName(protocol: string, port: number): string {
  return `airgap-${protocol}-${port}`;
}

function policyLines(policy: Policy, input: FirewallInput): string[] {
  const { family, rule } = policy;
  return policyEntry({
    name: policyName(policy),
    family,
    action: 'accept',
    source: sourcesOf(input, rule.role) === undefined ? 'all' : sourceName(rule.role, family),
    destinations: groupsOf(policy).map(({ name }) => name),
    service: serviceName(rule.protocol, rule.port),
  });
}

function denyLines({ name, family }: Group): string[] {
  const own = { name: name.replace('-from-', '-deny-'), family, source: name };
  return policyEntry({ ...own, action: 'deny', destinations: ['all'], service: 'ALL' });
}

function unique(objects: readonly Address[]): Address[] {
  return [...new Map(objects.map((object) => [JSON.stringify(object), object])).values()];
}

/** Addresses and groups share their names: where two had one, the later would take the place of the other, and open something else. */
function refuseSharedNames(objects: readonly Address[], groups: readonly Group[]): void {
  const names = new Set<string>();
  for (const { name, family } of [...objects, ...groups]) {
    if (names.has(`${family} ${name}`)) throw sharedName('FortiGate', name);
    names.add(`${family} ${name}`);
  }
}

/** The object of a wildcard is empty until a client asks (administration guide, using wildcard FQDN addresses in firewall policies). */
function learned(rules: readonly PortRule[]): string[] {
  return rules.every(({ suffixes }) => suffixes.length === 0)
    ? []
    : [
        'a wildcard holds whatever DNS answers that pass the FortiGate say: who may ask a name server of their own opens any address, so let clients reach the name servers of the site alone',
      ];
}

function unsaid(rule: PortRule, input: FirewallInput): string[] {
  const sources = sourcesOf(input, rule.role);
  const unreachable = (family: Family) =>
    sources !== undefined && sources[family].length === 0
      ? rule.addresses.filter((address) => familyOf(address) === family)
      : [];
  return [
    ...leftOut(rule, {
      hosts: rule.patterns,
      reason: 'FortiOS takes a wildcard only as *. at the start: allow the exact hosts, which --observed learns',
    }),
    ...leftOut(rule, {
      hosts: [...unreachable(4), ...unreachable(6)],
      reason: `no address of its family was given for ${rule.role} with --address`,
    }),
  ];
}
