/** The configuration that makes Talos nodes ask the mirrors. */
import { Document } from 'yaml';
import { AirgapError } from '../errors.ts';
import type { Mirror } from '../mirror/rule.ts';
import { quoteText } from '../oci/quote.ts';
import { type ConfigKinds, configKinds } from '../talos/config-kinds.ts';
import type { NodeEndpoint, NodeMirror } from '../talos/node-mirrors.ts';
import { printTalosVersion, type TalosVersion } from '../talos/version.ts';
import type { EmittedFile } from './emitted.ts';

export interface TalosRegistriesOptions {
  /** Several of one registry are endpoints asked in this order. */
  readonly mirrors: readonly Mirror[];
  /** The release the nodes run. */
  readonly version: TalosVersion;
  /** Upstream registries that are mirrored. Needed only before Talos 1.4, where a `*` mirror is written out as one entry for each. */
  readonly registries?: readonly string[] | undefined;
  /** PEM of the authority that vouches for the endpoints with https. Default: one the nodes know already. */
  readonly authority?: string | undefined;
}

/** Name of the emitted file. */
export const talosRegistriesPath = 'talos-registries.yaml';

/**
 * One file, `talos-registries.yaml`, that works both as `--patch @FILE` and as `--config-patch @FILE`: RegistryMirrorConfig
 * documents from Talos 1.12 on, before a patch of `machine.registries.mirrors`. Sorted by registry; the same input gives
 * the same bytes. Throws as nodeMirrorsOf().
 */
export function emitTalosRegistries(options: TalosRegistriesOptions): EmittedFile[] {
  const mirrors = nodeMirrorsOf(options);
  const kinds = configKinds(options.version);
  const body =
    kinds.mirrors === 'documents'
      ? [...mirrorDocuments(mirrors), ...trustDocuments(options)].join('---\n')
      : printPatch(mirrors, trustEntries(options));
  return [{ path: talosRegistriesPath, text: `${header(options.version, kinds)}${body}` }];
}

/**
 * The mirrors in the form this release understands, sorted by registry. Endpoints with a path are written out as
 * `ENDPOINT/v2/PREFIX` with overridePath; fallback to upstream is off where the release knows how.
 * Throws ERR_USAGE when nothing is mirrored or an endpoint is no `http(s)://HOST[:PORT]`, ERR_UNSUPPORTED when the release
 * cannot express it.
 */
export function nodeMirrorsOf(options: TalosRegistriesOptions): NodeMirror[] {
  const kinds = configKinds(options.version);
  if (options.mirrors.length === 0) {
    throw new AirgapError('ERR_USAGE', 'Cannot write registry mirrors for Talos: nothing is mirrored', {
      hint: 'mirror images into a registry first, or name the endpoint the nodes will ask with --endpoint',
    });
  }
  const byRegistry = new Map<string, Mirror[]>();
  for (const mirror of reachable(options, kinds)) {
    checkMirror(mirror, { kinds, version: options.version });
    byRegistry.set(mirror.registry, [...(byRegistry.get(mirror.registry) ?? []), mirror]);
  }
  const registries = [...byRegistry].sort(([a], [b]) => (a < b ? -1 : 1));
  return registries.map(([registry, mirrors]) => ({
    registry,
    endpoints: endpointsOf(mirrors, kinds),
    skipFallback: kinds.skipFallback,
  }));
}

/** Before 1.4 containerd does not see the `*` mirror, so each registry gets an entry of its own; `*` stays for what Talos itself pulls. */
function reachable(options: TalosRegistriesOptions, kinds: ConfigKinds): readonly Mirror[] {
  const wildcards = options.mirrors.filter((mirror) => mirror.registry === '*');
  if (kinds.wildcard || wildcards.length === 0) return options.mirrors;
  const registries = options.registries ?? [];
  if (registries.length === 0) {
    throw new AirgapError(
      'ERR_UNSUPPORTED',
      `Cannot write a mirror of "*" for Talos "${printTalosVersion(options.version)}": containerd follows it from v1.4.0 on only`,
      { hint: 'write one entry for each registry with --per-registry' },
    );
  }
  const named = new Set(options.mirrors.map((mirror) => mirror.registry));
  const missing = [...new Set(registries)].filter((registry) => !named.has(registry));
  return [...options.mirrors, ...missing.flatMap((registry) => wildcards.map((mirror) => ({ ...mirror, registry })))];
}

