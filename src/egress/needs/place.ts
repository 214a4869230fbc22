/** Where a URL, or a registry's name, leads. */
import type { Destination, Evidence, Role, Speaks } from '../destination.ts';
import { isHost } from '../firewall/hosts.ts';

/** Host without brackets, port and what is spoken. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly speaks: Speaks;
}

/** `https://[fd00::5]:5000/x`. Undefined for what is no http or https URL. */
export function placeOfUrl(text: string): Place | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.hostname === '') return undefined;
  const speaks = url.protocol === 'https:' ? 'https' : 'http';
  return { host: bare(url.hostname), port: url.port === '' ? defaultPort(speaks) : Number(url.port), speaks };
}

/** `registry.site:5000`, `[fd00::5]:5000`, `ghcr.io` as a registry: without a scheme it speaks https at 443, and who knows what elsewhere. */
export function placeOfRegistry(host: string, scheme?: 'http' | 'https'): Place {
  const [, name = host, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host) ?? [];
  const number = port === undefined ? defaultPort(scheme ?? 'https') : Number(port);
  return { host: bare(name), port: number, speaks: scheme ?? (number === 443 ? 'https' : 'tcp') };
}

/** A destination that the user's own words name. */
export function configured(
  role: Role,
  place: Place,
  about: { readonly purpose: string; readonly by: string; readonly isRegistry?: boolean; readonly condition?: string },
): Destination {
  const evidence: Evidence = { kind: 'configured', by: about.by };
  return {
    role,
    ...place,
    protocol: 'tcp',
    isRegistry: about.isRegistry ?? false,
    required: true,
    condition: about.condition,
    purposes: [about.purpose],
    component: 'site',
    evidence: [evidence],
  };
}

/** What stands in place of a host may be anything, a password too: it is left out, and not told. */
export function onlyHosts(named: readonly Destination[], notes: string[]): Destination[] {
  const isReachable = ({ host, port }: Destination) => isHost(host) && port >= 1 && port <= 65_535;
  const wrong = named.filter((one) => !isReachable(one));
  for (const purpose of new Set(wrong.flatMap(({ purposes }) => purposes.slice(0, 1))))
    notes.push(`the configuration has something for ${JSON.stringify(purpose)} that is no host: it is left out`);
  return named.filter(isReachable);
}

/** Traffic to it never meets a firewall. */
export function isThisMachine(host: string): boolean {
  return (
    host === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === '0.0.0.0' || host === '::'
  );
}

/** Those that are somewhere else; what is on the spot is told, `spot` being who asks: `a node`, `this machine`. */
export function elsewhere(
  destinations: readonly Destination[],
  { spot, notes }: { readonly spot: string; readonly notes: string[] },
): Destination[] {
  const own = destinations.filter(({ host }) => isThisMachine(host));
  for (const { host, port } of own) notes.push(`${host}:${port} is ${spot} itself: no firewall is on the way`);
  return destinations.filter(({ host }) => !isThisMachine(host));
}

function defaultPort(speaks: Speaks): number {
  return speaks === 'http' ? 80 : 443;
}

function bare(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}
