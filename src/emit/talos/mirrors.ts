/** Mirrors in the form a release understands. */
import { AirgapError } from '../../errors.ts';
import type { Mirror } from '../../mirror/rule.ts';
import { isCanonicalHost } from '../../oci/host.ts';
import { quoteText } from '../../oci/quote.ts';
import { type ConfigForm, type ConfigKinds, configKinds } from '../../talos/config-kinds.ts';
import type { NodeEndpoint, NodeMirror } from '../../talos/node-mirrors.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';

export interface TalosMirrorOptions {
  /** Several of one registry are endpoints asked in this order. */
  readonly mirrors: readonly Mirror[];
  /** The release the nodes run. */
  readonly version: TalosVersion;
  /** Upstream registries that are mirrored. Needed only before Talos 1.4, where a `*` mirror is written out as one entry for each. */
  readonly registries?: readonly string[] | undefined;
  /** Default: that of the release. */
  readonly form?: ConfigForm | undefined;
}

/**
 * The mirrors in the form this release understands, sorted by registry. Endpoints with a path are written out as
 * `ENDPOINT/v2/PREFIX` with overridePath; fallback to upstream is off where the release knows how.
 * Throws ERR_USAGE when nothing is mirrored or an endpoint is no `http(s)://HOST[:PORT]`, ERR_UNSUPPORTED when the release
 * cannot express it.
 */
export function nodeMirrorsOf(options: TalosMirrorOptions): NodeMirror[] {
  const kinds = configKinds(options.version, options.form);
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
function reachable(options: TalosMirrorOptions, kinds: ConfigKinds): readonly Mirror[] {
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
  if (!isCanonicalHost(/^https?:\/\/(.+)$/i.exec(mirror.endpoint)?.[1] ?? '')) {
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
      { hint: 'mirror with the default naming: without --prefix-by-registry and without a path in --to or --endpoint' },
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
