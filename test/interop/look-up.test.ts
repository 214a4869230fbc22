/** Names are looked up at a real DNS server, and the tests' own name server is read by a real client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LookUp, lookUp } from '../../src/probe/look-up.ts';
import { startNameServer, type TestNameServer } from '../support/nameServer.ts';
import { missing, output, titled } from './support/programs.ts';

const withoutServer = missing('dnsmasq');
const withoutClient = missing('dig');
const many = Array.from({ length: 120 }, (_, index) => `10.1.0.${index}`);

async function freePort(): Promise<number> {
  const server = await startNameServer();
  await server.close();
  return server.server.port;
}

describe.skipIf(withoutServer !== undefined)(titled('lookUp at dnsmasq', withoutServer), () => {
  let dnsmasq: ChildProcess;
  let ask: (name: string) => Promise<LookUp>;

  beforeAll(async () => {
    const port = await freePort();
    const options = [
      '--no-daemon',
      '--no-resolv',
      '--no-hosts',
      '--conf-file=/dev/null',
      `--port=${port}`,
      '--listen-address=127.0.0.1',
      '--bind-interfaces',
      '--local=/example/',
      '--host-record=one.example,192.0.2.1,2001:db8::1,77',
      '--cname=alias.example,one.example,20',
      '--cname=chain.example,alias.example,30',
      '--host-record=six.example,2001:db8::6,9',
      ...many.map((address) => `--host-record=many.example,${address}`),
    ];
    dnsmasq = spawn('dnsmasq', options, { stdio: 'ignore' });
    const servers = [{ address: '127.0.0.1', port }];
    ask = (name) => lookUp(name, { servers, timeoutMs: 1000 });
    while ((await ask('one.example')).failure !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  });

  afterAll(() => {
    dnsmasq?.kill();
  });

  it('gives both families with the aliases on the way to them', async () => {
    expect(await ask('chain.example')).toMatchObject({
      chain: [
        { name: 'alias.example', ttl: 30 },
        { name: 'one.example', ttl: 20 },
      ],
      addresses: [
        { address: '192.0.2.1', family: 4, ttl: 20 },
        { address: '2001:db8::1', family: 6, ttl: 20 },
      ],
    });
    expect((await ask('six.example')).addresses).toEqual([{ address: '2001:db8::6', family: 6, ttl: 9 }]);
  });

  it('gives more addresses than fit over UDP', async () => {
    const { addresses } = await ask('many.example');
    expect(addresses.map(({ address }) => address).sort()).toEqual([...many].sort());
  });

  it('says what is not there', async () => {
    expect((await ask('none.example')).failure?.kind).toBe('no-such-name');
    // Without a server above it, dnsmasq refuses what is not its own.
    expect((await ask('elsewhere.invalid')).failure?.kind).toBe('refused');
  });
});

describe.skipIf(withoutClient !== undefined)(titled("the tests' name server, read by dig", withoutClient), () => {
  let dns: TestNameServer;
  const dig = (...words: string[]) =>
    output(['dig', '@127.0.0.1', '-p', String(dns.server.port), '+noall', '+comments', '+answer', ...words]);

  beforeAll(async () => {
    dns = await startNameServer();
    dns.set('alias.example', { alias: 'one.example', ttl: 3 });
    dns.set('one.example', { addresses: ['192.0.2.1', '2001:db8::1'], ttl: 9 });
    dns.set('many.example', { addresses: many });
    dns.set('ill.example', { fault: 'SERVFAIL' });
  });

  afterAll(() => dns.close());

  it('answers as a DNS server does', async () => {
    expect(await dig('alias.example', 'AAAA')).toMatch(
      /status: NOERROR[\s\S]*alias\.example\.\s+3\s+IN\s+CNAME\s+one\.example\.\none\.example\.\s+9\s+IN\s+AAAA\s+2001:db8::1\n/,
    );
    const long = await dig('many.example', 'A');
    expect(long).toContain('Truncated, retrying in TCP mode');
    expect(long).toContain('ANSWER: 120');
    expect(await dig('none.example', 'A')).toContain('status: NXDOMAIN');
    expect(await dig('ill.example', 'A')).toContain('status: SERVFAIL');
  });
});
