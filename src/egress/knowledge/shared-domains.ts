/** Names that many tenants share: whoever allows one lets data out to any of them. */
import { covers, isWildcard } from '../destination.ts';

interface SharedDomain {
  readonly pattern: string;
  /** Anybody can have something of their own below it. */
  readonly what: string;
  /** Exact names below it belong to one tenant each: only wildcards are shared. */
  readonly namedByTenant: boolean;
}

const shared: readonly SharedDomain[] = [
  { pattern: 'raw.githubusercontent.com', what: 'files of any GitHub account', namedByTenant: false },
  { pattern: 'objects.githubusercontent.com', what: 'files of any GitHub account', namedByTenant: false },
  { pattern: 'gist.githubusercontent.com', what: 'files of any GitHub account', namedByTenant: false },
  { pattern: '*.githubusercontent.com', what: 'files of any GitHub account', namedByTenant: true },
  { pattern: '*.r2.cloudflarestorage.com', what: 'buckets of any Cloudflare account', namedByTenant: true },
  { pattern: '*.r2.dev', what: 'buckets of any Cloudflare account', namedByTenant: true },
  { pattern: 's3.amazonaws.com', what: 'buckets of any AWS account', namedByTenant: false },
  { pattern: 's3.*.amazonaws.com', what: 'buckets of any AWS account', namedByTenant: false },
  { pattern: 's3-*.amazonaws.com', what: 'buckets of any AWS account', namedByTenant: false },
  { pattern: 's3.dualstack.*.amazonaws.com', what: 'buckets of any AWS account', namedByTenant: false },
  { pattern: '*.amazonaws.com', what: 'buckets and services of any AWS account', namedByTenant: true },
  { pattern: '*.cloudfront.net', what: 'distributions of any AWS account', namedByTenant: true },
  { pattern: 'storage.googleapis.com', what: 'buckets of any Google Cloud account', namedByTenant: false },
  { pattern: 'storage.cloud.google.com', what: 'buckets of any Google Cloud account', namedByTenant: false },
  { pattern: '*.storage.googleapis.com', what: 'buckets of any Google Cloud account', namedByTenant: true },
  { pattern: '*.googleapis.com', what: 'services of any Google Cloud account', namedByTenant: true },
  { pattern: '*.pkg.dev', what: 'registries of any Google Cloud account', namedByTenant: true },
  { pattern: '*.gcr.io', what: 'registries of any Google Cloud account', namedByTenant: true },
  { pattern: '*.azurefd.net', what: 'sites of any Azure account', namedByTenant: true },
  { pattern: '*.azureedge.net', what: 'sites of any Azure account', namedByTenant: true },
  { pattern: '*.blob.core.windows.net', what: 'storage of any Azure account', namedByTenant: true },
  { pattern: '*.azurecr.io', what: 'registries of any Azure account', namedByTenant: true },
  { pattern: '*.fastly.net', what: 'sites of any Fastly account', namedByTenant: true },
];

/**
 * Why allowing a host or wildcard lets anybody's data out, one line without a full stop; undefined where it does not. An exact name that
 * belongs to one tenant is none of these, `storage.googleapis.com` is. Nor is a registry's own name (`ghcr.io`, `us-docker.pkg.dev`),
 * although whoever has an account there may push: that is said of every public registry, and helps nobody choose.
 */
export function exfiltrationOf(host: string): string | undefined {
  const name = host.toLowerCase();
  const found = shared.find((domain) => isShared(name, domain));
  return found === undefined ? undefined : `${found.what} stand behind it: data can be sent to any of them`;
}

function isShared(host: string, { pattern, namedByTenant }: SharedDomain): boolean {
  if (!isWildcard(host)) return !namedByTenant && covers(pattern, host);
  return host === '*' || overlaps(host, pattern);
}

/** Whether a wildcard covers names of a domain: it stands at it, below it, or above it. */
function overlaps(host: string, pattern: string): boolean {
  const below = (one: string, other: string) => covers(`*.${other.replace(/^\*\./, '')}`, one.replace(/^\*\./, 'x.'));
  return host === pattern || below(host, pattern) || below(pattern, host);
}
