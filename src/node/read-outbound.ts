/** Whom else a configuration makes a node connect to, beside registries, time, names and discovery. */
import type { Outbound, OutboundKind } from '../talos/node-config.ts';
import { type ConfigDocument, titleOf } from './documents.ts';
import { at, listing, mapping, textOf } from './fields.ts';
import type { ConfigNode } from './tree.ts';

/** What a value looks like, and what is meant where it says nothing. */
interface Reading {
  readonly kind: OutboundKind;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number | undefined;
}

type Found = (path: string, node: ConfigNode | undefined, reading: Reading) => void;

/**
 * In the order in which it is written. Only host and port are kept: URLs hold tokens and passwords. Values that name no host are left
 * out, as Talos refuses them (siderolabs/talos v1.13.9, pkg/machinery/config/types/{siderolink,runtime,v1alpha1,network,block}).
 */
export function readOutbound(documents: readonly ConfigDocument[]): Outbound[] {
  const outbound: Outbound[] = [];
  const add: Found = (path, node, reading) => {
    const text = textOf(node, path);
    const place = text === undefined || text === '' ? undefined : placeIn(text, reading);
    if (place !== undefined) outbound.push({ path, kind: reading.kind, ...place });
  };
  for (const document of documents) {
    if (document.kind === '') readBase(document.root, add);
    else readDocument(document, add);
  }
  return outbound;
}

const proxies = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY'];

function readBase(root: ConfigNode, add: Found): void {
  for (const name of proxies) add(`machine.env.${name}`, at(root, 'machine', 'env', name), proxy);
  const destinations = listing(at(root, 'machine', 'logging', 'destinations'), 'machine.logging.destinations');
  for (const [index, item] of destinations.entries()) {
    add(`machine.logging.destinations[${index}].endpoint`, at(item, 'endpoint'), logs);
  }
  add('cluster.controlPlane.endpoint', at(root, 'cluster', 'controlPlane', 'endpoint'), kubernetesApi);
  const interfaces = listing(at(root, 'machine', 'network', 'interfaces'), 'machine.network.interfaces');
  for (const [index, item] of interfaces.entries()) {
    const path = `machine.network.interfaces[${index}].wireguard.peers`;
    peersOf(at(item, 'wireguard', 'peers'), { path, add });
  }
  const disks = mapping(at(root, 'machine', 'systemDiskEncryption'), 'machine.systemDiskEncryption');
  for (const [name, disk] of disks?.entries ?? []) keysOf(disk, { path: `machine.systemDiskEncryption.${name}`, add });
}

function readDocument({ kind, name, root }: ConfigDocument, add: Found): void {
  const where = titleOf({ kind, name });
  if (kind === 'EnvironmentConfig') {
    for (const variable of proxies) add(`${where}.variables.${variable}`, at(root, 'variables', variable), proxy);
  }
  if (kind === 'SideroLinkConfig') add(`${where}.apiUrl`, at(root, 'apiUrl'), sideroLink);
  if (kind === 'EventSinkConfig') add(`${where}.endpoint`, at(root, 'endpoint'), events);
  if (kind === 'KmsgLogConfig') add(`${where}.url`, at(root, 'url'), logs);
  if (kind === 'TCPProbeConfig') add(`${where}.endpoint`, at(root, 'endpoint'), probe);
  if (kind === 'HTTPProbeConfig') add(`${where}.url`, at(root, 'url'), probe);
  if (kind === 'KubeClusterConfig') add(`${where}.endpoint`, at(root, 'endpoint'), kubernetesApi);
  if (kind === 'WireguardConfig') peersOf(at(root, 'peers'), { path: `${where}.peers`, add });
  if (
    kind === 'VolumeConfig' ||
    kind === 'UserVolumeConfig' ||
    kind === 'SwapVolumeConfig' ||
    kind === 'RawVolumeConfig'
  ) {
    keysOf(at(root, 'encryption'), { path: `${where}.encryption`, add });
  }
}

function keysOf(node: ConfigNode | undefined, { path, add }: { readonly path: string; readonly add: Found }): void {
  for (const [index, key] of listing(at(node, 'keys'), `${path}.keys`).entries()) {
    add(`${path}.keys[${index}].kms.endpoint`, at(key, 'kms', 'endpoint'), keyService);
  }
}

function peersOf(node: ConfigNode | undefined, { path, add }: { readonly path: string; readonly add: Found }): void {
  for (const [index, peer] of listing(node, path).entries()) {
    add(`${path}[${index}].endpoint`, at(peer, 'endpoint'), tunnel);
  }
}

// As Go reads it, which nodes are written in: http:// where nothing else is said (golang.org/x/net/http/httpproxy, parseProxy).
const proxy: Reading = { kind: 'proxy', protocol: 'tcp', port: 80 };
const logs: Reading = { kind: 'logs', protocol: 'tcp', port: undefined };
const events: Reading = { kind: 'events', protocol: 'tcp', port: undefined };
const probe: Reading = { kind: 'probe', protocol: 'tcp', port: undefined };
const kubernetesApi: Reading = { kind: 'kubernetes-api', protocol: 'tcp', port: 443 };
const tunnel: Reading = { kind: 'wireguard', protocol: 'udp', port: undefined };
// Both are dialled by gRPC, which takes 443 where no port is written.
const sideroLink: Reading = { kind: 'siderolink', protocol: 'tcp', port: 443 };
const keyService: Reading = { kind: 'kms', protocol: 'tcp', port: 443 };

/** `tcp://10.0.0.1:3478/`, `https://kms.site`, `grpc://omni.site:8090?jointoken=…`, `10.0.0.1:3247`. */
function placeIn(text: string, reading: Reading): Pick<Outbound, 'host' | 'port' | 'protocol'> | undefined {
  const [, scheme, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text.trim()) ?? [];
  const authority = rest.replace(/[/?#].*$/s, '').replace(/^.*@/s, '');
  const [, host = '', written] =
    /^(\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?)\.?(?::(\d{1,5}))?$/i.exec(authority) ?? [];
  const port = written === undefined ? (portOf(scheme?.toLowerCase()) ?? reading.port) : Number(written);
  if (host === '' || host.length > 253 || port === undefined || port < 1 || port > 65_535) return undefined;
  const protocol = scheme?.toLowerCase() === 'udp' ? 'udp' : reading.protocol;
  return { host: host.replace(/^\[|\]$/g, '').toLowerCase(), port, protocol };
}

function portOf(scheme: string | undefined): number | undefined {
  if (scheme === 'socks5' || scheme === 'socks5h') return 1080;
  if (scheme === 'https' || scheme === 'grpc') return 443;
  return scheme === 'http' ? 80 : undefined;
}
