import { describe, expect, it } from 'vitest';
import { findOpen } from '../../src/probe/closed.ts';
import { startNameServer } from '../support/nameServer.ts';
import { closing, destination, freePort, probing, serveRaw, serveUdp } from './world.ts';

const noneShut = { silent: 0, refused: 0, 'without-route': 0, 'without-name': 0, 'led-elsewhere': 0 };
const nothing: ReadonlySet<string> = new Set();

describe('findOpen()', () => {
  it('finds whatever accepts a connection or answers a datagram', async () => {
    const dns = await startNameServer({ address: '127.0.0.2' });
    closing(() => dns.close());
    const port = await serveRaw(() => {}, '127.0.0.2');
    const places = [
      destination(port, { host: 'ghcr.io' }),
      destination(await freePort(), { host: 'quay.io' }),
      destination(dns.server.port, { host: '127.0.0.2', protocol: 'udp', speaks: 'dns' }),
    ];
    const names = { 'ghcr.io': ['127.0.0.2'], 'quay.io': ['127.0.0.2'] };
    const found = await findOpen(places, { probing: probing({ names }), allowed: nothing });
    expect(found.tried).toBe(3);
    expect(found.open.map(({ destination: { host } }) => host)).toEqual(['ghcr.io', '127.0.0.2']);
    expect(found.open[0]?.state).toBe('connection accepted (to 127.0.0.2)');
    expect(found.resolved).toEqual([]);
  });

  it('leaves out what leads to this host itself, or to what is allowed', async () => {
    const port = await serveRaw(() => {}, '0.0.0.0');
    const names = { 'sunk.io': ['0.0.0.0', '127.0.0.1'], 'ghcr.io': ['127.0.0.2'] };
    const places = ['sunk.io', 'ghcr.io'].map((host) => destination(port, { host }));
    const settings = probing({ names });
    expect((await findOpen(places, { probing: settings, allowed: new Set([`127.0.0.2 ${port}`]) })).open).toEqual([]);
    expect((await findOpen(places, { probing: settings, allowed: nothing })).open).toHaveLength(1);
  });

  it('tells that names of the internet are resolved', async () => {
    // Nothing is ever sent there: the kernel refuses TCP to it.
    const names = { 'ghcr.io': ['255.255.255.255'] };
    const places = ['ghcr.io', '255.255.255.255'].map((host) => destination(443, { host }));
    const found = await findOpen(places, { probing: probing({ names }), allowed: nothing });
    const shut = { ...noneShut, 'without-route': 2 };
    // An address was looked up nowhere.
    expect(found).toEqual({ tried: 2, open: [], shut, resolved: ['ghcr.io'] });
  });

  it('counts how the others ended, and to how many nothing was sent', async () => {
    const silent = await serveUdp(() => undefined, '127.0.0.4');
    const names = { 'refuses.io': ['127.0.0.2'], 'allowed.io': ['127.0.0.3'], 'sunk.io': ['0.0.0.0'] };
    const hosts = ['nobody-knows.io', 'refuses.io', 'allowed.io', 'sunk.io'];
    const port = await freePort();
    const places = [
      ...hosts.map((host) => destination(port, { host })),
      destination(silent, { host: '127.0.0.4', protocol: 'udp', speaks: 'dns' }),
    ];
    const allowed = new Set([`127.0.0.3 ${port}`]);
    const { tried, open, shut } = await findOpen(places, { probing: probing({ names }), allowed });
    expect({ tried, open }).toEqual({ tried: 5, open: [] });
    expect(shut).toEqual({ ...noneShut, silent: 1, refused: 1, 'without-name': 1, 'led-elsewhere': 2 });
  });

  it('takes a datagram that is answered with anything for an open way out', async () => {
    const dns = await startNameServer({ address: '127.0.0.4' });
    closing(() => dns.close());
    dns.set('registry.site', { fault: 'REFUSED' });
    const about = { host: '127.0.0.4', protocol: 'udp', speaks: 'dns' } as const;
    const chatty = await serveUdp(() => Buffer.from('hello'), '127.0.0.4');
    const places = [destination(dns.server.port, about), destination(chatty, about)];
    const { open } = await findOpen(places, { probing: probing(), allowed: nothing });
    expect(open.map(({ state }) => state)).toEqual([
      'it refuses to answer questions from here (REFUSED)',
      'what comes back is no answer to the question',
    ]);
  });

  it('tries both families of a name that has many addresses', async () => {
    // An address of the other family that is not kept for sinkholes, and leads here.
    const sixth = '::ffff:127.0.0.99';
    const port = await serveRaw(() => {}, sixth);
    const many = Array.from({ length: 12 }, (_, number) => `127.0.0.${number + 2}`);
    const settings = probing({ names: { 'ghcr.io': [...many, sixth] } });
    const { open } = await findOpen([destination(port, { host: 'ghcr.io' })], { probing: settings, allowed: nothing });
    expect(open).toMatchObject([{ state: `connection accepted (to ${sixth})` }]);
  });

  it('counts a place that is tried through a proxy too once, by what was sent', async () => {
    const proxy = await serveRaw((socket) => {
      socket.once('data', (asked) => {
        socket.write(`HTTP/1.1 ${asked.includes('open.io') ? 200 : 403} .\r\n\r\n`);
      });
    });
    const server = { url: new URL(`http://127.0.0.1:${proxy}`), authorization: undefined };
    const port = await serveRaw(() => {}, '127.0.0.2');
    const settings = probing({ names: { 'both.open.io': ['127.0.0.2'] } });
    const places = ['both.open.io', 'open.io', 'refused.io', 'direct.io'].map((host) => destination(port, { host }));
    const { tried, open, shut } = await findOpen(places, {
      probing: settings,
      allowed: nothing,
      proxyFor: ({ host }) => (host === 'direct.io' ? undefined : server),
    });
    const through = `the proxy 127.0.0.1:${proxy} connects`;
    expect(open.map(({ destination: { host }, state }) => [host, state])).toEqual([
      ['both.open.io', 'connection accepted (to 127.0.0.2)'],
      ['both.open.io', through],
      ['open.io', through],
    ]);
    expect({ tried, shut }).toEqual({ tried: 4, shut: { ...noneShut, refused: 1, 'without-name': 1 } });
  });
});
