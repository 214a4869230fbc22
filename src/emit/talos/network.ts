/** Time, names and discovery: what nodes otherwise ask the internet for. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import { settingForms } from '../../talos/config-kinds.ts';
import type { HostEntry, NodeSettings } from '../node-settings.ts';
import { documentOf, type Part, type Release } from './part.ts';

/** Time servers, or none at all. Nothing where nothing is asked for. */
export function timePart({ time }: NodeSettings, release: Release): Part[] {
  if (time === undefined) return [];
  const about =
    time === 'disabled'
      ? ['No time is asked for: the clock of each machine has to be right by itself, or certificates fail.']
      : ['Time servers. A node waits for one of them at every boot before it starts anything else.'];
  const inDocuments = settingForms(release.version, release.form).time === 'documents';
  if (inDocuments) {
    const fields = time === 'disabled' ? { enabled: false } : { ntp: { servers: time.servers } };
    return [{ matter: 'time', about, documents: [documentOf('TimeSyncConfig', fields)] }];
  }
  const value = time === 'disabled' ? { disabled: true } : { servers: time.servers };
  return [{ matter: 'time', about, sections: [{ path: ['machine', 'time'], value }] }];
}

/** Name servers. */
export function nameserverPart({ nameservers = [] }: NodeSettings, release: Release): Part[] {
  if (nameservers.length === 0) return [];
  const about = ['Name servers, in place of what DHCP says and of 1.1.1.1 and 8.8.8.8.'];
  if (settingForms(release.version, release.form).nameservers === 'documents') {
    const fields = { nameservers: nameservers.map((address) => ({ address })) };
    return [{ matter: 'network', about, documents: [documentOf('ResolverConfig', fields)] }];
  }
  return [
    { matter: 'network', about, sections: [{ path: ['machine', 'network', 'nameservers'], value: nameservers }] },
  ];
}

/** Names that are known without a name server, one entry for each address. */
export function hostsPart({ hosts = [] }: NodeSettings, release: Release): Part[] {
  if (hosts.length === 0) return [];
  const about = ['Names the nodes know without asking a name server (/etc/hosts).'];
  const entries = byAddress(hosts);
  if (settingForms(release.version, release.form).hosts === 'documents') {
    const documents = entries.map(({ address, names }) =>
      documentOf('StaticHostConfig', { name: address, hostnames: names }),
    );
    return [{ matter: 'network', about, documents }];
  }
  const value = entries.map(({ address, names }) => ({ ip: address, aliases: names }));
  return [{ matter: 'network', about, sections: [{ path: ['machine', 'network', 'extraHostEntries'], value }] }];
}

function byAddress(hosts: readonly HostEntry[]): HostEntry[] {
  const names = new Map<string, string[]>();
  for (const entry of hosts) names.set(entry.address, [...(names.get(entry.address) ?? []), ...entry.names]);
  return [...names].map(([address, all]) => ({ address, names: [...new Set(all)] }));
}

/**
 * The discovery service, off or another one. Throws ERR_USAGE for a URL with a path, which Talos refuses
 * (`cluster.discovery.registries.service.endpoint`).
 */
export function discoveryPart({ discovery }: NodeSettings, release: Release): Part[] {
  if (discovery === undefined) return [];
  if (discovery !== 'disabled') checkDiscovery(discovery.endpoint);
  return settingForms(release.version, release.form).discovery === 'documents'
    ? [discoveryDocument(discovery)]
    : [discoverySection(discovery)];
}

/**
 * Discovery is off where there is no such document, and `talosctl gen config` of 1.14 writes one named `default`
 * (siderolabs/talos v1.14.0, pkg/machinery/config/generate/init.go). There is no key that turns it off. talosctl fails at a
 * `$patch: delete` of a document that is not there (pkg/machinery/config/configpatcher/strategic.go keeps the selector).
 */
function discoveryDocument(discovery: NonNullable<NodeSettings['discovery']>): Part {
  if (discovery !== 'disabled') {
    return {
      matter: 'discovery',
      about: [
        'An own discovery service, in place of discovery.talos.dev (the document that talosctl gen config names "default").',
      ],
      documents: [documentOf('DiscoveryServiceConfig', { name: 'default', endpoint: discovery.endpoint })],
    };
  }
  return {
    matter: 'discovery',
    about: [
      'No discovery service: this takes away the document that talosctl gen config of Talos v1.14 writes.',
      'talosctl fails at it where a configuration has no such document: leave this part away there.',
      'A configuration from before v1.14 has cluster.discovery in its place: write with --form v1alpha1 for it.',
    ],
    documents: [documentOf('DiscoveryServiceConfig', { name: 'default', $patch: 'delete' })],
  };
}

/** The service alone: `cluster.discovery.enabled: false` is refused together with KubeSpan, and turns the Kubernetes registry off too. */
function discoverySection(discovery: NonNullable<NodeSettings['discovery']>): Part {
  const path = ['cluster', 'discovery', 'registries', 'service'];
  if (discovery === 'disabled') {
    const about = ['No discovery service: nodes do not ask discovery.talos.dev for each other.'];
    return { matter: 'discovery', about, sections: [{ path, value: { disabled: true } }] };
  }
  const about = ['An own discovery service, in place of discovery.talos.dev.'];
  return { matter: 'discovery', about, sections: [{ path, value: { endpoint: discovery.endpoint } }] };
}

function checkDiscovery(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url !== undefined && url.pathname === '/' && `${url.username}${url.search}${url.hash}` === '';
  if (isPlain && /^https?:\/\//i.test(endpoint)) return;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot write the discovery service ${quoteText(endpoint)}: not http(s)://HOST[:PORT]`,
    { hint: 'write its scheme and host alone, for example https://discovery.site:3000' },
  );
}
