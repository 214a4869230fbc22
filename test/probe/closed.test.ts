import { describe, expect, it } from 'vitest';
import { findOpen } from '../../src/probe/closed.ts';
import { startNameServer } from '../support/nameServer.ts';
import { closing, destination, freePort, probing, serveRaw } from './world.ts';

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
    const found = await findOpen([destination(443, { host: 'ghcr.io' })], {
      probing: probing({ names }),
      allowed: nothing,
    });
    expect(found).toEqual({ tried: 1, open: [], resolved: ['ghcr.io'] });
  });
});
