/** What nodes have to reach once everything is mirrored: what their configuration says, and nothing more. */
import { imageCacheEndpoint, nodePull, pullersOf } from '../../node/node-pull.ts';
import type { PullStep } from '../../node/pull.ts';
import { hostsNeededBy, verificationRuleFor } from '../../node/verification.ts';
import type { Reference } from '../../oci/reference.ts';
import type { NodeConfig, OutboundKind } from '../../talos/node-config.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { type Destination, isAddress } from '../destination.ts';
import { forComponent, forRegistry } from '../knowledge/find.ts';
import { toDestinations } from '../knowledge/place.ts';
import type { Needs } from './merge.ts';
import { configured, elsewhere, onlyHosts, type Place, placeOfRegistry, placeOfUrl } from './place.ts';
import { nameServer, unknownRegistry } from './staging.ts';

export type NodeMatter = 'mirrors' | 'time' | 'names' | 'discovery' | 'verification' | 'manifests' | 'outbound';

export interface NodeFacts {
  readonly config: NodeConfig;
  /** What nodes pull. Empty: only the mirrors themselves count. */
  readonly images: readonly Reference[];
  readonly version: TalosVersion;
  /** What says so: a file, or an option. */
  readonly by: (matter: NodeMatter) => string;
  readonly wildcards: boolean;
}

/** Everything of role `nodes`. */
export function nodeNeeds(facts: NodeFacts): Needs {
  const notes: string[] = [];
  const named = [
    ...registriesOf(facts, notes),
    ...timeOf(facts),
    ...namesOf(facts),
    ...discoveryOf(facts),
    ...verificationOf(facts),
    ...manifestsOf(facts),
    ...outboundOf(facts, notes),
  ];
  return { destinations: elsewhere(onlyHosts(named, notes), { spot: 'a node', notes }), notes };
}

/** Whom nodes ask for each image: the mirrors, and where nothing keeps them from it, the registry itself. */
function registriesOf(facts: NodeFacts, notes: string[]): Destination[] {
  const { config, images, version } = facts;
  if (images.length === 0) {
    const urls = config.mirrors.flatMap(({ endpoints }) => endpoints.map(({ url }) => url));
    return urls.flatMap((url) => mirrorAt(url, { facts, registry: 'any' }));
  }
  const found = new Map<string, Destination[]>();
  for (const image of images) {
    for (const puller of pullersOf(image, config)) {
      const steps = nodePull(config, image, { version, puller }).steps.filter(({ problem }) => problem === undefined);
      const mirrors = steps.filter(({ isUpstream, base }) => !isUpstream && !isOwnCache(base));
      for (const step of steps) {
        const key = `${image.registry} ${step.base} ${step.isUpstream ? mirrors.length > 0 : ''}`;
        if (!found.has(key)) found.set(key, stepNeeds(step, { facts, image, notes, hasMirror: mirrors.length > 0 }));
      }
    }
  }
  return [...found.values()].flat();
}

/** The node's own image cache is asked on the node itself. */
function isOwnCache(base: string): boolean {
  return base.startsWith(`${imageCacheEndpoint}/`);
}

function stepNeeds(
  step: PullStep,
  about: {
    readonly facts: NodeFacts;
    readonly image: Reference;
    readonly notes: string[];
    readonly hasMirror: boolean;
  },
): Destination[] {
  const { facts, image, notes, hasMirror } = about;
  const { registry } = image;
  if (!step.isUpstream) return isOwnCache(step.base) ? [] : mirrorAt(step.base, { facts, registry });
  if (!hasMirror) notes.push(`${registry} has no mirror: nodes ask the registry itself`);
  const known = toDestinations(forRegistry(registry, { version: facts.version }), {
    role: 'nodes',
    wildcards: facts.wildcards,
  });
  const place = placeOfUrl(step.base);
  const unknown =
    place === undefined || known.length > 0
      ? []
      : [configured('nodes', place, { purpose: `registry ${registry}`, by: facts.by('mirrors'), isRegistry: true })];
  if (unknown.length > 0) notes.push(unknownRegistry(registry));
  const all = [...known, ...unknown];
  if (!hasMirror) return all;
  const condition = 'asked where no mirror has the image, as skipFallback is not set or not known to the release';
  return all.map((destination) => ({ ...destination, required: false, condition }));
}

function mirrorAt(
  url: string,
  { facts, registry }: { readonly facts: NodeFacts; readonly registry: string },
): Destination[] {
  const place = placeOfUrl(url);
  if (place === undefined) return [];
  const purpose = `mirror of ${registry === 'any' ? 'any registry' : registry}`;
  return [configured('nodes', place, { purpose, by: facts.by('mirrors'), isRegistry: true })];
}

/**
 * A node waits for a time server at every boot, for ever (siderolabs/talos, TimeSyncConfig; `bootTimeout` is 0 by default). From 1.14 on
 * the default server is asked with Network Time Security, configured ones where they say so.
 */
function timeOf({ config, version, by, wildcards }: NodeFacts): Destination[] {
  const { disabled, servers, useNts } = config.time;
  if (disabled) return [];
  if (servers.length === 0) {
    const condition = 'unless time servers are configured, DHCP names some, or time sync is turned off';
    const known = toDestinations(forComponent('time', { version }), { role: 'nodes', wildcards });
    return known.filter(({ protocol }) => protocol === 'udp' || useNts !== false).map((one) => ({ ...one, condition }));
  }
  // A clock of the hypervisor is a device.
  return servers
    .filter((server) => !server.startsWith('/'))
    .flatMap((server) => timeServer(server, { by: by('time'), useNts: useNts === true }));
}

