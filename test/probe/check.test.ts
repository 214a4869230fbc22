import { describe, expect, it } from 'vitest';
import { isMissed } from '../../src/egress/verdict.ts';
import { checkAll } from '../../src/probe/check.ts';
import { namesFrom } from '../../src/probe/names.ts';
import { startNameServer } from '../support/nameServer.ts';
import { certified, closing, destination, freePort, probing, registry, serveHttps, serveRaw } from './world.ts';

const own = certified(['registry.site', 'r1.site', 'r2.site']);
const verdictsOf = (all: readonly { readonly verdict: string }[]) => all.map(({ verdict }) => verdict);

describe('checkAll()', () => {
  it('takes no longer for many silent destinations than for one', async () => {
    const port = await serveRaw(() => {});
    const all = Array.from({ length: 50 }, (_, number) => destination(port, { host: `r${number}.site` }));
    const started = performance.now();
    const { destinations } = await checkAll(all, probing({ timeoutMs: 700 }));
    const took = performance.now() - started;
    expect(new Set(verdictsOf(destinations))).toEqual(new Set(['blocked']));
    expect(destinations.map((probed) => probed.destination)).toEqual(all);
    expect(took).toBeLessThan(2500);
  });

  it('names the line of the name server alone, when that is what is closed', async () => {
    const dns = await startNameServer();
    const port = await serveHttps(registry(200), own);
    const line = destination(dns.server.port, { host: '127.0.0.1', protocol: 'udp', speaks: 'dns', isRegistry: false });
    const overTcp = { ...line, protocol: 'tcp' } as const;
    const hosts = ['r1.site', 'r2.site'].map((host) => destination(port, { host }));
    for (const { host } of hosts) dns.set(host, { addresses: ['127.0.0.1'] });
    const settings = () => probing({ names: namesFrom([dns.server]) });
    const before = await checkAll([line, overTcp, ...hosts], settings());
    expect(verdictsOf(before.destinations)).toEqual(['open', 'open', 'open', 'open']);
    await dns.stop();
    const after = await checkAll([line, ...hosts], settings());
    expect(verdictsOf(after.destinations)).toEqual(['blocked', 'unknown', 'unknown']);
    expect(after.destinations[1]).toMatchObject({ state: 'not tried: no name server answers' });
    expect(after.destinations.filter(isMissed)).toHaveLength(1);
    await dns.close();
  });

  it('does not excuse what is required with a line that is not', async () => {
    const gone = { address: '127.0.0.1', port: await freePort() };
    const about = { host: '127.0.0.1', protocol: 'udp', speaks: 'dns', isRegistry: false, required: false } as const;
    const all = [destination(gone.port, about), destination(1), destination(1, { host: 'r2.site', required: false })];
    const { destinations } = await checkAll(all, probing({ names: namesFrom([gone]) }));
    expect(verdictsOf(destinations)).toEqual(['blocked', 'blocked', 'unknown']);
    expect(destinations.filter(isMissed)).toHaveLength(1);
  });

  it('blames each destination for its name where no line of a name server is in the list', async () => {
    const gone = { address: '127.0.0.1', port: await freePort() };
    const { destinations } = await checkAll([destination(1)], probing({ names: namesFrom([gone]) }));
    expect(destinations).toMatchObject([{ verdict: 'blocked', step: 'name' }]);
  });

  it('tells of token services that nobody listed', async () => {
    const challenge = { 'www-authenticate': 'Bearer realm="https://auth.r1.site/token"' };
    const one = destination(await serveHttps(registry(401, challenge), own));
    const { notes } = await checkAll([one], probing());
    expect(notes).toEqual([
      `registry.site:${one.port} sends clients to auth.r1.site:443 for a token, and that is not in the list`,
    ]);
    const listed = destination(443, { host: '*.r1.site', isRegistry: false });
    expect((await checkAll([one, listed], probing())).notes).toEqual([]);
    expect((await checkAll([one, { ...listed, protocol: 'udp' }], probing())).notes).toEqual(notes);
  });

  it('a name the name server keeps back is the fault of that line', async () => {
    const dns = await startNameServer();
    closing(() => dns.close());
    const port = await freePort();
    dns.set('r1.site', { addresses: ['0.0.0.0'] });
    const sunk = destination(port, { host: 'r1.site', component: 'ghcr' });
    const { destinations } = await checkAll([sunk], probing({ names: namesFrom([dns.server]) }));
    expect(destinations).toMatchObject([
      { verdict: 'wrong answer', state: expect.stringMatching(/answers 0\.0\.0\.0/) },
    ]);
  });
});
