/** What to set where a proxy is used: the variables of the hosts, and a document for Talos nodes. Read as src/http/proxy.ts says. */
import { type Destination, printPlace, type Role, roles } from '../destination.ts';
import { blocksOf, shortAddress } from './addresses.ts';
import { checkInput, hostKind } from './hosts.ts';
import type { FirewallFile, FirewallInput, FirewallLanguage, FirewallText } from './language.ts';

/** One file for each role: what must not go through the proxy, and the proxy where the list knows it. */
export const noProxy: FirewallLanguage = {
  name: 'no-proxy',
  about: 'HTTPS_PROXY and NO_PROXY of hosts and nodes',
  knowsStateless: false,
  print: printNoProxy,
};

function printNoProxy(input: FirewallInput): FirewallText {
  checkInput(input);
  const present = roles.filter((role) => input.destinations.some((destination) => destination.role === role));
  const used: readonly Role[] = present.length === 0 ? ['staging'] : present;
  return {
    files: used.map((role) => (role === 'nodes' ? nodesFile(input) : hostFile(role, input))),
    warnings: used.flatMap((role) => warningsOf(role, input)),
    use: used.map((role) =>
      role === 'nodes'
        ? 'talosctl patch machineconfig --patch @egress-proxy-nodes.yaml (Talos 1.13 and newer; before: machine.env, as in the file)'
        : `EnvironmentFile=/etc/airgap/egress-proxy-${role}.env in a systemd unit, or: set -a; . ./egress-proxy-${role}.env; set +a`,
    ),
  };
}

interface Setting {
  readonly role: Role;
  /** `http://proxy.site:3128`; undefined where the list knows of none. */
  readonly proxy: string | undefined;
  /** Entries of NO_PROXY. */
  readonly exempt: readonly string[];
}

function settingOf(role: Role, input: FirewallInput): Setting {
  const [proxy] = proxiesOf(role, input);
  const exempt = ['localhost', '127.0.0.0/8', '::1', ...(role === 'nodes' ? clusterNames(input) : [])];
  const direct = directOf(role, input).flatMap(entriesOf);
  return {
    role,
    proxy: proxy === undefined ? undefined : `http://${proxy}`,
    exempt: [...new Set([...exempt, ...direct])],
  };
}

function proxiesOf(role: Role, { destinations }: FirewallInput): string[] {
  const named = destinations.filter((destination) => destination.role === role).map(({ through }) => through);
  return [...new Set(named.filter((through) => through !== undefined))];
}

/**
 * What the site configured; and where some go through a proxy, whatever does not. Only HTTP is sent through one, so what speaks
 * something else needs no word.
 */
function directOf(role: Role, input: FirewallInput): Destination[] {
  const proxies = proxiesOf(role, input);
  return input.destinations.filter(
    ({ role: own, component, speaks, through, host, port }) =>
      own === role &&
      through === undefined &&
      (speaks === 'https' || speaks === 'http') &&
      (component === 'site' || proxies.length > 0) &&
      !proxies.includes(printPlace({ host, port })),
  );
}

/** A host counts with its subdomains, `.x` for these alone. Ports are left out: not every program reads them. */
function entriesOf({ host }: Destination): string[] {
  const kind = hostKind(host);
  if (kind === 'place' || isInner(host)) return [];
  return [kind === 'wildcard' ? host.slice(1) : shortAddress(host)];
}

function isInner(host: string): boolean {
  return hostKind(host) === 'wildcard' && !/^\*\.[^*]+$/.test(host);
}

/** Names in the cluster, its pods and services as Talos and Kubernetes number them by default, and the nodes themselves. */
function clusterNames({ from, destinations }: FirewallInput): string[] {
  const blocks = from.get('nodes') ?? [];
  const usesOmni = destinations.some(({ role, component }) => role === 'nodes' && component === 'omni');
  return [
    '.svc',
    '.cluster.local',
    ...defaultSubnets,
    ...blocksOf(blocks, 4),
    ...blocksOf(blocks, 6),
    ...(usesOmni ? sideroLink : []),
  ];
}

/** Talos, pkg/machinery/constants: DefaultIPv4PodNet, DefaultIPv4ServiceNet. */
const defaultSubnets = ['10.244.0.0/16', '10.96.0.0/12'];

/** What machines managed by Omni need (https://docs.siderolabs.com/talos/v1.15/networking/corporate-proxies): the prefix of SideroLink, and 0.0.0.0. */
const sideroLink = ['fdae:41e4:649b:9303::/64', '0.0.0.0'];

function hostFile(role: Role, input: FirewallInput): FirewallFile {
  const { proxy, exempt } = settingOf(role, input);
  const isKnown = proxy !== undefined;
  const mark = isKnown ? '' : '# ';
  const value = proxy ?? 'http://PROXY:PORT';
  return textFile(`egress-proxy-${role}.env`, [
    `# Made by "airgap egress --format no-proxy", for the host ${role === 'omni' ? 'Omni runs on' : 'that mirrors'}.`,
    ...(isKnown ? [] : ['# The list names no proxy: write it here.']),
    `${mark}HTTPS_PROXY=${value}`,
    `${mark}HTTP_PROXY=${value}`,
    `# Reached directly: this machine, and ${isKnown ? 'what the list sends through no proxy' : 'what the site configured'}. A name counts with its subdomains.`,
    `NO_PROXY=${exempt.join(',')}`,
  ]);
}

function nodesFile(input: FirewallInput): FirewallFile {
  const { proxy, exempt } = settingOf('nodes', input);
  const isKnown = proxy !== undefined;
  const mark = isKnown ? '' : '# ';
  const value = JSON.stringify(proxy ?? 'http://PROXY:PORT');
  const direct = JSON.stringify(exempt.join(','));
  return textFile('egress-proxy-nodes.yaml', [
    '# Made by "airgap egress --format no-proxy", for Talos nodes, 1.13 and newer. Services read it when they start: restart the node.',
    `# Pods and services are those of a cluster with default subnets (${defaultSubnets.join(', ')}): change them where it has others.`,
    ...(input.from.has('nodes') ? [] : ["# Add the nodes' own subnets to no_proxy, or say --address nodes=CIDR."]),
    ...(isKnown ? [] : ['# The list names no proxy: write it here.']),
    'apiVersion: v1alpha1',
    'kind: EnvironmentConfig',
    'variables:',
    `  ${mark}https_proxy: ${value}`,
    `  ${mark}http_proxy: ${value}`,
    `  no_proxy: ${direct}`,
    '# Older releases:',
    '# machine:',
    '#   env:',
    `#     https_proxy: ${value}`,
    `#     http_proxy: ${value}`,
    `#     no_proxy: ${direct}`,
  ]);
}

function textFile(path: string, lines: readonly string[]): FirewallFile {
  return { path, text: `${lines.join('\n')}\n` };
}

function warningsOf(role: Role, input: FirewallInput): string[] {
  const [first, ...others] = proxiesOf(role, input);
  const hosts = [...new Set(directOf(role, input).map(({ host }) => host))];
  return [
    ...(others.length === 0 ? [] : [`${role} uses several proxies: ${first} is written, and not ${others.join(', ')}`]),
    ...hosts
      .filter(isInner)
      .map((host) => `${host} cannot be said in NO_PROXY: name its hosts there, as far as they are known`),
    ...hosts
      .filter((host) => hostKind(host) === 'place')
      .map((host) => `${host} is not known here: add its name or address to NO_PROXY of ${role}`),
  ];
}
