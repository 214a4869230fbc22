import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { lookUp } from '../../src/probe/look-up.ts';
import { startNameServer, type TestNameServer } from '../support/nameServer.ts';

let dns: TestNameServer;
let other: TestNameServer;
const names = new Set<string>();

beforeAll(async () => {
  dns = await startNameServer();
  other = await startNameServer();
});

afterEach(() => {
  for (const name of names) for (const server of [dns, other]) server.remove(name);
});

afterAll(async () => {
  await dns.close();
  await other.close();
});

function set(name: string, entry: Parameters<TestNameServer['set']>[1], server = dns): void {
  names.add(name);
  server.set(name, entry);
}

const ask = (name: string, options: Partial<Parameters<typeof lookUp>[1]> = {}) =>
  lookUp(name, { servers: [dns.server], timeoutMs: 2000, ...options });

describe('lookUp', () => {
  it('gives all addresses of both families with their TTL, and says who answered', async () => {
    set('ghcr.io', { addresses: ['192.0.2.1', '2001:db8::1', '192.0.2.2'], ttl: 60 });
    expect(await ask('GHCR.io.')).toEqual({
      name: 'GHCR.io.',
      server: dns.server,
      chain: [],
      addresses: [
        { address: '192.0.2.1', family: 4, ttl: 60 },
        { address: '192.0.2.2', family: 4, ttl: 60 },
        { address: '2001:db8::1', family: 6, ttl: 60 },
      ],
    });
  });

  it('follows aliases within an answer: an address may be kept as long as the shortest of them', async () => {
    set('a.example', { alias: 'b.example', ttl: 30 });
    set('b.example', { alias: 'c.example', ttl: 5 });
    set('c.example', { addresses: ['192.0.2.3'], ttl: 300 });
    const found = await ask('a.example');
    expect(found.chain).toEqual([
      { name: 'b.example', ttl: 30 },
      { name: 'c.example', ttl: 5 },
    ]);
    expect(found.addresses).toEqual([{ address: '192.0.2.3', family: 4, ttl: 5 }]);
  });

  it('follows aliases across answers, to a name that has IPv6 addresses alone', async () => {
    set('apart.example', { alias: 'six.example', ttl: 7, aliasAlone: true });
    set('six.example', { addresses: ['2001:db8::6'], ttl: 9 });
    const found = await ask('apart.example');
    expect(found.chain).toEqual([{ name: 'six.example', ttl: 7 }]);
    expect(found.addresses).toEqual([{ address: '2001:db8::6', family: 6, ttl: 7 }]);
    expect(found.failure).toBeUndefined();
    expect(found.unanswered).toBeUndefined();
  });

  it('ends where aliases lead in a circle, within one answer and across answers', async () => {
    set('one.example', { alias: 'two.example' });
    set('two.example', { alias: 'one.example' });
    set('self.example', { alias: 'self.example', aliasAlone: true });
    expect((await ask('one.example')).failure?.message).toContain('in a circle: "one.example" comes twice');
    expect((await ask('self.example')).failure?.kind).toBe('wrong-answer');
  });

  it('ends after sixteen aliases', async () => {
    for (let step = 0; step < 20; step += 1)
      set(`s${step}.example`, { alias: `s${step + 1}.example`, aliasAlone: step % 3 === 0 });
    set('s20.example', { addresses: ['192.0.2.1'] });
    expect((await ask('s0.example')).failure).toMatchObject({
      kind: 'wrong-answer',
      message: expect.stringContaining('more than 16'),
    });
    expect((await ask('s4.example')).addresses).toHaveLength(1);
  });

  it('says what a name has: nothing at all, or no address', async () => {
    set('empty.example', {});
    set('leads.example', { alias: 'nowhere.example' });
    expect((await ask('absent.example')).failure?.kind).toBe('no-such-name');
    expect((await ask('empty.example')).failure?.kind).toBe('no-address');
    expect((await ask('leads.example')).failure?.message).toBe('no such name: "nowhere.example"');
    expect((await ask('not a name')).failure?.kind).toBe('no-such-name');
    expect((await ask(`${'a'.repeat(64)}.example`)).failure?.kind).toBe('no-such-name');
  });

  it('asks over TCP when the answer was cut off', async () => {
    set('cut.example', { addresses: ['192.0.2.4'], fault: 'truncated' });
    const many = Array.from({ length: 250 }, (_, index) => `198.51.100.${index}`);
    set('many.example', { addresses: many });
    set('dead.example', { addresses: ['192.0.2.4'], fault: 'truncated-dead-end' });
    expect((await ask('cut.example')).addresses).toHaveLength(1);
    expect((await ask('many.example')).addresses.map(({ address }) => address)).toEqual(many);
    expect(dns.questions.filter(({ over, name }) => over === 'tcp' && name === 'many.example')).toHaveLength(1);
    expect((await ask('dead.example')).failure?.message).toMatch(
      /cut off over UDP, and over TCP: TCP connection ended/,
    );
  });

  it('takes no address of a name that nobody asked for', async () => {
    const socket = createSocket('udp4');
    socket.on('message', (bytes, from) => {
      const { id, questions = [] } = decode(bytes);
      const stray = (name: string) => ({ type: 'A', name, class: 'IN', ttl: 60, data: '192.0.2.66' }) as const;
      const answers =
        questions[0]?.type === 'A' ? [stray('evil.example'), stray('ghcr.io.evil.example'), stray('io')] : [];
      socket.send(encode({ type: 'response', id, questions, answers }), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const servers = [{ address: '127.0.0.1', port: socket.address().port }];
    expect(await ask('ghcr.io', { servers })).toMatchObject({ addresses: [], failure: { kind: 'no-address' } });
    socket.close();
  });

  it('asks with another id and from another port each time, and tells which size it takes', async () => {
    set('often.example', { addresses: ['192.0.2.5'] });
    for (let time = 0; time < 8; time += 1) await ask('often.example');
    const asked = dns.questions.filter(({ name }) => name === 'often.example');
    expect(asked).toHaveLength(16);
    expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(12);
    expect(new Set(asked.map(({ port }) => port)).size).toBeGreaterThan(8);
    expect(asked.every(({ edns }) => edns === 1232)).toBe(true);
  });

  it('asks an old server again without EDNS0', async () => {
    set('old.example', { addresses: ['192.0.2.6'], fault: 'no-edns' });
    expect((await ask('old.example')).addresses).toHaveLength(1);
  });

  it.each(['wrong-id', 'wrong-question', 'no-response-flag', 'garbage', 'garbage-body'] as const)(
    'takes no answer with %s',
    async (fault) => {
      set('fault.example', { addresses: ['192.0.2.7'], fault });
      const found = await ask('fault.example', { timeoutMs: 150 });
      expect(found.addresses).toEqual([]);
      expect(found.failure?.kind).toBe('wrong-answer');
    },
  );

  it('waits for the right answer when a forged one comes first', async () => {
    set('spoofed.example', { addresses: ['192.0.2.8', '2001:db8::8'], fault: 'spoofed-first' });
    expect((await ask('spoofed.example')).addresses.map(({ address }) => address)).toEqual([
      '192.0.2.8',
      '2001:db8::8',
    ]);
  });

  it.each(['SERVFAIL', 'REFUSED', 'silent', 'garbage-body'] as const)(
    'asks the next server after %s',
    async (fault) => {
      set('next.example', { fault });
      set('next.example', { addresses: ['192.0.2.9'] }, other);
      const found = await ask('next.example', { servers: [dns.server, other.server], timeoutMs: 200 });
      expect(found.addresses).toHaveLength(1);
      expect(found.server).toEqual(other.server);
    },
  );

  it('asks the next server at once when nobody listens', async () => {
    const gone = await startNameServer();
    await gone.close();
    set('next.example', { addresses: ['192.0.2.9'] }, other);
    const start = performance.now();
    const found = await ask('next.example', { servers: [gone.server, other.server], timeoutMs: 5000 });
    expect(found.addresses).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('does not ask the next server what the first one said does not exist', async () => {
    set('only.example', { addresses: ['192.0.2.9'] }, other);
    const found = await ask('only.example', { servers: [dns.server, other.server] });
    expect(found.failure?.kind).toBe('no-such-name');
    expect(other.count('only.example')).toBe(0);
  });

  it('names the server and the reason when none answers, after a second try', async () => {
    set('lost.example', { fault: 'silent' });
    set('ill.example', { fault: 'SERVFAIL' });
    set('shy.example', { fault: 'REFUSED' });
    const who = `name server 127.0.0.1:${dns.server.port}`;
    expect((await ask('lost.example', { timeoutMs: 100 })).failure).toEqual({
      kind: 'timeout',
      message: `${who}: no answer within 100 ms`,
    });
    expect(dns.count('lost.example', 'A')).toBe(2);
    expect((await ask('ill.example')).failure).toEqual({
      kind: 'server-failure',
      message: `${who} failed (SERVFAIL)`,
    });
    expect((await ask('shy.example')).failure).toEqual({
      kind: 'refused',
      message: `${who} refuses to answer (REFUSED)`,
    });
    expect(dns.count('shy.example', 'A')).toBe(1);
    expect((await ask('lost.example', { servers: [] })).failure?.message).toBe('there is no name server to ask');
  });

  it('tells of one family that was not answered, and gives the other', async () => {
    set('half.example', { addresses: ['192.0.2.9', '2001:db8::9'], fault: 'SERVFAIL', faultFor: 'AAAA' });
    const found = await ask('half.example');
    expect(found.addresses).toEqual([{ address: '192.0.2.9', family: 4, ttl: 60 }]);
    expect(found.failure).toBeUndefined();
    expect(found.unanswered?.kind).toBe('server-failure');
  });

  it('passes a TTL of 0 on, and reads one beyond 31 bits as 0', async () => {
    set('zero.example', { addresses: ['192.0.2.9'], ttl: 0 });
    set('huge.example', { addresses: ['192.0.2.9'], ttl: 0xff_ff_ff_ff });
    expect((await ask('zero.example')).addresses[0]?.ttl).toBe(0);
    expect((await ask('huge.example')).addresses[0]?.ttl).toBe(0);
  });

  it('ends at once with the reason of its signal', async () => {
    set('slow.example', { fault: 'silent' });
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 50);
    const start = performance.now();
    await expect(ask('slow.example', { timeoutMs: 5000, signal: controller.signal })).rejects.toThrow('enough');
    expect(performance.now() - start).toBeLessThan(1000);
    await expect(ask('slow.example', { signal: controller.signal })).rejects.toThrow('enough');
    const early = new AbortController();
    const refused = expect(ask('slow.example', { signal: early.signal })).rejects.toThrow('at once');
    early.abort(new Error('at once'));
    await refused;
  });

  it('asks a server with an IPv6 address', async () => {
    const sixth = await startNameServer({ address: '::1' });
    sixth.set('six.example', { addresses: ['2001:db8::1'] });
    expect((await ask('six.example', { servers: [sixth.server] })).addresses).toHaveLength(1);
    await sixth.close();
  });

  it('always ends with an answer or a failure, whatever a server sends', async () => {
    const socket = createSocket('udp4');
    let tail = Buffer.alloc(0);
    // An answer by its id and its question, and then anything.
    socket.on('message', (asked, from) => {
      const head = Buffer.from(asked.subarray(0, 12 + 'x.example'.length + 2 + 4));
      head.writeUInt16BE(0x81_80, 2);
      tail.copy(head, 6, 0, 6);
      socket.send(Buffer.concat([head, tail.subarray(6)]), from.port, from.address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const servers = [{ address: '127.0.0.1', port: socket.address().port }];
    const records = fc.uint8Array({ maxLength: 1200 });
    const counts = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 255), { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(counts, records, async (numbers, bytes) => {
        tail = Buffer.concat([Buffer.from(numbers), bytes]);
        const found = await lookUp('x.example', { servers, timeoutMs: 2000 });
        expect(found.addresses.length > 0 || found.failure !== undefined).toBe(true);
      }),
      { numRuns: 300 },
    );
    socket.close();
  });
});