function checkMirror(mirror: Mirror, release: { readonly kinds: ConfigKinds; readonly version: TalosVersion }): void {
  if (!/^https?:\/\/[^/?#@\s]+$/i.test(mirror.endpoint) || !URL.canParse(mirror.endpoint)) {
    throw new AirgapError(
      'ERR_USAGE',
      `Cannot write a mirror of ${quoteText(mirror.registry)} for Talos: endpoint ${quoteText(mirror.endpoint)} is not http(s)://HOST[:PORT]`,
      { hint: 'write the endpoint with its scheme and without a path, for example http://10.5.0.1:6000' },
    );
  }
  if (mirror.pathPrefix !== '' && release.kinds.overridePath === 'none') {
    throw new AirgapError(
      'ERR_UNSUPPORTED',
      `Cannot write a mirror of ${quoteText(mirror.registry)} under the path ${quoteText(mirror.pathPrefix)} for Talos "${printTalosVersion(release.version)}": it takes endpoints with a path from v1.4.0 on only`,
      { hint: 'mirror with the default naming: without --prefix-by-registry and without a path in --to' },
    );
  }
}

/** Where one flag stands for all endpoints of a registry and only some have a path, the others get their `/v2` written out. */
function endpointsOf(mirrors: readonly Mirror[], kinds: ConfigKinds): NodeEndpoint[] {
  const forAll = kinds.overridePath === 'per-registry' && mirrors.some((mirror) => mirror.pathPrefix !== '');
  return mirrors.map(({ endpoint, pathPrefix }) => {
    if (pathPrefix !== '') return { url: `${endpoint}/v2/${pathPrefix}`, overridePath: true };
    return forAll ? { url: `${endpoint}/v2`, overridePath: true } : { url: endpoint, overridePath: false };
  });
}

function printPatch(mirrors: readonly NodeMirror[], config: ReadonlyMap<string, unknown>): string {
  const entries = mirrors.map((mirror) => [
    mirror.registry,
    {
      endpoints: mirror.endpoints.map((endpoint) => endpoint.url),
      ...(mirror.endpoints.some((endpoint) => endpoint.overridePath) ? { overridePath: true } : {}),
      ...(mirror.skipFallback ? { skipFallback: true } : {}),
    },
  ]);
  const registries = { mirrors: new Map(entries as [string, unknown][]), ...(config.size === 0 ? {} : { config }) };
  return printYaml({ machine: { registries } });
}

function mirrorDocuments(mirrors: readonly NodeMirror[]): string[] {
  return mirrors.map((mirror) =>
    printYaml({
      apiVersion: 'v1alpha1',
      kind: 'RegistryMirrorConfig',
      name: mirror.registry,
      endpoints: mirror.endpoints.map(({ url, overridePath }) => (overridePath ? { url, overridePath } : { url })),
      ...(mirror.skipFallback ? { skipFallback: true } : {}),
    }),
  );
}

/**
 * Trust by the endpoint's host and port, in both forms. Not TrustedRootsConfig, although it is older: a running containerd takes new
 * system roots only after a reboot (siderolabs/talos#10314, #14022), and it would be trusted for every other host as well.
 */
function trustDocuments(options: TalosRegistriesOptions): string[] {
  return trustedHosts(options).map(([name, ca]) =>
    printYaml({ apiVersion: 'v1alpha1', kind: 'RegistryTLSConfig', name, ca }),
  );
}

/** `machine.registries.config`, where PEM is in base64. */
function trustEntries(options: TalosRegistriesOptions): ReadonlyMap<string, unknown> {
  const entries = trustedHosts(options);
  return new Map(entries.map(([host, pem]) => [host, { tls: { ca: Buffer.from(pem).toString('base64') } }]));
}

/** Sorted by host. Talos refuses TLS settings for an endpoint with http. */
function trustedHosts({ mirrors, authority }: TalosRegistriesOptions): [string, string][] {
  if (authority === undefined) return [];
  const endpoints = mirrors.map(({ endpoint }) => endpoint).filter((endpoint) => /^https:/i.test(endpoint));
  const hosts = endpoints.map((endpoint) => endpoint.slice('https://'.length));
  return [...new Set(hosts)].sort().map((host) => [host, authority]);
}

/** Strings are quoted where YAML would read them as something else; `*` always, as it stands for an alias. */
function printYaml(value: unknown): string {
  return new Document(value).toString({ indent: 4, lineWidth: 0, singleQuote: true });
}

function header(version: TalosVersion, kinds: ConfigKinds): string {
  const fallback = kinds.skipFallback
    ? 'Images of these registries are asked for at these endpoints and nowhere else.'
    : 'These endpoints are asked first; containerd then tries the upstream registry (turning that off needs Talos v1.9).';
  const apply = kinds.mergePatch
    ? [
        `Running nodes:  talosctl --nodes NODE patch machineconfig --patch @${talosRegistriesPath}`,
        `A new cluster:  talosctl gen config NAME https://HOST:6443 --config-patch @${talosRegistriesPath}`,
        'Endpoints a node already has for one of these registries stay before these: remove them from its configuration first.',
      ]
    : [
        'Merge patches are documented from Talos v1.2 on: put this section into the machine configuration by hand,',
        'on running nodes with  talosctl --nodes NODE edit machineconfig',
      ];
  const lines = [`Registry mirrors for Talos ${printTalosVersion(version)}, written by airgap.`, fallback, ...apply];
  return `${lines.map((line) => `# ${line}\n`).join('')}\n`;
}