/** The port of a server is that of its key exchange (Talos documentation, "Time Servers"). */
function timeServer(server: string, about: { readonly by: string; readonly useNts: boolean }): Destination[] {
  const written = isAddress(server) && server.includes(':') ? `[${server}]` : server;
  const { host, port } = placeOfRegistry(written);
  const { by, useNts } = about;
  const clock = configured('nodes', { host, port: 123, speaks: 'ntp' }, { purpose: 'time', by });
  if (!useNts) return [{ ...clock, protocol: 'udp' }];
  const exchange: Place = { host, port: /:\d+$/.test(written) ? port : 4460, speaks: 'tcp' };
  return [
    { ...clock, protocol: 'udp' },
    configured('nodes', exchange, { purpose: 'keys for authenticated time (NTS)', by }),
  ];
}

function namesOf({ config, version, by, wildcards }: NodeFacts): Destination[] {
  if (config.nameservers.length > 0) {
    return config.nameservers.flatMap((server) => {
      const address = server.address.toLowerCase();
      if (server.protocol === 'Do53') return nameServer('nodes', { address, by: by('names') });
      // Its certificate is for a name, and it is asked by its address: nothing to be probed or filtered as HTTPS.
      const place: Place = { host: address, port: server.protocol === 'DoT' ? 853 : 443, speaks: 'tcp' };
      const how = server.protocol === 'DoT' ? 'TLS' : 'HTTPS';
      return [configured('nodes', place, { purpose: `names, over ${how}`, by: by('names') })];
    });
  }
  const condition = 'unless name servers are configured, or DHCP names some';
  return toDestinations(forComponent('dns', { version }), { role: 'nodes', wildcards }).map((one) => ({
    ...one,
    condition,
  }));
}

function discoveryOf({ config, version, by, wildcards }: NodeFacts): Destination[] {
  const { disabled, endpoints } = config.discovery;
  if (disabled) return [];
  if (endpoints.length === 0) {
    const condition = 'unless discovery is turned off or has an own service';
    return toDestinations(forComponent('discovery', { version }), { role: 'nodes', wildcards }).map((one) => ({
      ...one,
      condition,
    }));
  }
  return endpoints.flatMap((url) => {
    const place = placeOfUrl(url.replace(/^grpc:/i, 'https:'));
    return place === undefined
      ? []
      : [configured('nodes', place, { purpose: 'discovery service', by: by('discovery') })];
  });
}

/** Keyless rules need the trust root of Sigstore: without it not one image that they match is let through. */
function verificationOf({ config, images, version, by, wildcards }: NodeFacts): Destination[] {
  const rules =
    images.length === 0 ? config.verification : images.flatMap((image) => verificationRuleFor(config, image) ?? []);
  const hosts = new Set(rules.flatMap(hostsNeededBy));
  if (hosts.size === 0) return [];
  const known = toDestinations(forComponent('sigstore', { version }), { role: 'nodes', wildcards }).filter(({ host }) =>
    hosts.has(host),
  );
  const missing = [...hosts].filter((host) => !known.some((one) => one.host === host));
  return [
    ...known.map((one) => ({ ...one, required: true, condition: 'as images are verified keyless' })),
    ...missing.map((host) =>
      configured(
        'nodes',
        { host, port: 443, speaks: 'https' },
        { purpose: 'keyless verification', by: by('verification') },
      ),
    ),
  ];
}

/** Manifests that the cluster fetches by itself when it is bootstrapped. */
function manifestsOf({ config, by }: NodeFacts): Destination[] {
  return config.manifestUrls.flatMap((url) => {
    const place = placeOfUrl(url);
    if (place === undefined) return [];
    return [configured('nodes', place, { purpose: 'manifests the configuration names', by: by('manifests') })];
  });
}

const outboundPurposes: Readonly<Record<OutboundKind, string>> = {
  proxy: 'proxy of the nodes',
  logs: 'logs',
  events: 'events',
  probe: 'probe of the network',
  'kubernetes-api': 'Kubernetes API',
  siderolink: 'SideroLink API',
  kms: 'keys of encrypted disks',
  wireguard: 'WireGuard tunnel',
};

/** Whatever else the configuration names. */
function outboundOf({ config, by }: NodeFacts, notes: string[]): Destination[] {
  const kinds = new Set(config.outbound.map(({ kind }) => kind));
  if (kinds.has('proxy'))
    notes.push('nodes have a proxy: what their NO_PROXY does not name, the registry inside too, goes through it');
  if (kinds.has('siderolink'))
    notes.push(
      'the UDP port of SideroLink is told to nodes by its API: open the one that Omni advertises (--omni-host)',
    );
  return config.outbound.map(({ kind, host, port, protocol, path }) => {
    const isApi = kind === 'kubernetes-api';
    const place: Place = { host, port, speaks: spokenTo(kind, port) };
    const needed = configured('nodes', place, { purpose: outboundPurposes[kind], by: `${by('outbound')}: ${path}` });
    return {
      ...needed,
      protocol,
      required: !isApi,
      condition: isApi ? 'where the load balancer stands on the other side of the firewall' : undefined,
    };
  });
}

function spokenTo(kind: OutboundKind, port: number): Place['speaks'] {
  if (kind === 'wireguard') return 'wireguard';
  return kind === 'siderolink' && port === 443 ? 'https' : 'tcp';
}
