import { describe, expect, it } from 'vitest';
import { namesFrom, rememberNames } from '../../src/probe/names.ts';
import { StepFailure } from '../../src/probe/trail.ts';
import { startNameServer } from '../support/nameServer.ts';
import { closing } from './world.ts';

const limits = { timeoutMs: 400, signal: new AbortController().signal };

async function failureOf(work: Promise<unknown>): Promise<StepFailure> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof StepFailure) return error;
  throw new Error(`expected a failure, not ${String(error)}`);
}

describe('namesFrom()', () => {
  it('gives every address and who told it', async () => {
    const dns = await startNameServer();
    closing(() => dns.close());
    dns.set('a.site', { addresses: ['127.0.0.7', '::1'] });
    const found = await namesFrom([dns.server])('a.site', limits);
    expect(found).toEqual({ addresses: ['127.0.0.7', '::1'], by: `127.0.0.1:${dns.server.port}` });
  });

  it('tells names that are not there from name servers that are not there', async () => {
    const dns = await startNameServer();
    closing(() => dns.close());
    const names = namesFrom([dns.server]);
    dns.set('silent.site', { fault: 'silent' });
    dns.set('refused.site', { fault: 'REFUSED' });
    dns.set('fails.site', { fault: 'SERVFAIL' });
    expect(await failureOf(names('none.site', limits))).toMatchObject({ verdict: 'blocked', missing: undefined });
    expect(await failureOf(names('fails.site', limits))).toMatchObject({ verdict: 'blocked', missing: undefined });
    for (const name of ['silent.site', 'refused.site']) {
      expect(await failureOf(names(name, limits))).toMatchObject({ missing: { kind: 'names' } });
    }
  });

  it('keeps to the limit with several servers that are silent', async () => {
    const servers = await Promise.all([startNameServer(), startNameServer()]);
    for (const dns of servers) {
      closing(() => dns.close());
      dns.set('a.site', { fault: 'silent' });
    }
    const started = performance.now();
    await failureOf(namesFrom(servers.map(({ server }) => server))('a.site', { ...limits, timeoutMs: 1000 }));
    expect(performance.now() - started).toBeLessThan(1800);
  });
});

it('rememberNames() asks once', async () => {
  let asked = 0;
  const names = rememberNames(async () => {
    asked += 1;
    return { addresses: ['127.0.0.1'], by: 'here' };
  });
  await Promise.all([names('a', limits), names('a', limits), names('b', limits)]);
  expect(asked).toBe(2);
});
