import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../src/async/sleep.ts';
import { type WatchEvent, type WatchedName, type WatchOptions, watchNames } from '../../src/probe/watch.ts';
import { startNameServer, type TestNameServer } from '../support/nameServer.ts';

/** Time runs so much faster for the watch: its seconds are tenths of ours. */
const speed = 10;
const now = () => performance.now() * speed;

/** What a firewall holds: addresses with the time at which they leave. */
class Sets {
  readonly writes: { readonly at: number; readonly names: readonly WatchedName[] }[] = [];
  readonly #ends = new Map<string, number>();
  underWay = 0;
  most = 0;
  broken: Error | undefined;

  readonly write = async (names: readonly WatchedName[]): Promise<void> => {
    this.underWay += 1;
    this.most = Math.max(this.most, this.underWay);
    await passed(100);
    this.underWay -= 1;
    if (this.broken !== undefined) throw this.broken;
    this.writes.push({ at: now(), names });
    for (const { host, addresses } of names) {
      for (const { address, seconds } of addresses) this.#ends.set(`${host} ${address}`, now() + seconds * 1000);
    }
  };

  has(host: string, address: string): boolean {
    return (this.#ends.get(`${host} ${address}`) ?? 0) > now();
  }
}

let dns: TestNameServer;
let sets: Sets;
let events: WatchEvent[];
let controller: AbortController;
let watching: Promise<unknown>;

beforeEach(async () => {
  dns = await startNameServer();
  sets = new Sets();
  events = [];
  controller = new AbortController();
  watching = Promise.resolve();
});

afterEach(async () => {
  controller.abort(new Error('over'));
  await watching;
  await dns.close();
});

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms / speed));
}

function start(names: readonly string[], options: Partial<WatchOptions> = {}): void {
  watching = watchNames(names, {
    servers: [dns.server],
    timeoutMs: 200,
    graceMs: 3000,
    write: sets.write,
    tell: (event) => events.push(event),
    signal: controller.signal,
    now,
    sleep: (ms, signal) => sleep(ms / speed, signal),
    ...options,
  }).catch((error) => error);
}

async function until(state: () => boolean, limitMs = 20_000): Promise<number> {
  const begun = now();
  while (!state()) {
    if (now() - begun > limitMs) throw new Error(`not within ${limitMs} ms: ${JSON.stringify(events.slice(-4))}`);
    await passed(20);
  }
  return now() - begun;
}

const told = <T extends WatchEvent['type']>(type: T) =>
  events.filter((event): event is Extract<WatchEvent, { type: T }> => event.type === type);

