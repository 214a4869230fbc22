/**
 * Kubernetes NetworkPolicy: pods only, addresses only (kubernetes.io/docs/concepts/services-networking/network-policies, v1.34: "What you
 * can't do with network policies"). Names have to be looked up, and again when they change.
 */
import { AirgapError } from '../../errors.ts';
import { type Role, roles } from '../destination.ts';
import type { FirewallInput, FirewallLanguage, FirewallText } from './language.ts';
import {
  addressesOf,
  asBlock,
  leftOut,
  type PortRule,
  portRules,
  shortestTtl,
  wildcardsNeedNames,
  wildcardsOf,
} from './port-rules.ts';
import { printYaml } from './yaml-text.ts';

/** `--format network-policy`. Throws ERR_USAGE where nothing of the list can be said. */
export const networkPolicy: FirewallLanguage = {
  name: 'network-policy',
  about: 'Kubernetes NetworkPolicy: pods, and addresses in place of names',
  knowsStateless: false,
  print,
};

const header =
  '# Pods are chosen by the label airgap.role. Names are not known to a NetworkPolicy: these are addresses of one moment.\n';

function print(input: FirewallInput): FirewallText {
  const { rules, warnings } = portRules(input, { bySpeaks: false });
  const pods = rules.filter(({ role }) => role !== 'nodes');
  const policies = roles
    .map((role) => ({
      role,
      egress: pods.filter((rule) => rule.role === role).flatMap((rule) => egressOf(rule, input)),
    }))
    .filter(({ egress }) => egress.length > 0)
    .map(({ role, egress }) => policyOf(role, egress));
  if (policies.length === 0) {
    throw new AirgapError(
      'ERR_USAGE',
      "Cannot write a NetworkPolicy: it takes addresses of pods' destinations, and none is known",
      {
        hint: 'look the names up with --look-up; what nodes pull is never seen by a NetworkPolicy: use --format cilium or nftables',
      },
    );
  }
  return {
    files: [
      {
        path: 'egress-network-policy.yaml',
        text: header + policies.map((policy) => printYaml(policy)).join(''),
      },
    ],
    warnings: [...warnings, ...rules.flatMap((rule) => unsaid(rule, input)), ...aging(pods, input), ...unused(input)],
    use: ['kubectl apply -n <namespace> -f egress-network-policy.yaml   # for pods labelled airgap.role=<role>'],
  };
}

function policyOf(role: Role, egress: readonly object[]): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: `airgap-egress-${role}` },
    spec: {
      podSelector: { matchLabels: { 'airgap.role': role } },
      policyTypes: ['Egress'],
      egress: [clusterDns, ...egress],
    },
  };
}

const clusterDns = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

function egressOf(rule: PortRule, input: FirewallInput): object[] {
  const all = [...new Set([...rule.addresses, ...addressesOf(rule.names, input).addresses])];
  if (all.length === 0) return [];
  const to = all.map((address) => ({ ipBlock: { cidr: asBlock(address) } }));
  return [{ to, ports: [{ protocol: rule.protocol.toUpperCase(), port: rule.port }] }];
}

function unsaid(rule: PortRule, input: FirewallInput): string[] {
  if (rule.role === 'nodes') {
    const reason = 'what a node itself connects to is never seen by a NetworkPolicy: use --format cilium or nftables';
    return leftOut(rule, { hosts: [...rule.names, ...wildcardsOf(rule), ...rule.addresses], reason });
  }
  return [
    ...leftOut(rule, {
      hosts: addressesOf(rule.names, input).without,
      reason: 'a NetworkPolicy takes addresses, and none is known: look names up with --look-up',
    }),
    ...leftOut(rule, { hosts: wildcardsOf(rule), reason: wildcardsNeedNames }),
  ];
}

function aging(rules: readonly PortRule[], input: FirewallInput): string[] {
  const ttl = shortestTtl(
    rules.flatMap(({ names }) => names),
    input,
  );
  return ttl === undefined
    ? []
    : [
        `addresses were looked up once and the shortest TTL is ${ttl} s: print and apply again when they change, or use --format cilium`,
      ];
}

function unused({ from }: FirewallInput): string[] {
  return from.size === 0 ? [] : ['--address is not used: a NetworkPolicy chooses who connects by label'];
}
