/**
 * Azure Firewall: a rule collection group of a firewall policy, as ARM template (learn.microsoft.com/azure/templates/microsoft.network/
 * firewallpolicies/rulecollectiongroups; firewall/fqdn-filtering-network-rules, 2026-03-28: network rules take no wildcards, and need the
 * DNS proxy of the firewall).
 */
import { familyOf } from './addresses.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
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

/** `--format azure`. Throws ERR_USAGE where nothing of the list can be said. */
export const azure: FirewallLanguage = {
  name: 'azure',
  about: 'Azure Firewall: application and network rules of a policy',
  knowsStateless: false,
  print,
};

/** "For good performance, do not exceed more than 1000 FQDNs across all network rules per firewall" (azure-docs, limits of Azure Firewall). */
const mostNetworkNames = 1000;
/** Of an application rule (FirewallPolicyRuleApplicationProtocol, API 2023-04-01). */
const highestWebPort = 64_000;

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: true });
  const network = rules.flatMap((rule) => networkRules(rule, input));
  const application = rules.flatMap((rule) => applicationRules(rule, input));
  if (network.length + application.length === 0) throw unsayable('rules of Azure Firewall');
  const collections = [
    collection('airgap-network', 100, network),
    collection('airgap-application', 200, application),
  ].flat();
  return {
    files: [{ path: 'egress-azure.json', text: `${JSON.stringify(template(collections), undefined, 2)}\n` }],
    warnings: [
      ...warnings,
      ...rules.flatMap((rule) => unsaid(rule, input)),
      ...dnsProxy(rules),
      ...unfiltered(rules, input),
      ...sourceless(rules, input),
    ],
    use: [
      'az deployment group create --resource-group <group> --template-file egress-azure.json --parameters firewallPolicyName=<policy>',
    ],
  };
}

function template(ruleCollections: readonly object[]): object {
  return {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters: {
      firewallPolicyName: { type: 'string' },
      priority: { type: 'int', defaultValue: 1000, minValue: 100, maxValue: 65_000 },
    },
    resources: [
      {
        type: 'Microsoft.Network/firewallPolicies/ruleCollectionGroups',
        apiVersion: '2023-04-01',
        name: "[concat(parameters('firewallPolicyName'), '/airgap-egress')]",
        properties: { priority: "[parameters('priority')]", ruleCollections },
      },
    ],
  };
}

function collection(name: string, priority: number, rules: readonly object[]): object[] {
  if (rules.length === 0) return [];
  return [
    { ruleCollectionType: 'FirewallPolicyFilterRuleCollection', name, priority, action: { type: 'Allow' }, rules },
  ];
}

/**
 * Names of HTTP and HTTPS are read from the connection itself, and looked up by the firewall, which connects to what it finds: where the
 * client meant to go does not count (learn.microsoft.com/azure/firewall/dns-details), so no lie about a name leads elsewhere.
 */
function isWeb({ protocol, speaks, port }: PortRule): boolean {
  return protocol === 'tcp' && (speaks === 'https' || speaks === 'http') && port <= highestWebPort;
}

function applicationRules(rule: PortRule, input: FirewallInput): object[] {
  const sourceAddresses = sources(rule, input);
  const targetFqdns = [...rule.names, ...rule.suffixes.map((suffix) => `*${suffix}`)];
  if (!isWeb(rule) || targetFqdns.length === 0 || sourceAddresses.length === 0) return [];
  const protocols = [{ protocolType: rule.speaks === 'https' ? 'Https' : 'Http', port: rule.port }];
  return [{ ruleType: 'ApplicationRule', name: nameOf(rule, 'application'), protocols, targetFqdns, sourceAddresses }];
}

/** Addresses and names of one network rule exclude each other. */
function networkRules(rule: PortRule, input: FirewallInput): object[] {
  const sourceAddresses = sources(rule, input);
  const destinationAddresses = rule.addresses.filter((address) => familyOf(address) === 4);
  const destinationFqdns = isWeb(rule) ? [] : rule.names;
  if (sourceAddresses.length === 0) return [];
  const shared = { ipProtocols: [rule.protocol.toUpperCase()], sourceAddresses, destinationPorts: [String(rule.port)] };
  return [
    ...(destinationAddresses.length === 0
      ? []
      : [{ ruleType: 'NetworkRule', name: nameOf(rule, 'addresses'), ...shared, destinationAddresses }]),
    ...(destinationFqdns.length === 0
      ? []
      : [{ ruleType: 'NetworkRule', name: nameOf(rule, 'names'), ...shared, destinationFqdns }]),
  ];
}

function nameOf({ role, speaks, protocol, port }: PortRule, kind: string): string {
  return `${role}-${speaks}-${protocol}-${port}-${kind}`;
}

/** Azure Firewall filters IPv4. */
function sources({ role }: PortRule, input: FirewallInput): readonly string[] {
  return sourcesOf(input, role)?.[4] ?? ['*'];
}

function unsaid(rule: PortRule, input: FirewallInput): string[] {
  if (sources(rule, input).length === 0) {
    const reason = `Azure Firewall filters IPv4, and no IPv4 address of ${rule.role} was given with --address`;
    return leftOut(rule, { hosts: [...rule.names, ...wildcardsOf(rule), ...rule.addresses], reason });
  }
  const wild = isWeb(rule) ? [] : wildcardsOf(rule);
  return [
    ...leftOut(rule, {
      hosts: rule.addresses.filter((address) => familyOf(address) === 6),
      reason: 'Azure Firewall filters IPv4',
    }),
    ...leftOut(rule, { hosts: wild, reason: wildcardReason(rule) }),
    ...leftOut(rule, {
      hosts: isWeb(rule) ? rule.patterns : [],
      reason: 'Azure Firewall takes a wildcard only as *. at the start: allow the exact hosts, which --observed learns',
    }),
  ];
}

function wildcardReason({ port }: PortRule): string {
  const why = port > highestWebPort ? `its port is above ${highestWebPort}` : 'it is neither HTTP nor HTTPS';
  return `${why}: ${wildcardsNeedNames}`;
}

function unfiltered(rules: readonly PortRule[], input: FirewallInput): string[] {
  return rolesOf(rules)
    .flatMap((role) => sourcesOf(input, role)?.[6].map((source) => ({ role, source })) ?? [])
    .map(
      ({ role, source }) =>
        `${source} of ${role} is not limited by these rules: Azure Firewall filters IPv4, so deny its way out in a network security group`,
    );
}

function dnsProxy(rules: readonly PortRule[]): string[] {
  const names = new Set(rules.filter((rule) => !isWeb(rule)).flatMap((rule) => rule.names));
  return [
    ...(names.size === 0 ? [] : ['names in network rules need the DNS proxy of the firewall, and clients that ask it']),
    ...(names.size > mostNetworkNames
      ? [`${names.size} names in network rules are more than the ${mostNetworkNames} that Azure advises`]
      : []),
  ];
}
