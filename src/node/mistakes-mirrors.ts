/** Mistakes in which registry a mirror is written for, and in whether the registry itself is asked after it. */
import { defaultHost } from '../oci/host.ts';
import { quoteText } from '../oci/quote.ts';
import { normaliseRegistry } from '../oci/reference.ts';
import { configKinds } from '../talos/config-kinds.ts';
import type { NodeMirror } from '../talos/node-mirrors.ts';
import { isSince, printTalosVersion } from '../talos/version.ts';
import type { Diagnosing, Diagnosis } from './diagnose.ts';
import { parseGoUrl } from './go-url.ts';
import { hostsFault, skipsFallback } from './node-pull.ts';

/** All mistakes of this file. */
export function mirrorMistakes(diagnosing: Diagnosing): Diagnosis[] {
  return diagnosing.config.mirrors.flatMap((mirror) => [
    ...misnamed(mirror, diagnosing),
    ...ownName(mirror, diagnosing),
    ...shadowing(mirror, diagnosing),
    ...unseenWildcard(mirror, diagnosing),
    ...withoutEndpoints(mirror, diagnosing),
    ...unreadable(mirror, diagnosing),
    ...fallingBack(mirror, diagnosing),
  ]);
}

/** The hosts of a mirror's endpoints, as far as they can be read. */
export function endpointHosts(mirror: NodeMirror): string[] {
  // One without a scheme is a mistake of its own; the host is meant all the same.
  const urls = mirror.endpoints.map(({ url }) =>
    parseGoUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`),
  );
  return urls.flatMap((url) => ('refused' in url || url.host === '' ? [] : [url.host]));
}

/** Without its port. */
export function nameOf(host: string): string {
  return host.replace(/:[0-9]*$/, '');
}

function originOf({ config }: Diagnosing, mirror: NodeMirror): Pick<Diagnosis, 'origin'> {
  return { origin: config.origins.get(`mirror ${mirror.registry}`) };
}

function misnamed(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  const { registry } = mirror;
  if (registry === '*') return [];
  const bare = registry.replace(/^https?:\/\//i, '').replace(/\/.*$/s, '');
  const right = tryNormalise(bare);
  if (right === registry) return [];
  return [
    {
      code: 'mirror-name',
      severity: 'error',
      message: `no image is of the registry ${quoteText(registry)}, so its mirror is never taken`,
      hint:
        right === undefined
          ? 'write the registry as images name it: HOST, HOST:PORT or "*"'
          : `write ${quoteText(right)}`,
      ...originOf(diagnosing, mirror),
    },
  ];
}

function tryNormalise(host: string): string | undefined {
  try {
    return normaliseRegistry(host);
  } catch {
    return undefined;
  }
}

/** siderolabs/talos#13423. An entry whose endpoints end with the registry itself is a fallback that was written out. */
function ownName(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  const { registry } = mirror;
  const hosts = endpointHosts(mirror);
  const isOwn = hosts.length > 0 && hosts.every((host) => nameOf(host) === nameOf(registry));
  if (registry === '*' || !isOwn) return [];
  const others = diagnosing.config.mirrors.filter((other) => other !== mirror);
  return [
    {
      code: 'mirror-of-itself',
      severity: others.length === 0 ? 'error' : 'warning',
      message: `the mirror of ${quoteText(registry)} leads to ${quoteText(hosts[0] ?? '')} itself: only images named "${registry}/…" are asked for there`,
      hint: 'write the mirror under the registry that the images name, for example "ghcr.io", or under "*"',
      ...originOf(diagnosing, mirror),
    },
  ];
}

function shadowing(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  const any = diagnosing.config.mirrors.find(({ registry }) => registry === '*');
  if (any === undefined || mirror === any) return [];
  const own = new Set(mirror.endpoints.map(({ url }) => url.replace(/(?<!\/)\/+$/, '')));
  const left = any.endpoints.map(({ url }) => url).filter((url) => !own.has(url.replace(/(?<!\/)\/+$/, '')));
  // Under a path of the same host the same mirror is meant.
  const hosts = new Set(endpointHosts(mirror));
  const foreign = left.filter((url) =>
    endpointHosts({ ...any, endpoints: [{ url, overridePath: false }] }).every((host) => !hosts.has(host)),
  );
  if (foreign.length === 0) return [];
  return [
    {
      code: 'wildcard-shadowed',
      severity: 'warning',
      message: `the mirror of ${quoteText(mirror.registry)} stands in place of the one of "*": ${quoteText(foreign[0] ?? '')} is not asked for its images`,
      hint: `add ${foreign.map((url) => quoteText(url)).join(' and ')} to the endpoints of ${quoteText(mirror.registry)}, or take its entry out`,
      ...originOf(diagnosing, mirror),
    },
  ];
}

/** Where entries of their own lead to the same endpoints, `*` stands there for what Talos itself pulls. */
function unseenWildcard(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  if (mirror.registry !== '*' || configKinds(diagnosing.version).wildcard) return [];
  const others = diagnosing.config.mirrors.filter((other) => other !== mirror && other.endpoints.length > 0);
  const own = new Set(others.flatMap(endpointHosts));
  if (others.length > 0 && endpointHosts(mirror).every((host) => own.has(host))) return [];
  const release = `containerd on Talos ${printTalosVersion(diagnosing.version)}`;
  const unserved = others.length > 0 ? 'registries without an entry of their own' : 'the registries';
  return [
    {
      code: 'wildcard-unseen',
      severity: others.length > 0 ? 'warning' : 'error',
      message: `${release} does not see the mirror of "*": it asks ${unserved} themselves`,
      hint: 'write an entry for each registry beside it',
      ...originOf(diagnosing, mirror),
    },
  ];
}

function withoutEndpoints(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  if (mirror.endpoints.length > 0) return [];
  const { version } = diagnosing;
  const fails = skipsFallback(mirror, { version }) || (isSince(version, '1.4.0') && !isSince(version, '1.9.0'));
  return [
    {
      code: 'no-endpoints',
      severity: fails ? 'error' : 'warning',
      message: fails
        ? `the mirror of ${quoteText(mirror.registry)} has no endpoints: Talos asks nobody and cannot pull, and containerd asks the registry itself`
        : `the mirror of ${quoteText(mirror.registry)} has no endpoints: the registry itself is asked`,
      hint: 'write at least one endpoint, or take the entry out',
      ...originOf(diagnosing, mirror),
    },
  ];
}

function unreadable(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  const { version } = diagnosing;
  const fault = hostsFault(mirror, { version });
  if (fault === undefined) return [];
  const isOld = !isSince(version, '1.3.0');
  return [
    {
      code: isOld ? 'several-endpoints' : 'endpoint-twice',
      severity: 'error',
      message: `the mirror of ${quoteText(mirror.registry)} is not followed by containerd: ${isOld ? 'it has more than one endpoint' : 'an endpoint stands there twice'}`,
      hint: isOld
        ? 'write one endpoint: more than one work from v1.3.0 on'
        : `write each endpoint once${skipsFallback(mirror, { version }) ? '' : ': a patch adds its endpoints to those that are there'}`,
      ...originOf(diagnosing, mirror),
    },
  ];
}

function fallingBack(mirror: NodeMirror, diagnosing: Diagnosing): Diagnosis[] {
  const { registry } = mirror;
  const itself = registry === '*' ? 'the registries themselves are' : `${quoteText(defaultHost(registry))} is`;
  const written = endpointHosts(mirror).find((host, index) => index > 0 && host === defaultHost(registry));
  if (written !== undefined) {
    const message = `an endpoint of ${quoteText(registry)} is the registry itself: ${quoteText(written)} is asked where the mirror has nothing`;
    return [
      {
        code: 'fallback-on',
        severity: 'warning',
        message,
        hint: 'take the endpoint out',
        ...originOf(diagnosing, mirror),
      },
    ];
  }
  if (!configKinds(diagnosing.version).skipFallback || mirror.skipFallback || mirror.endpoints.length === 0) return [];
  return [
    {
      code: 'fallback-on',
      severity: 'warning',
      message: `${itself} asked where the mirror of ${quoteText(registry)} has nothing or does not answer`,
      hint: 'write "skipFallback: true" beside its endpoints',
      ...originOf(diagnosing, mirror),
    },
  ];
}
