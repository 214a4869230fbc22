/** What a picture of a list shows: for each role the boxes it connects to, in the site or beyond the firewall. */
import { type Destination, type EgressList, isAddress, isPlaceholder, printPlace, type Role } from '../destination.ts';
import { groupedBy } from '../grouped.ts';
import { byRole, componentTitles, type Entry, entriesOf, spareOf } from './wording.ts';

export interface Band {
  readonly role: Role;
  /** Who that is. */
  readonly title: string;
  readonly destinations: number;
  /** Nothing has to be opened for it. */
  readonly isClosed: boolean;
  /** In the site, then on the internet, then what is reached through proxies. */
  readonly stops: readonly Stop[];
}

/** A box with the hosts of one service. */
export interface Stop {
  readonly lane: 'site' | 'internet' | 'proxy';
  readonly title: string;
  readonly links: readonly Link[];
  /** What a proxy reaches. */
  readonly beyond: readonly Stop[];
}

/** Hosts that are needed for the same reasons, on the same ports. */
export interface Link {
  /** `53/tcp, 53/udp`. */
  readonly ports: string;
  /** Empty where the title of the box says it. */
  readonly why: string;
  readonly kind: 'required' | 'optional' | 'undeclared';
  /** Of many optional ones a few, and the number of the others. */
  readonly hosts: readonly Host[];
}

export interface Host {
  readonly name: string;
  /** Many tenants share the name. */
  readonly isShared: boolean;
  readonly seen: Destination['seen'];
}

/** One for each role that connects to anything. */
export function bandsOf(list: EgressList): Band[] {
  return byRole(list).map(({ role, title, destinations }) => {
    const proxies = [...new Set(destinations.flatMap(({ through }) => through ?? []))];
    const direct = destinations.filter((one) => one.through === undefined && !proxies.includes(printPlace(one)));
    const stops = [
      ...stopsOf(direct.filter(isInside), 'site'),
      ...stopsOf(
        direct.filter((one) => !isInside(one)),
        'internet',
      ),
      ...proxies.map((proxy) => proxyStop(proxy, destinations)),
    ];
    const isClosed = stops.every(({ lane, beyond }) => lane !== 'internet' && beyond.length === 0);
    return { role, title, destinations: destinations.length, isClosed, stops };
  });
}

function proxyStop(proxy: string, destinations: readonly Destination[]): Stop {
  const own = destinations.filter((one) => one.through === undefined && printPlace(one) === proxy);
  const assumed: Link = {
    ports: '',
    why: '',
    kind: 'required',
    hosts: [{ name: proxy, isShared: false, seen: undefined }],
  };
  return {
    lane: 'proxy',
    title: 'Proxy',
    links: own.length === 0 ? [assumed] : linksOf(own).map((link) => ({ ...link, why: '' })),
    beyond: stopsOf(
      destinations.filter(({ through }) => through === proxy),
      'internet',
    ),
  };
}

/** What the site names itself is its own, unless its address is a public one, or it is only known from names of images. */
function isInside({ component, host, seen, evidence }: Destination): boolean {
  if (isPlaceholder(host)) return true;
  if (seen === 'undeclared') return isAddress(host) && isPrivate(host);
  if (isAddress(host)) return isPrivate(host);
  const isNamed = evidence.some((entry) => entry.kind === 'configured' && entry.by !== 'images');
  return isNamed && (component === 'site' || component === 'omni');
}

/** Private, shared, link-local and loopback addresses: RFC 1918, 6598, 3927, 4193, 4291. */
function isPrivate(address: string): boolean {
  return /^(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.|^(?:f[cd]|fe[89ab])|^::1$/i.test(
    address,
  );
}

function stopsOf(destinations: readonly Destination[], lane: 'site' | 'internet'): Stop[] {
  const groups = groupedBy(destinations, titleOf);
  return [...groups].map(([title, members]) => {
    const isSaid = members.every((one) => one.component === 'site' && one.seen !== 'undeclared');
    const links = linksOf(members).map((link) => (isSaid ? { ...link, why: conditionsOf(members) } : link));
    return { lane, title, links, beyond: [] };
  });
}

function titleOf({ role, component, seen, purposes }: Destination): string {
  if (seen === 'undeclared') return 'Contacted, but not declared';
  if (role === 'omni' && component === 'omni') return 'Needed by Omni';
  if (component !== 'site') return componentTitles[component];
  const text = purposes.join(', ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function conditionsOf(members: readonly Destination[]): string {
  return [...new Set(members.flatMap(({ condition }) => condition ?? []))].join('; ');
}

/** By what a picture says of them. */
function linksOf(members: readonly Destination[]): Link[] {
  const registriesFirst = members.toSorted((one, other) => Number(other.isRegistry) - Number(one.isRegistry));
  return entriesOf(registriesFirst, reasonsOf).map(linkOf);
}

function linkOf({ first, members, ports }: Entry): Link {
  const spare = spareOf(members);
  const shown = members.filter((one) => !spare.has(one));
  const hosts: Host[] = shown.map(({ host, exfiltration, seen }) => ({
    name: host,
    isShared: exfiltration !== undefined,
    seen,
  }));
  const isShared = [...spare].some(({ exfiltration }) => exfiltration !== undefined);
  if (spare.size > 0) hosts.push({ name: `and ${spare.size} more, see the list`, isShared, seen: undefined });
  const why = [first.purposes.join(', '), ...(first.condition === undefined ? [] : [first.condition])].join('; ');
  return { ports, why, kind: kindOf(first), hosts };
}

function reasonsOf(one: Destination): string {
  return JSON.stringify([kindOf(one), one.condition, one.purposes]);
}

function kindOf({ seen, required }: Destination): Link['kind'] {
  if (seen === 'undeclared') return 'undeclared';
  return required ? 'required' : 'optional';
}
