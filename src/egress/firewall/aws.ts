/**
 * AWS Network Firewall: a stateful rule group of Suricata rules (docs.aws.amazon.com/network-firewall: stateful-rule-groups-ips, quotas,
 * suricata-limitations-caveats, suricata-rule-evaluation-order; Suricata 7.0 as of November 2024). Rules in place of a domain list: those
 * know neither ports nor UDP, and cannot tell roles apart.
 */
import { AirgapError } from '../../errors.ts';
import type { Role } from '../destination.ts';
import { familyOf } from './addresses.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
  addressesOf,
  leftOut,
  type PortRule,
  placeOf,
  portRules,
  rolesOf,
  rolesWithoutSource,
  shortestTtl,
  sourceless,
  sourcesOf,
  wildcardsOf,
} from './port-rules.ts';

/** `--format aws`. Throws ERR_USAGE where nothing of the list can be said, or where it is more than a rule group holds. */
export const aws: FirewallLanguage = {
  name: 'aws',
  about: 'AWS Network Firewall: a stateful rule group',
  knowsStateless: false,
  print,
};

/** Quotas that cannot be changed: capacity of a group, and bytes of its text, which fewer rules than that fill. */
const mostCapacity = 30_000;
const mostBytes = 2_000_000;
const firstSid = 1_000_001;

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: true });
  const lines = rules
    .flatMap((rule) => linesOf(rule, input))
    .map((line, index) => `${line} sid:${firstSid + index}; rev:1;)`);
  const text = lines.join('\n');
  refuseImpossible(lines, text);
  const used = rolesOf(rules);
  const group = {
    ...variables(used, input),
    RulesSource: { RulesString: text },
    StatefulRuleOptions: { RuleOrder: 'STRICT_ORDER' },
  };
  return {
    files: [{ path: 'egress-aws.json', text: `${JSON.stringify(group, undefined, 2)}\n` }],
    warnings: [
      ...warnings,
      ...rules.flatMap((rule) => unsaid(rule, input)),
      ...trusting(rules),
      ...aging(rules, input),
      ...homeNet(rules, input),
      ...sourceless(rules, input),
    ],
    use: [
      `aws network-firewall create-rule-group --type STATEFUL --rule-group-name airgap-egress --capacity ${capacityFor(lines.length)} --rule-group file://egress-aws.json`,
      'in the firewall policy: StatefulEngineOptions RuleOrder STRICT_ORDER, StatefulDefaultActions aws:drop_established_app_layer_to_server and aws:alert_established_app_layer_to_server, StatelessDefaultActions and StatelessFragmentDefaultActions aws:forward_to_sfe',
    ],
  };
}

function refuseImpossible(lines: readonly string[], text: string): void {
  const state =
    lines.length === 0
      ? 'no destination of this list can be said in it'
      : text.length > mostBytes
        ? `${lines.length} rules of ${text.length} bytes are more than the ${mostBytes} bytes it may hold`
        : undefined;
  if (state === undefined) return;
  throw new AirgapError('ERR_USAGE', `Cannot write a rule group of AWS Network Firewall: ${state}`, {
    hint: 'look names up with --look-up where it is not HTTP or HTTPS, or print fewer roles with --role',
  });
}

/** A group's capacity is fixed once it is made: twice of what is needed now, in hundreds, as far as there is more. One rule takes one. */
function capacityFor(rules: number): number {
  return Math.min(mostCapacity, Math.ceil((rules * 2) / 100) * 100);
}

function variables(used: readonly Role[], input: FirewallInput): object {
  const sets = used.flatMap((role) => {
    const sources = sourcesOf(input, role);
    return sources === undefined ? [] : [[variableOf(role), { Definition: [...sources[4], ...sources[6]] }] as const];
  });
  return sets.length === 0 ? {} : { RuleVariables: { IPSets: Object.fromEntries(sets) } };
}

function variableOf(role: Role): string {
  return `AIRGAP_${role.toUpperCase()}`;
}

/** HOME_NET is the CIDR block of the VPC that holds the firewall, unless the policy says otherwise. */
function homeNet(rules: readonly PortRule[], input: FirewallInput): string[] {
  const without = rolesWithoutSource(rules, input);
  return without.length === 0
    ? []
    : [`$HOME_NET stands for ${without.join(', ')}: it is the VPC of the firewall alone, unless the policy sets it`];
}

