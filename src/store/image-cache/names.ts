/**
 * Paths of a Talos image cache, as `talosctl image cache-create` writes them and a node reads them (siderolabs/talos v1.13.9,
 * pkg/imager/cache/cache.go and internal/app/machined/pkg/system/services/registry/registry.go). Pure. What no node could read is refused:
 * the tree is copied to boot media with vfat, where `:` is no character of a name and `V1` is the same name as `v1`.
 */
import { AirgapError } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { isCanonicalHost } from '../../oci/host.ts';
import { formatRepository, isRepositoryPath, isTag, type RepositoryName, type Tag } from '../../oci/reference.ts';

/** Layers and configs of all repositories. */
export const blobFolder = 'blob';
/** `REGISTRY/REPOSITORY/{reference,digest}` below it. */
export const manifestFolder = 'manifests';
/** Manifests of one repository under their tags. A node looks for this folder to find out which registry a repository belongs to. */
export const tagFolder = 'reference';
/** The same manifests, and those without a tag, under their digests. */
export const digestFolder = 'digest';

/** `sha256-HEX`. Throws ERR_UNSUPPORTED for sha512: nodes look for sha256 alone (registry/params.go). */
export function digestName(digest: Digest): string {
  if (digest.startsWith('sha256:')) return digest.replace(':', '-');
  throw unsupported(digest, 'nodes read nothing but sha256 from an image cache');
}

/** The digest that a file's name says; undefined for any other name. Pre-releases of 1.9 wrote a colon: that is no such name. */
export function digestOfName(name: string): Digest | undefined {
  const digest = name.replace('-', ':');
  return name.startsWith('sha256-') && isDigest(digest) ? digest : undefined;
}

/** `blob/sha256-HEX`. Throws as digestName(). */
export function blobPath(digest: Digest): string {
  return `${blobFolder}/${digestName(digest)}`;
}

/**
 * The folder of a registry: its host, and for a port `HOST_PORT_` (rewriteRegistry in cache.go). No host has an underscore, so two
 * registries never share one. Throws ERR_UNSUPPORTED for an IPv6 address, whose colons stay.
 */
export function registryFolder(registry: string): string {
  const colon = registry.lastIndexOf(':');
  const folder = colon > 0 ? `${registry.slice(0, colon)}_${registry.slice(colon + 1)}_` : registry;
  if (!/[:[\]]/.test(folder)) return folder;
  throw unsupported(registry, 'an IPv6 address has colons, and boot media have no names with them');
}

/** The registry of a folder's name; undefined when it is none. */
export function registryOfFolder(folder: string): string | undefined {
  const port = /^([^_]+)_([0-9]{1,5})_$/.exec(folder);
  const registry = port === null ? folder : `${port[1]}:${port[2]}`;
  return isCanonicalHost(registry) && !registry.startsWith('[') ? registry : undefined;
}

/** `manifests/REGISTRY/REPOSITORY`. Throws as registryFolder(). */
export function repositoryPath({ registry, repository }: RepositoryName): string {
  return `${manifestFolder}/${registryFolder(registry)}/${repository}`;
}

/** Throws as repositoryPath() and digestName(). */
export function manifestPath(name: RepositoryName, digest: Digest): string {
  return `${repositoryPath(name)}/${digestFolder}/${digestName(digest)}`;
}

/** Throws as repositoryPath(). */
export function tagPath(name: RepositoryName, tag: Tag): string {
  return `${repositoryPath(name)}/${tagFolder}/${tag}`;
}

/** Throws ERR_UNSUPPORTED for a tag that a node would not find: one that ends in a dot, or that differs from one that is here in case alone. */
export function refuseLostTag(name: RepositoryName, tag: Tag, present: Iterable<string>): void {
  const reference = `${formatRepository(name)}:${tag}`;
  if (tag.endsWith('.')) throw unsupported(reference, 'boot media lose the dot at the end of its tag');
  for (const other of present) {
    if (other === tag || other.toLowerCase() !== tag.toLowerCase()) continue;
    throw unsupported(reference, `tag "${other}" is in it, and boot media do not tell upper from lower case`);
  }
}

/** What a file of the tree is. */
export type CacheFile =
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'manifest'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'tag'; readonly name: RepositoryName; readonly tag: Tag };

/** The inverse of blobPath(), manifestPath() and tagPath(); undefined for a file that is none of the cache. */
export function fileAt(path: string): CacheFile | undefined {
  const steps = path.split('/');
  const last = steps.at(-1) ?? '';
  const digest = digestOfName(last);
  if (steps.length === 2 && steps[0] === blobFolder) return digest && { kind: 'blob', digest };
  const folder = steps.at(-2);
  const name = repositoryAt(steps.slice(0, -2).join('/'));
  if (name === undefined) return undefined;
  if (folder === digestFolder) return digest && { kind: 'manifest', name, digest };
  return folder === tagFolder && isTag(last) ? { kind: 'tag', name, tag: last } : undefined;
}

/** The inverse of repositoryPath(). */
export function repositoryAt(path: string): RepositoryName | undefined {
  const [top, folder = '', ...rest] = path.split('/');
  const registry = registryOfFolder(folder);
  const repository = rest.join('/');
  if (top !== manifestFolder || registry === undefined || !isRepositoryPath(repository)) return undefined;
  return { registry, repository };
}

function unsupported(what: string, state: string): AirgapError {
  return new AirgapError('ERR_UNSUPPORTED', `Cannot put "${what}" into an image cache: ${state}`, { end: 'target' });
}
