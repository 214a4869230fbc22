/** Which hosts are on site. */
import type { PullStep } from '../../node/pull.ts';
import type { NodeConfig } from '../../talos/node-config.ts';

/** Endpoints that are on no site, although a configuration may name them: pull-through mirrors of a vendor, other registries. */
const internetRegistries: ReadonlySet<string> = new Set([
  ...[
    'docker.io',
    'index.docker.io',
    'registry-1.docker.io',
    'registry.hub.docker.com',
    'ghcr.io',
    'quay.io',
    'gcr.io',
  ],
  ...['mirror.gcr.io', 'k8s.gcr.io', 'registry.k8s.io', 'mcr.microsoft.com', 'public.ecr.aws', 'nvcr.io', 'cgr.dev'],
  ...['registry.gitlab.com', 'factory.talos.dev'],
]);

/**
 * A host that `siteHosts` names is on site; an endpoint too, unless it is the registry that it mirrors, or one of the internet's.
 * `siteHosts`: `host[:port]`.
 */
export function siteOf(
  config: Pick<NodeConfig, 'mirrors'>,
  siteHosts: readonly string[],
): (step: Pick<PullStep, 'host' | 'isUpstream'>) => boolean {
  const onSite = hostsOnSite(config, siteHosts);
  return ({ host, isUpstream }) => onSite.has(host) || (!isUpstream && !isInternet(host));
}

/** Names of the machines on site, without port: nodes may be sent there. `siteHosts` as in siteOf(). */
export function siteNamesOf(config: Pick<NodeConfig, 'mirrors'>, siteHosts: readonly string[]): ReadonlySet<string> {
  const urls = [...hostsOnSite(config, siteHosts)].map((host) => `http://${host}`);
  return new Set(urls.filter((url) => URL.canParse(url)).map((url) => new URL(url).hostname));
}

/** A registry that has a mirror is none by being an endpoint as well. */
function hostsOnSite({ mirrors }: Pick<NodeConfig, 'mirrors'>, siteHosts: readonly string[]): ReadonlySet<string> {
  const mirrored = new Set(mirrors.map(({ registry }) => registry));
  const endpoints = mirrors.flatMap((mirror) => mirror.endpoints.map(({ url }) => hostOf(url)));
  return new Set([...siteHosts, ...endpoints.filter((host) => !mirrored.has(host) && !isInternet(host))]);
}

function isInternet(host: string): boolean {
  return internetRegistries.has(host.toLowerCase().replace(/:443$/, ''));
}

function hostOf(url: string): string {
  return /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
}