describe('watchNames', () => {
  it('writes again before the TTL ends, however long asking and writing take', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 10, delayMs: 100 / speed });
    const writtenAt: number[] = [];
    const write: WatchOptions['write'] = async (names) => {
      await passed(2500);
      if (names.some(({ host }) => host === 'ghcr.io')) writtenAt.push(now());
    };
    start(['ghcr.io'], { write, timeoutMs: 5000 });
    await until(() => writtenAt.length >= 4, 60_000);
    const askedAt = dns.questions.filter(({ type }) => type === 'A').map(({ at }) => at * speed);
    // How long after a question its successor's answer is written; the first round shows how long that takes.
    const renewed = writtenAt.slice(2).map((at, index) => at - (askedAt[index + 1] ?? 0));
    expect(Math.max(...renewed)).toBeLessThan(10_000);
    expect(Math.min(...askedAt.slice(1).map((at, index) => at - (askedAt[index] ?? 0)))).toBeGreaterThan(4900);
  });

  it('keeps a TTL of one second too', async () => {
    dns.set('quay.io', { addresses: ['192.0.2.3'], ttl: 1 });
    start(['quay.io']);
    await until(() => dns.count('quay.io', 'A') >= 4);
    expect(told('refreshed')[0]).toMatchObject({ nextMs: 750 });
  });

  it('has new addresses no later than the TTL, and lets old ones leave after TTL and grace', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 4 });
    start(['ghcr.io']);
    await until(() => sets.has('ghcr.io', '192.0.2.1'));
    dns.set('ghcr.io', { addresses: ['192.0.2.2', '2001:db8::2'], ttl: 4 });
    // With a second of ours for a busy machine; the test above holds the time itself.
    expect(await until(() => sets.has('ghcr.io', '2001:db8::2'))).toBeLessThan(14_000);
    expect(sets.has('ghcr.io', '192.0.2.1')).toBe(true);
    const stayed = await until(() => !sets.has('ghcr.io', '192.0.2.1'));
    // Seen last up to one TTL ago.
    expect(stayed).toBeGreaterThan(3000);
    expect(stayed).toBeLessThan(4000 + 4000 + 3000);
    expect(sets.has('ghcr.io', '192.0.2.2')).toBe(true);
    expect(told('changed')).toEqual([
      { type: 'changed', host: 'ghcr.io', came: ['192.0.2.1'], left: [], staySeconds: 0 },
      {
        type: 'changed',
        host: 'ghcr.io',
        came: ['192.0.2.2', '2001:db8::2'],
        left: ['192.0.2.1'],
        staySeconds: expect.any(Number),
      },
    ]);
    expect(told('changed')[1]?.staySeconds).toBeGreaterThan(4);
  });

  it('never leaves a moment without an address that stays', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 1 });
    start(['ghcr.io'], { graceMs: 1000 });
    await until(() => sets.has('ghcr.io', '192.0.2.1'));
    for (const end = now() + 8000; now() < end; await passed(20)) expect(sets.has('ghcr.io', '192.0.2.1')).toBe(true);
  });

  it('asks no name more often than every three quarters of a second, and each by its own TTL: the least along its aliases', async () => {
    dns.set('zero.example', { addresses: ['192.0.2.1'], ttl: 0 });
    dns.set('alias.example', { alias: 'slow.example', ttl: 3 });
    dns.set('slow.example', { addresses: ['192.0.2.2'], ttl: 600 });
    dns.set('years.example', { addresses: ['192.0.2.3'], ttl: 2 ** 31 - 1 });
    start(['zero.example', 'alias.example', 'slow.example', 'zero.example', 'years.example']);
    await until(() => sets.has('slow.example', '192.0.2.2') && sets.has('zero.example', '192.0.2.1'));
    await passed(9500);
    expect(dns.count('zero.example', 'A')).toBeGreaterThan(5);
    expect(dns.count('zero.example', 'A')).toBeLessThan(16);
    expect(dns.count('alias.example', 'A')).toBeGreaterThan(2);
    expect(dns.count('alias.example', 'A')).toBeLessThan(8);
    expect(dns.count('slow.example', 'A')).toBe(1);
    const slow = sets.writes.flatMap(({ names }) => names).find(({ host }) => host === 'slow.example');
    // Until it is asked again, its TTL, and the grace.
    expect(slow?.addresses).toEqual([{ address: '192.0.2.2', seconds: 60 + 600 + 3 }]);
    // No TTL is believed for longer than a day.
    const years = sets.writes.flatMap(({ names }) => names).find(({ host }) => host === 'years.example');
    expect(years?.addresses).toEqual([{ address: '192.0.2.3', seconds: 60 + 86_400 + 3 }]);
  });

  it('follows an alias that changes', async () => {
    dns.set('cdn.example', { alias: 'one.example', ttl: 1 });
    dns.set('one.example', { addresses: ['192.0.2.1'], ttl: 600 });
    dns.set('two.example', { addresses: ['192.0.2.2'], ttl: 600 });
    start(['cdn.example']);
    await until(() => sets.has('cdn.example', '192.0.2.1'));
    dns.set('cdn.example', { alias: 'two.example', ttl: 1 });
    // By the TTL of what it leads to, that would be after a minute.
    await until(() => sets.has('cdn.example', '192.0.2.2'));
  });

  it('keeps what is there when a server dies, tells so, and goes on when it is back', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 2 });
    start(['ghcr.io'], { graceMs: 60_000 });
    await until(() => sets.has('ghcr.io', '192.0.2.1'));
    await dns.stop();
    await until(() => told('failed').length >= 2);
    expect(sets.has('ghcr.io', '192.0.2.1')).toBe(true);
    expect(told('failed')[0]).toMatchObject({ host: 'ghcr.io', retryMs: 1000, partly: false });
    expect(told('failed')[1]).toMatchObject({ retryMs: 2000, failure: { kind: 'timeout' } });
    expect(told('failed')[1]?.keptSeconds).toBeGreaterThan(50);
    dns.set('ghcr.io', { addresses: ['192.0.2.9'], ttl: 2 });
    await dns.start();
    await until(() => sets.has('ghcr.io', '192.0.2.9'));
    expect(told('recovered')).toEqual([{ type: 'recovered', host: 'ghcr.io' }]);
  });

  it('lets everything leave when its time is over, says so, and tries again no later than that', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 2 });
    start(['ghcr.io']);
    await until(() => sets.has('ghcr.io', '192.0.2.1'));
    dns.set('ghcr.io', { fault: 'SERVFAIL' });
    await until(() => told('failed').filter(({ keptSeconds }) => keptSeconds === 0).length > 1);
    expect(sets.has('ghcr.io', '192.0.2.1')).toBe(false);
    expect(told('failed').at(-1)?.retryMs).toBe(5000);
    for (const { keptSeconds, retryMs } of told('failed')) {
      if (keptSeconds > 0) expect(retryMs).toBeLessThanOrEqual(Math.max(1000, keptSeconds * 1000));
    }
  });

  it('holds nobody up for a name that does not exist or is not answered', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 1 });
    dns.set('silent.example', { fault: 'silent' });
    start(['absent.example', 'silent.example', 'ghcr.io']);
    await until(() => told('failed').some(({ host }) => host === 'silent.example'));
    expect(dns.count('ghcr.io', 'A')).toBeGreaterThan(2);
    const absent = told('failed').filter(({ host }) => host === 'absent.example');
    expect(absent[0]).toMatchObject({ keptSeconds: 0, failure: { kind: 'no-such-name' } });
    // After 1, 2, 4 seconds.
    expect(absent.map(({ retryMs }) => retryMs).slice(0, 2)).toEqual([1000, 2000]);
  });

  it('writes what is answered of a name, and tells of the family that is not', async () => {
    dns.set('half.example', { addresses: ['192.0.2.1'], ttl: 60, fault: 'SERVFAIL', faultFor: 'AAAA' });
    start(['half.example']);
    await until(() => sets.has('half.example', '192.0.2.1'));
    expect(told('failed')[0]).toMatchObject({ partly: true, retryMs: 1000 });
    dns.set('half.example', { addresses: ['192.0.2.1', '2001:db8::1'], ttl: 60 });
    // By the TTL of the other family, that would be after a minute.
    await until(() => sets.has('half.example', '2001:db8::1'));
    expect(told('recovered')).toHaveLength(1);
  });

  it('stays with the server that answers', async () => {
    const dead = await startNameServer();
    dead.set('ghcr.io', { fault: 'SERVFAIL' });
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 1 });
    start(['ghcr.io'], { servers: [dead.server, dns.server], timeoutMs: 2000 });
    await until(() => dns.count('ghcr.io', 'A') >= 4);
    expect(dead.count('ghcr.io', 'A')).toBe(1);
    await dead.close();
  });

  it('writes many names at once, one write after another', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `n${index}.example`);
    for (const name of names) dns.set(name, { addresses: ['192.0.2.1'], ttl: 2 });
    start(names);
    await until(() => names.every((name) => sets.has(name, '192.0.2.1')));
    await passed(6000);
    expect(sets.most).toBe(1);
    expect(sets.writes.length).toBeLessThan(names.length);
    expect(told('refreshed').reduce((sum, { hosts }) => sum + hosts.length, 0)).toBeGreaterThan(100);
    expect(told('refreshed')[0]).toMatchObject({ nextMs: 1750 });
  });

  it('tells what could not be written, and tries again', async () => {
    dns.set('ghcr.io', { addresses: ['192.0.2.1'], ttl: 60 });
    sets.broken = new Error('no table');
    start(['ghcr.io']);
    await until(() => told('unwritten').length === 2);
    expect(told('unwritten').map(({ retryMs }) => retryMs)).toEqual([1000, 2000]);
    expect(told('changed')).toEqual([]);
    sets.broken = undefined;
    await until(() => sets.has('ghcr.io', '192.0.2.1'));
    expect(told('changed')).toHaveLength(1);
  });

  it('ends at once with the reason, also when it watches nothing', async () => {
    dns.set('ghcr.io', { fault: 'silent' });
    start(['ghcr.io'], { timeoutMs: 10_000 });
    await until(() => dns.count('ghcr.io') > 0);
    controller.abort(new Error('enough'));
    expect(await watching).toMatchObject({ message: 'enough' });
    start([]);
    expect(await watching).toMatchObject({ message: 'enough' });
    expect(events).toEqual([]);
  });
});
