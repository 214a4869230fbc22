import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { hostsIn, systemNames } from '../../src/probe/system-names.ts';
import { startNameServer } from '../support/nameServer.ts';
import { closing } from './world.ts';

const limits = { timeoutMs: 400, signal: new AbortController().signal };

describe('systemNames()', () => {
  it('looks names up as this machine does, once a name server answers', async () => {
    const dns = await startNameServer();
    closing(() => dns.close());
    const { addresses, by } = await systemNames({ servers: [dns.server] })('localhost', limits);
    expect(addresses.some((address) => address === '127.0.0.1' || address === '::1')).toBe(true);
    expect(by).toBe('this machine');
    expect(dns.count('localhost')).toBeGreaterThan(0);
  });

  it('reads the hosts file alone where none answers, and asks the system for nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-hosts-'));
    closing(() => rmSync(folder, { recursive: true }));
    const hostsFile = join(folder, 'hosts');
    writeFileSync(hostsFile, '127.0.0.5 registry.site\n');
    const dns = await startNameServer();
    await dns.stop();
    const names = systemNames({ servers: [dns.server], hostsFile });
    expect(await names('registry.site', limits)).toEqual({ addresses: ['127.0.0.5'], by: hostsFile });
    // The system knows it, and is not asked: what it asks for elsewhere may hang.
    await expect(names('localhost', limits)).rejects.toMatchObject({ verdict: 'blocked', missing: { kind: 'names' } });
  });

  it('takes the time of one question for all names when servers are silent', async () => {
    const dns = await startNameServer();
    closing(() => dns.close());
    dns.set('n0.site', { fault: 'silent' });
    const names = systemNames({ servers: [dns.server], hostsFile: '/nowhere' });
    const started = performance.now();
    const all = await Promise.allSettled(Array.from({ length: 40 }, (_, number) => names(`n${number}.site`, limits)));
    expect(all.every(({ status }) => status === 'rejected')).toBe(true);
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it('ends with the run', async () => {
    const stop = new AbortController();
    // With a code, as errors of the system have one: it is no answer of theirs.
    stop.abort(new AirgapError('ERR_INTERRUPTED', 'enough'));
    await expect(systemNames({ servers: [] })('localhost', { ...limits, signal: stop.signal })).rejects.toBe(
      stop.signal.reason,
    );
  });
});

it.each([
  ['127.0.0.1 localhost\n10.0.0.5\tregistry.site  Registry # the one', 'registry', ['10.0.0.5']],
  ['10.0.0.5 a.site\r\nfd00::5 A.site\n10.0.0.5 a.site', 'a.site', ['10.0.0.5', 'fd00::5']],
  ['# 10.0.0.5 a.site\nnonsense a.site\n\n10.0.0.5', 'a.site', []],
])('hostsIn() reads %j', (text, name, addresses) => expect(hostsIn(text, name)).toEqual(addresses));
