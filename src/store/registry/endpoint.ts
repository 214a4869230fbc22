/** Where a registry's API is reached: an origin, and a path put before every repository. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import { isRepositoryPath } from '../../oci/reference.ts';

export interface Endpoint {
  /** Scheme, host and port; nothing after it. */
  readonly origin: URL;
  /** Stands between `/v2/` and the repository, without slashes at its ends; empty for none. */
  readonly pathPrefix: string;
  /** The upstream registry that is read here, where this is not its own address. */
  readonly upstream?: string | undefined;
}

/**
 * Reads `http(s)://HOST[:PORT][/PREFIX]`; a leading `v2` of the path is dropped, as it is put there anyway: `http://h/p` and
 * `http://h/v2/p` both read repository R at `/v2/p/R`. Throws ERR_USAGE.
 */
export function endpointOf(base: URL): Endpoint {
  if (base.protocol !== 'http:' && base.protocol !== 'https:') throw unusable(base, 'its scheme is not http or https');
  const pathPrefix = base.pathname.replace(/^\/+|\/+$/g, '').replace(/^v2(?:\/+|$)/, '');
  if (pathPrefix !== '' && !isRepositoryPath(pathPrefix)) throw unusable(base, 'its path is no repository path');
  return { origin: new URL(base.origin), pathPrefix };
}

/**
 * A read of an upstream registry at another address names that registry in `ns`, as containerd does when it asks a mirror
 * (containerd, docs/hosts.md): a cache of several registries tells equal paths apart by it, others ignore it. What the
 * registry itself put into the query stays as it is.
 */
export function withUpstream(url: URL, { origin, upstream }: Endpoint): URL {
  if (upstream === undefined || url.origin !== origin.origin || url.searchParams.has('ns')) return url;
  const named = new URL(url);
  named.search = `${url.search === '' ? '?' : `${url.search}&`}ns=${encodeURIComponent(upstream)}`;
  return named;
}

/** A repository's path on the wire. */
export function repositoryPath(endpoint: Endpoint, repository: string): string {
  return endpoint.pathPrefix === '' ? repository : `${endpoint.pathPrefix}/${repository}`;
}

/**
 * A place the registry sent us to, relative or absolute, when it is on the same scheme, host and port; user names in it are
 * dropped. Undefined for any other place: neither content nor credentials go there.
 */
export function sameOrigin(endpoint: Endpoint, place: string, from: URL = endpoint.origin): URL | undefined {
  if (place.length > 16_384 || !URL.canParse(place, from.href)) return undefined;
  const url = new URL(place, from);
  if (url.origin !== endpoint.origin.origin) return undefined;
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function unusable(base: URL, state: string): AirgapError {
  return new AirgapError(
    'ERR_USAGE',
    `Cannot use endpoint ${quoteText(`${base.protocol}//${base.host}${base.pathname}`)}: ${state}`,
    {
      hint: 'write http://HOST[:PORT][/PREFIX] or https://HOST[:PORT][/PREFIX]',
    },
  );
}
