/** Keys and documents by release: Talos refuses a whole configuration for one it does not know. */
import type { Origin } from '../errors.ts';
import { nearestNames } from '../oci/nearest-names.ts';
import { isDocumentKind, knowsDocument } from '../talos/config-kinds.ts';
import { isSince, isSinceMinor, type TalosVersion } from '../talos/version.ts';
import { type ConfigDocument, titleOf } from './documents.ts';
import { at } from './fields.ts';
import type { ConfigNode } from './tree.ts';

/** Keys of a mapping; `*` is any key, `[]` each item of a list, `true` a part that is not looked into. */
interface Shape {
  readonly [key: string]: Shape | true;
}

const tls: Shape = { clientIdentity: { crt: true, key: true }, ca: true, insecureSkipVerify: true };
const auth: Shape = { username: true, password: true, auth: true, identityToken: true };
const meta: Shape = { apiVersion: true, kind: true };

/** `machine.registries` in every release together. */
const registries: Shape = {
  mirrors: { '*': { endpoints: true, overridePath: true, skipFallback: true } },
  config: { '*': { tls, auth } },
};

/** Fields of the Go types in siderolabs/talos v1.13.9, pkg/machinery/config/types/{cri,security}. */
const documentShapes: Readonly<Record<string, Shape>> = {
  RegistryMirrorConfig: {
    ...meta,
    name: true,
    endpoints: { '[]': { url: true, overridePath: true } },
    skipFallback: true,
  },
  RegistryAuthConfig: { ...meta, name: true, ...auth },
  RegistryTLSConfig: { ...meta, name: true, ...tls, clientIdentity: { cert: true, key: true } },
  TrustedRootsConfig: { ...meta, name: true, certificates: true },
  ImageVerificationConfig: {
    ...meta,
    rules: {
      '[]': {
        image: true,
        skip: true,
        deny: true,
        keyless: { issuer: true, subject: true, subjectRegex: true },
        publicKey: { certificate: true },
      },
    },
  },
};

/** Keys of the machine configuration that are younger than Talos 1.0, as far as they concern where a node looks for images. */
const youngKeys: readonly { readonly path: RegExp; readonly since: string }[] = [
  { path: /^machine\.registries\.mirrors\..+\.overridePath$/s, since: '1.4.0' },
  { path: /^machine\.registries\.mirrors\..+\.skipFallback$/s, since: '1.9.0' },
  { path: /^machine\.features\.imageCache$/, since: '1.9.0' },
];

/** The minor release of 1 that brought a kind which is not in config-kinds.ts, by the published schemas; several documents came with 1.5. */
const otherKinds: readonly (readonly [minor: number, kinds: string])[] = [
  [5, 'EventSinkConfig KmsgLogConfig SideroLinkConfig'],
  [6, 'ExtensionServiceConfig NetworkDefaultActionConfig NetworkRuleConfig'],
  [7, 'WatchdogTimerConfig'],
  [8, 'KubeSpanEndpoints KubespanEndpoints'],
  [10, 'EthernetConfig PCIDriverRebindConfig UserVolumeConfig'],
  [11, 'ExistingVolumeConfig RawVolumeConfig SwapVolumeConfig ZswapConfig'],
  [
    12,
    'BondConfig BridgeConfig DHCPv4Config DHCPv6Config DummyLinkConfig HCloudVIPConfig Layer2VIPConfig LinkAliasConfig LinkConfig OOMConfig VLANConfig WireguardConfig',
  ],
  [13, 'BlackholeRouteConfig ExternalVolumeConfig KubeSpanConfig RoutingRuleConfig TCPProbeConfig VRFConfig'],
  [
    14,
    'BGPInstanceConfig CRIBaseRuntimeSpecConfig ContainerConfig EtcFileConfig FilesystemScrubConfig FilesystemTrimConfig HTTPProbeConfig KernelModuleConfig LVMLogicalVolumeConfig LVMVolumeGroupConfig RAIDArrayConfig SecurityProfileConfig SysctlConfig SysfsConfig UdevRulesConfig UnattendedInstall UnattendedInstallConfig VethConfig',
  ],
];

/**
 * Keys that Talos refuses beside a document of the same matter: V1Alpha1ConflictValidate() in siderolabs/talos v1.13.9 and v1.14.0,
 * pkg/machinery/config/types. Empty ones do not count.
 */
const rivals: readonly (readonly [kind: string, paths: readonly string[]])[] = [
  ['TimeSyncConfig', ['machine.time.disabled', 'machine.time.servers']],
  ['ResolverConfig', ['machine.network.nameservers', 'machine.network.searchDomains']],
  ['DiscoveryServiceConfig', ['cluster.discovery']],
  ['ImageCacheConfig', ['machine.features.imageCache']],
  ['UnattendedInstallConfig', ['machine.install']],
];