/**
 * Rules without their sid and end. Those of addresses say nothing of the flow: Suricata decides them by a flow's first packet then, and
 * passes its answers too. With `flow:to_server` it would pass what is asked, and drop what is answered (Suricata 7.0.10).
 */
function linesOf(rule: PortRule, input: FirewallInput): string[] {
  const source = sourcesOf(input, rule.role) === undefined ? '$HOME_NET' : `$${variableOf(rule.role)}`;
  const start = (protocol: string, to: string, host: string) =>
    `pass ${protocol} ${source} any -> ${to} ${rule.port} (msg:"airgap ${host} for ${rule.role}";`;
  const match = matchers(rule);
  const byName =
    match === undefined
      ? []
      : [
          ...rule.names.map((name) => [name, match.exact(name)] as const),
          ...wildcardsOf(rule).map((wildcard) => [wildcard, match.wild(wildcard)] as const),
        ];
  const blocks = [...rule.addresses, ...(match === undefined ? addressesOf(rule.names, input).addresses : [])];
  return [
    ...byName.map(
      ([host, options]) => `${start(rule.speaks === 'http' ? 'http' : 'tls', 'any', host)} flow:to_server; ${options}`,
    ),
    ...blocks.map((address) => start(rule.protocol, familyOf(address) === 6 ? `[${address}]` : address, address)),
  ];
}

interface Matchers {
  readonly exact: (name: string) => string;
  readonly wild: (wildcard: string) => string;
}

/** Suricata reads names of TLS and HTTP only. It refuses `nocase` for `http.host`, which holds no port. */
function matchers({ protocol, speaks }: PortRule): Matchers | undefined {
  if (protocol !== 'tcp' || (speaks !== 'https' && speaks !== 'http')) return undefined;
  const [buffer, nocase] = speaks === 'https' ? ['tls.sni;', ' nocase;'] : ['http.host;', ''];
  return {
    exact: (name) => `${buffer} content:"${name}"; startswith; endswith;${nocase}`,
    wild: (wildcard) => {
      const suffix = wildcard.slice(wildcard.lastIndexOf('*') + 1);
      // Without `dotprefix`: it would let the domain itself through, which `*.` does not cover.
      const ending = `${buffer} content:"${suffix}"; endswith;${nocase}`;
      return wildcard === `*${suffix}` && suffix.startsWith('.')
        ? ending
        : `${ending} pcre:"/^${expressionOf(wildcard)}$/i";`;
    },
  };
}

/** `*.` at the start is any number of labels, another `*` part of one: as covers() reads them. */
function expressionOf(wildcard: string): string {
  const many = wildcard.startsWith('*.');
  const rest = (many ? wildcard.slice(2) : wildcard).replaceAll('.', '\\.').replaceAll(/\*+/g, '[^.]*');
  return many ? `([^.]+\\.)+${rest}` : rest;
}

/** Any firewall that reads names from the traffic itself has to be told this; here nothing ties the name to an address. */
function trusting(rules: readonly PortRule[]): string[] {
  const byName = rules.some((rule) => matchers(rule) !== undefined && rule.names.length + wildcardsOf(rule).length > 0);
  return byName
    ? [
        'names are what clients say in TLS and HTTP: one that lies reaches any address on those ports, unless TLS inspection is on',
        // Go since 1.24 and OpenSSL since 3.5 send such hellos unasked.
        'the default action aws:drop_established drops TLS hellos that take two packets, as those with post-quantum keys do: choose aws:drop_established_app_layer_to_server',
      ]
    : [];
}

function unsaid(rule: PortRule, input: FirewallInput): string[] {
  if (matchers(rule) !== undefined) return [];
  const reason = `only HTTP and HTTPS are told apart by name there, and no address of it is known: look it up with --look-up`;
  return [
    ...leftOut(rule, { hosts: addressesOf(rule.names, input).without, reason }),
    ...leftOut(rule, {
      hosts: wildcardsOf(rule),
      reason: 'only HTTP and HTTPS are told apart by name there: allow the addresses it has',
    }),
  ];
}

function aging(rules: readonly PortRule[], input: FirewallInput): string[] {
  return rules
    .filter((rule) => matchers(rule) === undefined)
    .flatMap((rule) =>
      rule.names
        .filter((name) => input.addresses.has(name))
        .map((name) => ({ rule, name, ttl: shortestTtl([name], input) })),
    )
    .flatMap(({ rule, name, ttl }) =>
      ttl === undefined
        ? []
        : [`${placeOf(rule, name)} is allowed by the addresses of one moment, with a TTL of ${ttl} s`],
    );
}
