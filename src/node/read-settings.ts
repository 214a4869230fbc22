/** What a configuration says beside its mirrors: images it names, manifests it fetches, time, names, discovery, trust, the image cache. */
import type { Origin } from '../errors.ts';
import type { ConfiguredImage, NameProtocol, NodeConfig, NodeNameserver, NodeTime } from '../talos/node-config.ts';
import { type ConfigDocument, titleOf } from './documents.ts';
import { at, flagOf, listing, textOf, textsOf, withoutEmpty } from './fields.ts';
import { isDeletion } from './merge.ts';
import type { ConfigNode } from './tree.ts';

type Settings = Omit<NodeConfig, 'mirrors' | 'tls' | 'auth' | 'verification' | 'outbound' | 'origins'>;

/** Keys of the machine configuration that name an image. */
const imagePaths: readonly string[] = [
  'machine.install.image',
  'machine.kubelet.image',
  'cluster.apiServer.image',
  'cluster.controllerManager.image',
  'cluster.scheduler.image',
  'cluster.proxy.image',
  'cluster.etcd.image',
  'cluster.coreDNS.image',
];

/** Kinds of documents that name an image, and where. UnattendedInstall has both names in what Sidero Labs publishes. */
const imageKinds: Readonly<Record<string, readonly string[]>> = {
  UnattendedInstall: ['installer', 'image'],
  UnattendedInstallConfig: ['installer', 'image'],
  KubeletConfig: ['image'],
  KubeAPIServerConfig: ['image'],
  KubeControllerManagerConfig: ['image'],
  KubeSchedulerConfig: ['image'],
  KubeProxyConfig: ['image'],
  KubeCoreDNSConfig: ['image'],
  ContainerConfig: ['image'],
};

/** A document stands before the key it takes the place of (siderolabs/talos v1.13.9, config/container). Throws ERR_INPUT_INVALID. */
export function readSettings(documents: readonly ConfigDocument[], origins: Map<string, Origin>): Settings {
  const base = documents.find(({ kind }) => kind === '')?.root;
  const of = (kind: string) => documents.filter((document) => document.kind === kind).map(({ root }) => root);
  const roots = of('TrustedRootsConfig').map((root) => textOf(at(root, 'certificates'), 'certificates'));
  return {
    trustedRoots: withoutEmpty(roots),
    images: readImages(documents, origins),
    manifestUrls: readManifestUrls(base, of('KubeExternalManifestConfig')),
    time: readTime(base, of('TimeSyncConfig')[0]),
    nameservers: readNameservers(base, of('ResolverConfig')[0]),
    discovery: readDiscovery(base, of('DiscoveryServiceConfig')),
    imageCache: readImageCache(base, of('ImageCacheConfig')[0]),
  };
}

