import { describe, expect, it } from 'vitest';
import { mustBeClosed } from '../../src/egress/closed.ts';
import type { Destination } from '../../src/egress/destination.ts';
import { knownDestinations } from '../../src/egress/knowledge/all.ts';
import { destination } from '../probe/world.ts';

const placesOf = (all: readonly Destination[]) => all.map(({ host, port, protocol }) => `${host} ${port}/${protocol}`);
const everything = mustBeClosed([], { role: 'nodes' });

describe('mustBeClosed()', () => {
  it('knows registries, what was superseded, hosts in place of wildcards, and public servers', () => {
    const places = placesOf(everything);
    expect(places).toEqual(
      expect.arrayContaining(['ghcr.io 443/tcp', '1.1.1.1 53/udp', '8.8.8.8 53/tcp', '9.9.9.9 443/tcp']),
    );
    expect(places).toEqual(expect.arrayContaining(['time.cloudflare.com 123/udp', 'pool.ntp.org 123/udp']));
    expect(new Set(places).size).toBe(places.length);
    for (const { host, exact = [], superseded, protocol } of knownDestinations) {
      if (protocol === 'udp') continue;
      for (const one of exact) expect(places.some((place) => place.startsWith(`${one.host} `))).toBe(true);
      if (superseded !== undefined && !host.includes('*') && !host.includes('<'))
        expect(places.some((place) => place.startsWith(`${host} `))).toBe(true);
    }
  });

  it('knows addresses of both families, for where no name is known, and their other ports', () => {
    const places = placesOf(everything);
    for (const port of ['53/udp', '53/tcp', '443/tcp', '853/tcp'])
      for (const host of ['1.1.1.1', '2606:4700:4700::1111']) expect(places).toContain(`${host} ${port}`);
    const time = ['162.159.200.1 123/udp', '2606:4700:f1::1 123/udp'];
    expect(places).toEqual(expect.arrayContaining(time));
    const clocks = everything.filter(({ protocol, port }) => protocol === 'udp' && port === 123);
    expect(new Set(clocks.map(({ component }) => component))).toEqual(new Set(['time']));
    const allowed = destination(123, { host: 'time.cloudflare.com', protocol: 'udp', speaks: 'ntp' });
    expect(placesOf(mustBeClosed([allowed], { role: 'nodes' })).filter((place) => time.includes(place))).toEqual([]);
  });

  it('tries no wildcard, no place without a name, and nothing that is silent by nature', () => {
    expect(everything.filter(({ host, speaks }) => /[*<]/.test(host) || speaks === 'wireguard')).toEqual([]);
  });

  it('leaves out what the list allows: the host, or a wildcard over it, at that port', () => {
    const list = [
      destination(443, { host: 'ghcr.io' }),
      destination(443, { host: '*.docker.io' }),
      destination(53, { host: '1.1.1.1', protocol: 'udp' }),
    ];
    const places = placesOf(mustBeClosed(list, { role: 'nodes' }));
    expect(places).not.toContain('ghcr.io 443/tcp');
    expect(places).not.toContain('registry-1.docker.io 443/tcp');
    expect(places).not.toContain('1.1.1.1 53/udp');
    expect(places).toContain('1.1.1.1 53/tcp');
    expect(places).toContain('quay.io 443/tcp');
  });
});
