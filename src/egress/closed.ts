/** What may not answer where everything but a list is closed: well-known places, each of which would show an open way out. */
import { covers, type Destination, type Evidence, isExactName, type Role } from './destination.ts';
import { knownDestinations } from './knowledge/all.ts';
import type { KnownDestination } from './knowledge/known.ts';

/** Name servers for everybody: they answer nearly always, and need no name to be looked up. */
const publicNameServers = ['1.1.1.1', '8.8.8.8', '9.9.9.9'] as const;
const publicTimeServer = 'time.cloudflare.com';

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
  for (const place of [...known.flatMap((one) => placesOf(one, role)), ...publicServers(role)]) {
    const key = `${place.host} ${place.port} ${place.protocol}`;
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

function publicServers(role: Role): Destination[] {
  const base = closed(role, [{ kind: 'configured', by: '--assert-closed' }]);
  const servers = publicNameServers.flatMap((host): Destination[] => [
    { ...base, host, port: 53, protocol: 'udp', speaks: 'dns', purposes: ['public name server'] },
    { ...base, host, port: 53, protocol: 'tcp', speaks: 'dns', purposes: ['public name server'] },
    { ...base, host, port: 443, protocol: 'tcp', speaks: 'https', purposes: ['public name server, over HTTPS'] },
  ]);
  const time: Destination = {
    ...base,
    host: publicTimeServer,
    port: 123,
    protocol: 'udp',
    speaks: 'ntp',
    purposes: ['public time server'],
  };
  return [...servers, time];
}

function closed(role: Role, evidence: readonly Evidence[]) {
  return { role, isRegistry: false, required: false, component: 'dns', evidence } as const;
}
