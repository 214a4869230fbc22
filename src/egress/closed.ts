/** What may not answer where everything but a list is closed: well-known places, each of which would show an open way out. */
import { covers, type Destination, destinationKey, type Evidence, isExactName, type Role } from './destination.ts';
import { knownDestinations } from './knowledge/all.ts';
import type { KnownDestination } from './knowledge/known.ts';

/**
 * Name servers for everybody, of Cloudflare, Google and Quad9: they answer nearly always, and no name has to be looked up for them. In both
 * families: rules for one are often forgotten for the other.
 */
const publicNameServers = [
  '1.1.1.1',
  '8.8.8.8',
  '9.9.9.9',
  '2606:4700:4700::1111',
  '2001:4860:4860::8888',
  '2620:fe::fe',
] as const;
const publicTimeServer = 'time.cloudflare.com';
/** What that name has led to since the service began: where no name is known, its addresses are. */
const publicTimeAddresses = ['162.159.200.1', '2606:4700:f1::1'] as const;

/**
 * Every exact host of the knowledge base, what is superseded too, and public servers for names and time, unless the list allows them.
 * Of wildcards the hosts that are known stand for all. WireGuard is left out: its silence says nothing.
 */
export function mustBeClosed(
  list: readonly Destination[],
  options: { readonly role: Role; readonly known?: readonly KnownDestination[] },
): Destination[] {
  const { role, known = knownDestinations } = options;
  const places = new Map<string, Destination>();
  for (const place of [...known.flatMap((one) => placesOf(one, role)), ...publicServers(list, role)]) {
    const key = destinationKey(place);
    if (!places.has(key) && !list.some((allowed) => allows(allowed, place))) places.set(key, place);
  }
  return [...places.values()];
}

/** Whether a list's destination is, or covers, this one. */
function allows(allowed: Destination, { host, port, protocol }: Destination): boolean {
  return allowed.port === port && allowed.protocol === protocol && covers(allowed.host, host);
}

function placesOf(one: KnownDestination, role: Role): Destination[] {
  if (one.protocol === 'udp' && one.speaks !== 'dns' && one.speaks !== 'ntp') return [];
  const hosts = [one.host, ...(one.exact ?? []).map(({ host }) => host)].filter(isExactName);
  const evidence = one.sources.map((source): Evidence => ({ kind: 'document', source }));
  const { component, port, protocol, speaks, purpose } = one;
  return hosts.map((host) => ({
    ...closed(role, evidence),
    host,
    component,
    port,
    protocol,
    speaks,
    purposes: [purpose],
  }));
}

/** DNS over TLS: RFC 7858. */
function publicServers(list: readonly Destination[], role: Role): Destination[] {
  const base = closed(role, [{ kind: 'configured', by: '--assert-closed' }]);
  const servers = publicNameServers.flatMap((host): Destination[] => [
    { ...base, host, port: 53, protocol: 'udp', speaks: 'dns', purposes: ['public name server'] },
    { ...base, host, port: 53, protocol: 'tcp', speaks: 'dns', purposes: ['public name server'] },
    { ...base, host, port: 443, protocol: 'tcp', speaks: 'https', purposes: ['public name server, over HTTPS'] },
    { ...base, host, port: 853, protocol: 'tcp', speaks: 'tcp', purposes: ['public name server, over TLS'] },
  ]);
  const time = (host: string): Destination => {
    return {
      ...base,
      host,
      component: 'time',
      port: 123,
      protocol: 'udp',
      speaks: 'ntp',
      purposes: ['public time server'],
    };
  };
  const named = time(publicTimeServer);
  if (list.some((allowed) => allows(allowed, named))) return servers;
  return [...servers, named, ...publicTimeAddresses.map(time)];
}

function closed(role: Role, evidence: readonly Evidence[]) {
  return { role, isRegistry: false, required: false, component: 'dns', evidence } as const;
}