function readImages(documents: readonly ConfigDocument[], origins: Map<string, Origin>): ConfiguredImage[] {
  const images: ConfiguredImage[] = [];
  const add = (path: string, node: ConfigNode | undefined, image = textOf(node, path)) => {
    if (image === undefined || image === '' || node === undefined) return;
    images.push({ path, image });
    origins.set(`image ${path}`, node.origin);
  };
  for (const { kind, name, root } of documents) {
    const where = titleOf({ kind, name });
    const path = imageKinds[kind];
    if (path !== undefined) add(`${where}.${path.join('.')}`, at(root, ...path));
    if (kind === 'CRICustomizationConfig') {
      const content = at(root, 'content');
      add(`${where}.sandbox`, content, pauseImageIn(textOf(content, 'content')));
    }
    if (kind !== '') continue;
    for (const key of imagePaths) add(key, at(root, ...key.split('.')));
    for (const [index, extension] of listing(at(root, 'machine', 'install', 'extensions'), 'extensions').entries()) {
      add(`machine.install.extensions[${index}].image`, at(extension, 'image'));
    }
    for (const [index, file] of listing(at(root, 'machine', 'files'), 'machine.files').entries()) {
      const content = at(file, 'content');
      const isPart = textOf(at(file, 'path'), 'path') === '/etc/cri/conf.d/20-customization.part';
      if (isPart) add(`machine.files[${index}].sandbox`, content, pauseImageIn(textOf(content, 'content')));
    }
  }
  return images.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** In a part of containerd's configuration: `sandbox` below `pinned_images`, before containerd 2 `sandbox_image`. */
function pauseImageIn(toml: string | undefined): string | undefined {
  return /^[ \t]*sandbox(?:_image)?[ \t]*=[ \t]*["']([^"'\r\n]+)["']/m.exec(toml ?? '')?.[1];
}

function readManifestUrls(base: ConfigNode | undefined, documents: readonly ConfigNode[]): string[] {
  const lists = [
    ['cluster', 'network', 'cni', 'urls'],
    ['cluster', 'externalCloudProvider', 'manifests'],
    ['cluster', 'extraManifests'],
  ];
  const urls = lists.flatMap((path) => textsOf(at(base, ...path), path.join('.')));
  const more = documents.map((root) => textOf(at(root, 'url'), 'url'));
  return [...urls, ...withoutEmpty(more)];
}

/** A document has servers or devices of the hypervisor, never both (siderolabs/talos v1.14.0, config/types/network/time_sync.go). */
function readTime(base: ConfigNode | undefined, document: ConfigNode | undefined): NodeTime {
  if (document !== undefined) {
    const disabled = flagOf(at(document, 'enabled'), 'enabled') === false;
    const servers = textsOf(at(document, 'ntp', 'servers'), 'ntp.servers');
    const devices = textsOf(at(document, 'ptp', 'devices'), 'ptp.devices');
    const useNts = flagOf(at(document, 'ntp', 'useNTS'), 'ntp.useNTS');
    return { disabled, servers: [...servers, ...devices], ...(useNts !== undefined && { useNts }) };
  }
  const disabled = flagOf(at(base, 'machine', 'time', 'disabled'), 'machine.time.disabled') === true;
  return { disabled, servers: textsOf(at(base, 'machine', 'time', 'servers'), 'machine.time.servers') };
}

function readNameservers(base: ConfigNode | undefined, document: ConfigNode | undefined): NodeNameserver[] {
  if (document === undefined) {
    const addresses = textsOf(at(base, 'machine', 'network', 'nameservers'), 'machine.network.nameservers');
    return addresses.map((address) => ({ address, protocol: 'Do53' }));
  }
  return listing(at(document, 'nameservers'), 'nameservers').flatMap((item) => {
    const address = textOf(at(item, 'address'), 'address') ?? '';
    return address === '' ? [] : [{ address, protocol: nameProtocol(textOf(at(item, 'protocol'), 'protocol')) }];
  });
}

/** What is none of them Talos refuses. */
function nameProtocol(text: string | undefined): NameProtocol {
  return (['DoT', 'DoH'] as const).find((name) => name.toLowerCase() === text?.toLowerCase()) ?? 'Do53';
}

/**
 * Off unless it is turned on (siderolabs/talos, v1alpha1 ClusterDiscoveryConfig.Enabled(); from 1.14 on by a document alone). What
 * a patch does not say may stand in the configuration it is for, so only a whole one turns it off by saying nothing; a patch that is
 * read alone does so by deleting the document that `talosctl gen config` writes.
 */
function readDiscovery(base: ConfigNode | undefined, documents: readonly ConfigNode[]): Settings['discovery'] {
  const section = at(base, 'cluster', 'discovery');
  const service = at(section, 'registries', 'service');
  const enabled = flagOf(at(section, 'enabled'), 'cluster.discovery.enabled');
  const isWhole = at(base, 'machine', 'type') !== undefined && at(base, 'machine', 'token') !== undefined;
  const kept = documents.filter((root) => root.kind !== 'map' || !isDeletion(root));
  const disabled =
    enabled === false ||
    (enabled === undefined && (isWhole || kept.length < documents.length)) ||
    flagOf(at(service, 'disabled'), 'cluster.discovery.registries.service.disabled') === true;
  const own = textOf(at(service, 'endpoint'), 'cluster.discovery.registries.service.endpoint');
  const endpoints = [own, ...kept.map((root) => textOf(at(root, 'endpoint'), 'endpoint'))];
  return { disabled: disabled && kept.length === 0, endpoints: withoutEmpty(endpoints) };
}

function readImageCache(base: ConfigNode | undefined, document: ConfigNode | undefined): boolean {
  const key = at(base, 'machine', 'features', 'imageCache', 'localEnabled');
  const local = at(document, 'local', 'enabled');
  return flagOf(key, 'machine.features.imageCache.localEnabled') === true || flagOf(local, 'local.enabled') === true;
}
