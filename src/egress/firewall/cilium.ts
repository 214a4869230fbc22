/**
 * Cilium: a CiliumNetworkPolicy for what runs in pods, a CiliumClusterwideNetworkPolicy with a nodeSelector for what the nodes themselves
 * connect to (Cilium 1.18.6, 1.19.0 and 1.20.0: Documentation/security/policy, pkg/policy/api, pkg/fqdn/matchpattern).
 */
import { AirgapError } from '../../errors.ts';
import type { Role } from '../destination.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import { asBlock, type PortRule, portRules, rolesOf } from './port-rules.ts';
import { printYaml } from './yaml-text.ts';

/** `--format cilium`. Throws ERR_USAGE where nothing of the list can be said. */
export const cilium: FirewallLanguage = {
  name: 'cilium',
  about: 'CiliumNetworkPolicy with toFQDNs; a host policy for nodes',
  knowsStateless: false,
  print,
};

const header = `# Pods are chosen by the label airgap.role; nodes by the same label on the Node.
# Cilium learns the addresses of toFQDNs from DNS answers that pass its DNS proxy: that is the rule with rules.dns.
# "**." at the start stands for one or more labels from Cilium 1.19 on; before, it stands for one label.
# Any name may be asked for, so that search domains work: narrow rules.dns where data must not leave in DNS questions.
`;

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: true });
  const used = rolesOf(rules);
  if (used.length === 0) {
    throw new AirgapError('ERR_USAGE', 'Cannot write a Cilium policy: no destination of this list can be said in it', {
      hint: 'print --format table to see what is listed',
    });
  }
  const policies = used.map((role) =>
    policyOf(
      role,
      rules.filter((rule) => rule.role === role),
    ),
  );
  return {
    files: [
      {
        path: 'egress-cilium.yaml',
        text: header + policies.map((policy) => printYaml(policy)).join(''),
      },
    ],
    warnings: [
      ...warnings,
      ...used.flatMap((role) =>
        caveats(
          role,
          rules.filter((rule) => rule.role === role),
        ),
      ),
      ...unused(input),
    ],
    use: used.map((role) =>
      role === 'nodes'
        ? 'kubectl label node <name> airgap.role=nodes && kubectl apply -f egress-cilium.yaml'
        : `kubectl apply -n <namespace> -f egress-cilium.yaml   # pods labelled airgap.role=${role}`,
    ),
  };
}

function policyOf(role: Role, rules: readonly PortRule[]): object {
  const selector = { matchLabels: { 'airgap.role': role } };
  const isHostPolicy = role === 'nodes';
  return {
    apiVersion: 'cilium.io/v2',
    kind: isHostPolicy ? 'CiliumClusterwideNetworkPolicy' : 'CiliumNetworkPolicy',
    metadata: { name: `airgap-egress-${role}` },
    spec: {
      description: `Egress of ${role}: what airgap lists for it`,
      [isHostPolicy ? 'nodeSelector' : 'endpointSelector']: selector,
      egress: [...clusterRules(role), ...rules.flatMap(egressOf)],
    },
  };
}

/** A policy with an egress section denies all else: a node must keep reaching its cluster, a pod the cluster's DNS. */
function clusterRules(role: Role): object[] {
  if (role === 'nodes') return [{ toEntities: ['cluster'] }];
  const dns = { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' };
  return [
    {
      toEndpoints: [{ matchLabels: dns }],
      toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: anyQuestion }],
    },
  ];
}

/** Any name may be asked for: search domains are tried too, and what is allowed is said by toFQDNs. */
const anyQuestion = { dns: [{ matchPattern: '*' }] };

function egressOf(rule: PortRule): object[] {
  const toFQDNs = [
    ...rule.names.map((matchName) => ({ matchName })),
    ...rule.suffixes.map((suffix) => ({ matchPattern: `**${suffix}` })),
    // "*" stays within one label, as it does in this program, but for "*." at the start.
    ...rule.patterns.map((pattern) => ({ matchPattern: patternOf(pattern) })),
  ];
  const ports = [{ port: String(rule.port), protocol: rule.protocol.toUpperCase() }];
  // The DNS proxy takes port 53 only (rule_validation.go: "port 53 must be specified for DNS rules").
  const isDns = rule.speaks === 'dns' && rule.port === 53;
  return [
    ...(toFQDNs.length === 0 ? [] : [{ toFQDNs, toPorts: [{ ports }] }]),
    ...(rule.addresses.length === 0
      ? []
      : [{ toCIDR: rule.addresses.map(asBlock), toPorts: [isDns ? { ports, rules: anyQuestion } : { ports }] }]),
  ];
}

/** `**` stays one `*`, unless it was `*.` at the start: Cilium would read more into it than its writer meant. */
function patternOf(wildcard: string): string {
  const single = wildcard.replaceAll(/\*{2,}/g, '*');
  return wildcard.startsWith('*.') ? `*${single}` : single;
}

function caveats(role: Role, rules: readonly PortRule[]): string[] {
  if (role !== 'nodes')
    return [
      `the rules of ${role} count for pods labelled airgap.role=${role}, not for a host outside of the cluster: print another format for that`,
      ...(rules.some(({ addresses }) => addresses.length > 0)
        ? [
            `toCIDR does not mean pods and nodes of the cluster itself: where an address of ${role} is one of theirs, choose it by label or set policyCIDRMatchMode`,
          ]
        : []),
    ];
  const byName = rules.some(({ names, suffixes, patterns }) => names.length + suffixes.length + patterns.length > 0);
  const hasDns = rules.some(({ speaks, port, addresses }) => speaks === 'dns' && port === 53 && addresses.length > 0);
  return [
    'nodes pull images as hosts: their policy needs the host firewall (hostFirewall.enabled=true), and does not count before Cilium runs on a node',
    'nodes may open all of their cluster on any port (toEntities cluster), and nothing outside of it that is not listed: a load balancer before the API servers is outside',
    ...(byName
      ? [
          'names in a host policy need DNS rules for hosts, which Cilium has from 1.19 on and calls beta, and all DNS of the node then waits for the Cilium agent',
        ]
      : []),
    ...(byName && !hasDns
      ? [
          'the name servers of nodes are not in the list, so Cilium learns no address of a name there: give --dns <address>',
        ]
      : []),
  ];
}

function unused({ from }: FirewallInput): string[] {
  return from.size === 0 ? [] : ['--address is not used: Cilium chooses who connects by label'];
}
