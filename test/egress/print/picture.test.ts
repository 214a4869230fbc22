import { describe, expect, it } from 'vitest';
import type { Destination } from '../../../src/egress/destination.ts';
import { bandsOf } from '../../../src/egress/print/picture.ts';
import { destination, listOf, ofSite } from '../lists.ts';

/** On which side of the firewall each host stands. */
function sidesOf(...destinations: readonly Destination[]): Record<string, string> {
  const stops = bandsOf(listOf(destinations)).flatMap((band) => band.stops);
  return Object.fromEntries(
    stops.flatMap(({ lane, links }) => links.flatMap(({ hosts }) => hosts.map(({ name }) => [name, lane]))),
  );
}

const inner = [
  '10.0.0.1',
  '127.0.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.1',
  '100.64.0.1',
].concat(['100.127.0.1', 'fd00::1', 'fc00::1', 'fe80::1', 'febf::1', '::1']);
const outer = ['11.0.0.1', '192.169.0.1', '172.15.0.1', '172.32.0.1', '100.63.0.1', '100.128.0.1', '1.10.0.1'].concat([
  '2001:db8::1',
  'fec0::1',
  '::11',
]);

describe('the bands of a picture', () => {
  it('have private addresses in the site and all others beyond, whoever names them', () => {
    for (const make of [ofSite, destination]) {
      const sides = sidesOf(...[...inner, ...outer].map((host) => make(host)));
      expect(
        Object.keys(sides)
          .filter((host) => sides[host] === 'site')
          .sort(),
      ).toEqual([...inner].sort());
    }
  });

  it('have a name in the site where an option names it, and neither one of images nor a finding', () => {
    const sides = sidesOf(
      ofSite('registry.site'),
      ofSite('images.example', { evidence: [{ kind: 'configured', by: 'images' }] }),
      ofSite('found.site', { seen: 'undeclared' }),
      ofSite('10.0.0.9', { seen: 'undeclared' }),
      ofSite('<omni>', { evidence: [] }),
      destination('ghcr.io', { evidence: [{ kind: 'configured', by: '--components' }] }),
    );
    expect(sides).toEqual({
      'registry.site': 'site',
      'images.example': 'internet',
      'found.site': 'internet',
      '10.0.0.9': 'site',
      '<omni>': 'site',
      'ghcr.io': 'internet',
    });
  });

  it('are closed where nothing leaves the site, through a proxy neither', () => {
    const isClosed = (...destinations: readonly Destination[]) => bandsOf(listOf(destinations))[0]?.isClosed;
    const proxy = ofSite('proxy.site', { port: 3128 });
    expect(isClosed(ofSite('registry.site'))).toBe(true);
    expect(isClosed(proxy)).toBe(true);
    expect(isClosed(ofSite('registry.site'), destination('ghcr.io'))).toBe(false);
    expect(isClosed(proxy, destination('ghcr.io', { through: 'proxy.site:3128' }))).toBe(false);
  });

  it('mark the number of the hosts that are not drawn, where one of these is shared', () => {
    const spare = [...Array(12).keys()].map((index) => ({
      required: false,
      purposes: ['blobs'],
      host: `b${index}.io`,
    }));
    const lastOf = (exfiltration: string | undefined) => {
      const list = listOf(spare.map(({ host, ...parts }) => destination(host, { ...parts, exfiltration })));
      return bandsOf(list)[0]?.stops[0]?.links[0]?.hosts.at(-1);
    };
    expect(lastOf(undefined)).toEqual({ name: 'and 9 more, see the list', isShared: false, seen: undefined });
    expect(lastOf('anybody may have a bucket')?.isShared).toBe(true);
  });
});
