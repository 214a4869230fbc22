/**
 * Google Cloud: rules of a global network firewall policy, as gcloud commands (docs.cloud.google.com/firewall/docs/fqdn-objects-overview,
 * read 2026: a name is resolved by Cloud DNS of the VPC, at most 32 addresses of each family; wildcards are not known).
 */
import type { Role } from '../destination.ts';
import { type Family, families, familyOf } from './addresses.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
  asBlock,
  chunksOf,
  leftOut,
  type PortRule,
  portRules,
  rolesOf,
  sourceless,
  sourcesOf,
  unsayable,
  wildcardsNeedNames,
  wildcardsOf,
} from './port-rules.ts';

/** `--format gcp`. Throws ERR_USAGE where nothing of the list can be said. */
export const gcp: FirewallLanguage = {
  name: 'gcp',
  about: 'Google Cloud: network firewall policy rules with FQDN objects',
  knowsStateless: false,
  print,
};

/** FirewallPolicyRuleMatcher of the Compute API v1: at most 100 destFqdns in a rule. */
const mostNames = 100;
/** Of addresses the API takes 5,000; short lines are easier to review. */
const mostBlocks = 256;
const firstPriority = 1000;
/** After all of the rules above, before what a policy always has at its end. */
const denyPriority = 2_000_000_000;

/** The flags of one rule. */
interface Rule {
  readonly priority: number;
  readonly action: 'allow' | 'deny';
  readonly about: string;
  readonly flags: readonly string[];
}

const header = `#!/bin/sh
# Rules of a network firewall policy of Cloud NGFW (Standard: FQDN objects).
# Names are resolved by the VPC's own Cloud DNS: FQDN objects do not work with an alternative name server in an outbound server policy.
# The metadata server, 169.254.169.254, answers every machine, DNS questions too: no rule closes it.
set -eu
policy="\${POLICY:-airgap-egress}"
rule() {
  gcloud compute network-firewall-policies rules create "$@" --firewall-policy="$policy" --global-firewall-policy --direction=EGRESS
}
`;

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: false });
  const allowed = rules
    .flatMap((rule) => flagsOf(rule, input))
    .map((rule, index) => ({ ...rule, priority: firstPriority + index }));
  if (allowed.length === 0) throw unsayable('rules for Google Cloud', wildcardsNeedNames);
  const used = rolesOf(rules);
  const all = [...allowed, ...deniesOf(used, input)];
  return {
    files: [{ path: 'egress-gcp.sh', text: header + all.map(line).join('') }],
    warnings: [...warnings, ...rules.flatMap((rule) => unsaid(rule, input)), ...among, ...sourceless(rules, input)],
    use: [
      'gcloud compute network-firewall-policies create airgap-egress --global',
      'sh egress-gcp.sh',
      'gcloud compute network-firewall-policies associations create --firewall-policy=airgap-egress --network=<network> --global-firewall-policy',
    ],
  };
}

/** Rules count on every machine of the network, not on a gateway (docs.cloud.google.com/firewall/docs/firewall-policies-rule-details). */
const among = [
  `what the machines of the network open to each other is denied too: allow it in the policy, before priority ${denyPriority}`,
  'what VPC firewall rules of the network allow to leave is never asked of this policy: remove such rules, or gcloud compute networks update <network> --network-firewall-policy-enforcement-order=BEFORE_CLASSIC_FIREWALL',
];

function line({ priority, action, about, flags }: Rule): string {
  return `rule ${priority} --action=${action} ${flags.join(' ')} --description="${about}"\n`;
}

/**
 * Sources and destinations of one rule have to be of one family. Source ranges beside FQDNs: gcloud 528 makes such requests, and nothing
 * was found that forbids them; whether the service takes them was not tried.
 */
function flagsOf(rule: PortRule, input: FirewallInput): Omit<Rule, 'priority'>[] {
  const sources = sourceFlags(rule.role, input);
  const about = `${rule.role} ${rule.protocol}/${rule.port}`;
  const layer4 = `--layer4-configs=${rule.protocol}:${rule.port}`;
  const names = chunksOf(rule.names.filter(isAccepted), mostNames).flatMap((chunk) =>
    [...new Set(sources.map(({ flag }) => flag))].map((flag) => [...flag, layer4, `--dest-fqdns=${chunk.join(',')}`]),
  );
  const blocks = sources.flatMap(({ flag, family }) =>
    chunksOf(
      rule.addresses.filter((address) => familyOf(address) === family),
      mostBlocks,
    ).map((chunk) => [...flag, layer4, `--dest-ip-ranges=${chunk.map(asBlock).join(',')}`]),
  );
  return [...names, ...blocks].map((flags) => ({ action: 'allow', about, flags }));
}

const noSource: readonly string[] = [];

function sourceFlags(
  role: Role,
  input: FirewallInput,
): { readonly family: Family; readonly flag: readonly string[] }[] {
  const sources = sourcesOf(input, role);
  return families
    .filter((family) => sources === undefined || sources[family].length > 0)
    .map((family) => ({
      family,
      flag: sources === undefined ? noSource : [`--src-ip-ranges=${sources[family].map(asBlock).join(',')}`],
    }));
}

/** Without it, VPC networks allow all egress by an implied rule. */
function deniesOf(used: readonly Role[], input: FirewallInput): Rule[] {
  const everybody = used.some((role) => sourcesOf(input, role) === undefined);
  const flags = everybody
    ? families.map((family) => ({ family, flag: noSource }))
    : used.flatMap((role) => sourceFlags(role, input));
  return flags.map(({ family, flag }, index) => ({
    priority: denyPriority + index,
    action: 'deny',
    about: 'all else',
    flags: [
      ...flag,
      '--layer4-configs=all',
      `--dest-ip-ranges=${family === 4 ? '0.0.0.0/0' : '::/0'}`,
      '--enable-logging',
    ],
  }));
}

/** Host names as RFC 1123 has them: no underscores. */
function isAccepted(name: string): boolean {
  return !name.includes('_');
}

function unsaid(rule: PortRule, input: FirewallInput): string[] {
  const given = sourceFlags(rule.role, input).map(({ family }) => family);
  return [
    ...leftOut(rule, { hosts: wildcardsOf(rule), reason: wildcardsNeedNames }),
    ...leftOut(rule, {
      hosts: rule.names.filter((name) => !isAccepted(name)),
      reason: 'an FQDN object takes no underscore: allow its addresses',
    }),
    ...leftOut(rule, {
      hosts: rule.addresses.filter((address) => !given.some((family) => family === familyOf(address))),
      reason: `no address of its family was given for ${rule.role} with --address`,
    }),
  ];
}
