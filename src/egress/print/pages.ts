/** Divides a picture that is too high for a sheet of paper: a box goes on in the next one where it has to. */
import { layOut } from './layout.ts';
import type { Band, Link, Stop } from './picture.ts';

/** Pictures whose bands are at most `height` units high, as far as a host or a proxy alone is not higher. */
export function pagesOf(bands: readonly Band[], height: number): Band[][] {
  const pages: Band[][] = [];
  for (const part of bands.flatMap(partsOf)) {
    const page = pages.at(-1);
    const longer = page === undefined ? undefined : mergeBands([...page, part]);
    if (longer !== undefined && heightOf(longer) <= height) pages.splice(-1, 1, longer);
    else pages.push([part]);
  }
  return pages;
}

function heightOf(bands: readonly Band[]): number {
  return layOut(bands, 0).at(-1)?.rect.bottom ?? 0;
}

/** Bands of one host each; a proxy stays with each host that it reaches. */
function partsOf(band: Band): Band[] {
  return band.stops.flatMap((stop) => {
    const parts =
      stop.beyond.length === 0
        ? hostsOf(stop)
        : stop.beyond.flatMap(hostsOf).map((one) => ({ ...stop, beyond: [one] }));
    return parts.map((one) => ({ ...band, stops: [one] }));
  });
}

function hostsOf(stop: Stop): Stop[] {
  return stop.links.flatMap((link) => link.hosts.map((host) => ({ ...stop, links: [{ ...link, hosts: [host] }] })));
}

function mergeBands(bands: readonly Band[]): Band[] {
  return joined(bands, {
    keyOf: ({ role }) => role,
    join: (one, other) => ({ ...one, stops: mergeStops([...one.stops, ...other.stops]) }),
  });
}

function mergeStops(stops: readonly Stop[]): Stop[] {
  return joined(stops, {
    keyOf: ({ lane, title, links }) => JSON.stringify([lane, title, lane === 'proxy' ? links : '']),
    join: (one, other) =>
      one.lane === 'proxy'
        ? { ...one, beyond: mergeStops([...one.beyond, ...other.beyond]) }
        : { ...one, links: mergeLinks([...one.links, ...other.links]) },
  });
}

function mergeLinks(links: readonly Link[]): Link[] {
  return joined(links, {
    keyOf: ({ ports, why, kind }) => JSON.stringify([ports, why, kind]),
    join: (one, other) => ({ ...one, hosts: [...one.hosts, ...other.hosts] }),
  });
}

interface Joining<T> {
  readonly keyOf: (member: T) => string;
  readonly join: (one: T, other: T) => T;
}

/** Neighbours with the same key become one. */
function joined<T>(members: readonly T[], { keyOf, join }: Joining<T>): T[] {
  const found: T[] = [];
  for (const member of members) {
    const last = found.at(-1);
    if (last !== undefined && keyOf(last) === keyOf(member)) found.splice(-1, 1, join(last, member));
    else found.push(member);
  }
  return found;
}
