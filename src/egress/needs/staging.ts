/** What the host that mirrors has to reach: upstream registries with all that belongs to them, the target, names, a proxy. */
import type { TalosVersion } from '../../talos/version.ts';
import { type Destination, isExactName, isWildcard, printPlace } from '../destination.ts';
import { forRegistry } from '../knowledge/find.ts';
import { toDestinations } from '../knowledge/place.ts';
import type { Needs } from './merge.ts';
import { configured, elsewhere, isThisMachine, type Place, placeOfRegistry } from './place.ts';

export interface StagingFacts {
  /** Upstream registries of the images, as references name them. */
  readonly registries: readonly string[];
  /** Registries that are read elsewhere, `*` for all others; `by` is the option. */
  readonly readAt: readonly { readonly registry: string; readonly place: Place; readonly by: string }[];
  /** The target, where it is a registry. */
  readonly target: { readonly place: Place; readonly by: string } | undefined;
  /** Name servers this host asks. */
  readonly nameServers: readonly { readonly address: string; readonly port: number; readonly by: string }[];
  /** The proxy for a destination, where there is one. */
  readonly proxyFor: (place: Place) => Place | undefined;
  readonly version: TalosVersion;
  readonly wildcards: boolean;
}

/** Everything of role `staging`. */
export function stagingNeeds(facts: StagingFacts): Needs {
  const notes: string[] = [];
  const upstream = facts.registries.flatMap((registry) => upstreamOf(registry, { facts, notes }));
  const { target } = facts;
  const into =
    target === undefined
      ? []
      : [configured('staging', target.place, { purpose: 'target of the mirror', by: target.by, isRegistry: true })];
  const outside = elsewhere([...upstream, ...into], { spot: 'this machine', notes });
  const reached = outside.map((one) => behindProxy(one, facts));
  const proxies = proxiesOf(reached, facts);
  return {
    destinations: [...reached, ...proxies, ...nameServersFor([...reached, ...proxies], { facts, notes })],
    notes,
  };
}

function upstreamOf(
  registry: string,
  { facts, notes }: { readonly facts: StagingFacts; readonly notes: string[] },
): Destination[] {
  const { readAt, version, wildcards } = facts;
  const given = readAt.find((one) => one.registry === registry) ?? readAt.find((one) => one.registry === '*');
  const purpose = `registry ${registry}`;
  if (given !== undefined) {
    return [configured('staging', given.place, { purpose, by: given.by, isRegistry: true })];
  }
  const known = forRegistry(registry, { version });
  if (known.length > 0) return toDestinations(known, { role: 'staging', wildcards });
  // Upstream registries are read over https, whatever their port.
  const place = placeOfRegistry(registry, 'https');
  if (!isThisMachine(place.host)) notes.push(unknownRegistry(registry));
  return [configured('staging', place, { purpose, by: 'images', isRegistry: true })];
}

/** What a registry nobody wrote about needs beside itself shows when it is asked. */
export function unknownRegistry(registry: string): string {
  return `${registry}: whether it has its token service and its blobs elsewhere is not known here: "airgap egress check" names the token service, and --observed what a run was sent to`;
}

function behindProxy(destination: Destination, { proxyFor }: StagingFacts): Destination {
  const { host, port, speaks } = destination;
  const proxy = proxyFor({ host, port, speaks });
  return proxy === undefined ? destination : { ...destination, through: printPlace(proxy) };
}

/** By the variable that is for its scheme. */
function proxiesOf(destinations: readonly Destination[], facts: StagingFacts): Destination[] {
  const found = new Map<string, Destination>();
  for (const { host, port, speaks, through } of destinations) {
    const proxy = through === undefined ? undefined : facts.proxyFor({ host, port, speaks });
    if (proxy === undefined || isThisMachine(proxy.host)) continue;
    const by = speaks === 'http' ? 'HTTP_PROXY' : 'HTTPS_PROXY';
    found.set(`${by} ${printPlace(proxy)}`, configured('staging', proxy, { purpose: 'proxy', by }));
  }
  return [...found.values()];
}

/** Whoever goes through a proxy leaves names to it. */
function nameServersFor(
  destinations: readonly Destination[],
  { facts, notes }: { readonly facts: StagingFacts; readonly notes: string[] },
): Destination[] {
  const asksNames = destinations.some(
    ({ host, through }) => through === undefined && (isExactName(host) || isWildcard(host)),
  );
  if (!asksNames) return [];
  const reachable = facts.nameServers.filter(({ address }) => !isThisMachine(address));
  if (reachable.length === 0) {
    notes.push('which name servers this host asks is not known here: name them with --resolver ADDRESS');
  }
  return reachable.flatMap(({ address, port, by }) => nameServer('staging', { address, port, by }));
}

/** Both ways of asking: answers that do not fit into a datagram are asked for again over TCP (RFC 7766, section 5). */
export function nameServer(
  role: Destination['role'],
  server: { readonly address: string; readonly port?: number; readonly by: string; readonly condition?: string },
): Destination[] {
  const place: Place = { host: server.address, port: server.port ?? 53, speaks: 'dns' };
  const { by, condition } = server;
  const about = { purpose: 'names', by, ...(condition !== undefined && { condition }) };
  const asked = configured(role, place, about);
  return [{ ...asked, protocol: 'udp' }, asked];
}