/** Newest minor release of 1 whose kinds are known here. */
const newestMinor = 14;

/**
 * Notes where each document stands (`document KIND NAME`), where keys stand that no release knows (`unknown PATH`), those that
 * only some know (`key PATH`), and those beside a document of the same matter (`rival KIND PATH`). Only the parts that decide where
 * images come from are looked into for unknown keys.
 */
export function noteKeys(documents: readonly ConfigDocument[], origins: Map<string, Origin>): void {
  for (const { kind, name, root } of documents) {
    const where = titleOf({ kind, name });
    if (kind !== '') origins.set(`document ${where}`, root.origin);
    const shape = documentShapes[kind];
    if (kind !== '' && shape !== undefined) note(root, { shape, path: where, origins });
    if (kind !== '') continue;
    const section = at(root, 'machine', 'registries');
    if (section !== undefined) note(section, { shape: registries, path: 'machine.registries', origins });
    const cache = at(root, 'machine', 'features', 'imageCache');
    if (cache !== undefined) origins.set('key machine.features.imageCache', cache.origin);
    noteRivals(root, documents, origins);
  }
}

function noteRivals(base: ConfigNode, documents: readonly ConfigDocument[], origins: Map<string, Origin>): void {
  for (const [kind, paths] of rivals) {
    if (!documents.some((document) => document.kind === kind)) continue;
    for (const path of paths) {
      const node = at(base, ...path.split('.'));
      const isFalse = node?.kind === 'scalar' && node.value === false;
      const isBare = node === undefined || isFalse || (node.kind === 'list' && node.items.length === 0);
      if (!isBare) origins.set(`rival ${kind} ${path}`, node.origin);
    }
  }
}

interface Noting {
  readonly shape: Shape;
  readonly path: string;
  readonly origins: Map<string, Origin>;
}

function note(node: ConfigNode, { shape, path, origins }: Noting): void {
  if (node.kind === 'list') {
    const items = shape['[]'];
    if (items === undefined || items === true) return;
    for (const [index, item] of node.items.entries()) note(item, { shape: items, path: `${path}[${index}]`, origins });
  }
  if (node.kind !== 'map') return;
  for (const [key, value] of node.entries) {
    const below = Object.hasOwn(shape, key) ? shape[key] : shape['*'];
    const keyPath = `${path}.${key}`;
    if (below === undefined) origins.set(`unknown ${keyPath}`, value.origin);
    else if (below !== true) note(value, { shape: below, path: keyPath, origins });
    if (youngKeys.some((young) => young.path.test(keyPath))) origins.set(`key ${keyPath}`, value.origin);
  }
}

/** The key that was meant by an unknown one, by its last part and in the same form: `skipFallback` for `skipfallback`. */
export function keyMeantBy(path: string): string | undefined {
  const last = path.slice(path.lastIndexOf('.') + 1);
  const [kind = ''] = path.split(/[. ]/);
  const keys = keysOf((kind === 'machine' ? registries : documentShapes[kind]) ?? {});
  // One that is known elsewhere stands in the wrong place.
  return keys.includes(last) ? undefined : nearestNames(last, keys, 1)[0];
}

function keysOf(shape: Shape): string[] {
  return Object.entries(shape).flatMap(([key, below]) => [
    ...(['*', '[]'].includes(key) ? [] : [key]),
    ...(below === true ? [] : keysOf(below)),
  ]);
}

/** The release that brought a key, where the given one is older than that; undefined: it knows it. */
export function keyMissingIn(version: TalosVersion, path: string): string | undefined {
  const young = youngKeys.find((key) => key.path.test(path));
  return young === undefined || isSince(version, young.since) ? undefined : young.since;
}

/** Some release has it. */
export function isKnownKind(kind: string): boolean {
  return (
    isDocumentKind(kind) || /^Kube[A-Z]/.test(kind) || otherKinds.some(([, kinds]) => kinds.split(' ').includes(kind))
  );
}

/** False where the release refuses a document of this kind. Kinds are taken for known in releases newer than this table. */
export function knowsKind(version: TalosVersion, kind: string): boolean {
  if (isDocumentKind(kind)) return knowsDocument(version, kind);
  const minor = otherKinds.find(([, kinds]) => kinds.split(' ').includes(kind))?.[0];
  // The Kubernetes parts became documents one by one in 1.14.
  if (minor === undefined && /^Kube[A-Z]/.test(kind)) return isSinceMinor(version, newestMinor);
  return isSinceMinor(version, minor ?? newestMinor + 1);
}
