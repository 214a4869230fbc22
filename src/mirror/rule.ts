/**
 * The one rule that places an upstream repository: where the copier puts it, and where a node will look for it.
 * Both answers come from here, so they cannot differ (what must stay true, no. 3).
 */
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type { Retag } from '../oci/retag.ts';

/**
 * `replace-host`: `ghcr.io/siderolabs/kubelet` lives at `TARGET/[PREFIX/]siderolabs/kubelet` (the air-gapped guide's rule).
 * `by-registry`: at `TARGET/[PREFIX/]ghcr.io/siderolabs/kubelet` (a port's colon becomes `_`, as repository names cannot hold it).
 * `keep`: names stay as they are: for layouts and bundles, which hold several registries side by side.
 */
export type Naming = 'replace-host' | 'by-registry' | 'keep';

export interface MirrorRule {
  readonly naming: Naming;
  /** Host of the target as it appears in target references; unused by `keep`. */
  readonly registry: string;
  /** Path put before every repository, without slashes at its ends; empty for none. */
  readonly prefix: string;
}

/** Registry R (or `*`, any) is served at this endpoint under this prefix. */
export interface Mirror {
  readonly registry: string;
  /** `http://HOST[:PORT]` or `https://HOST[:PORT]`, nothing after it. */
  readonly endpoint: string;
  /** Path between `/v2/` and the repository, without slashes at its ends; empty for none. */
  readonly pathPrefix: string;
}

/** Where the copier puts an upstream repository. */
export function placeRepository(rule: MirrorRule, upstream: RepositoryName): RepositoryName {
  if (rule.naming === 'keep') return { registry: upstream.registry, repository: upstream.repository };
  const parts = [rule.prefix, rule.naming === 'by-registry' ? pathSegment(upstream.registry) : '', upstream.repository];
  return { registry: rule.registry, repository: parts.filter((part) => part !== '').join('/') };
}

/**
 * Where the copier puts an image. A retag stands below the prefix whatever the naming says, and where names are kept beside the
 * image's own registry.
 */
export function placeImage(
  rule: MirrorRule,
  image: { readonly source: RepositoryName; readonly retag?: Retag | undefined },
): RepositoryName {
  const { source, retag } = image;
  if (retag === undefined) return placeRepository(rule, source);
  if (rule.naming === 'keep') return { registry: source.registry, repository: retag.repository };
  return placeRepository(
    { ...rule, naming: 'replace-host' },
    { registry: source.registry, repository: retag.repository },
  );
}

/** Where a directory or a bundle has an image: its own name, or its retag. */
export function keptPlace(image: {
  readonly source: RepositoryName;
  readonly retag?: Retag | undefined;
}): RepositoryName {
  return placeImage({ naming: 'keep', registry: '', prefix: '' }, image);
}

/**
 * A registry host as one path segment of a repository name; different hosts give different segments. `:` becomes `_`, as
 * `registry.local:5000` becomes `registry.local_5000`; IPv6 loses its brackets, has a `0` where `::` stands at an end, and its
 * port after `-`: `[::1]:5000` becomes `0__1-5000`.
 */
export function pathSegment(registry: string): string {
  const ipv6 = /^\[([0-9a-f:]+)\](?::([0-9]+))?$/.exec(registry);
  if (ipv6 === null) return registry.replaceAll(':', '_');
  const address = (ipv6[1] ?? '').replace(/^::/, '0::').replace(/::$/, '::0').replaceAll(':', '_');
  return ipv6[2] === undefined ? address : `${address}-${ipv6[2]}`;
}

/**
 * The mirrors a node needs to find what this rule places, sorted by registry.
 * One `*` entry when every registry lives at the same path and `perRegistry` is not asked for.
 */
export function mirrorsOf(
  rule: MirrorRule,
  endpoint: string,
  options: { readonly registries: readonly string[]; readonly perRegistry?: boolean },
): Mirror[] {
  const registries = [...new Set(options.registries)].sort();
  if (registries.length === 0) return [];
  if (rule.naming !== 'by-registry' && rule.prefix === '' && options.perRegistry !== true) {
    return [{ registry: '*', endpoint, pathPrefix: '' }];
  }
  return registries.map((registry) => ({ registry, endpoint, pathPrefix: prefixFor(rule, registry) }));
}

function prefixFor(rule: MirrorRule, registry: string): string {
  if (rule.naming === 'keep') return '';
  const parts = [rule.prefix, rule.naming === 'by-registry' ? pathSegment(registry) : ''];
  return parts.filter((part) => part !== '').join('/');
}

/** The mirror a node takes for a registry: the exact entry before `*` (Talos v1.13.9, internal/pkg/containers/image/resolver.go). */
export function mirrorFor(mirrors: readonly Mirror[], registry: string): Mirror | undefined {
  return mirrors.find((mirror) => mirror.registry === registry) ?? mirrors.find((mirror) => mirror.registry === '*');
}

/** The repository a node asks of the mirror's endpoint for an upstream repository: the registry's name is dropped, the prefix stands before. */
export function repositoryAtMirror(mirror: Mirror, upstream: RepositoryName): RepositoryName {
  const repository = mirror.pathPrefix === '' ? upstream.repository : `${mirror.pathPrefix}/${upstream.repository}`;
  return { registry: new URL(mirror.endpoint).host, repository };
}

/** The manifest URL a node asks first. */
export function manifestUrl(mirror: Mirror, image: Reference): string {
  const { repository } = repositoryAtMirror(mirror, image);
  return `${mirror.endpoint}/v2/${repository}/manifests/${image.digest ?? image.tag ?? 'latest'}`;
}
