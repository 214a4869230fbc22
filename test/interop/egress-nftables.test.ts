/** The nftables rules at work: of a host and of a gateway, following connections or not, with packets of both address families. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { FirewallInput } from '../../src/egress/firewall/language.ts';
import { nftables } from '../../src/egress/firewall/nftables.ts';
import { destination, input } from '../egress/firewall/input.ts';
import { Namespaces, namespacesMissing } from './support/namespaces.ts';
import { missing, output, titled } from './support/programs.ts';

const reason = missing('nft', 'ip') ?? namespacesMissing();

const destinations = [
  destination('staging registry.test:443', { purposes: ['registry'] }),
  destination('staging registry.test:444', { purposes: ['uploads'] }),
  destination('staging registry.test:445', { purposes: ['nobody listens there'] }),
  destination('staging registry.test:123', { protocol: 'udp', speaks: 'ntp', purposes: ['time'] }),
  destination('staging 10.9.2.2:53', { protocol: 'udp', speaks: 'dns', purposes: ['names'] }),
];
const addresses = new Map([
  [
    'registry.test',
    [
      { address: '10.9.2.2', ttl: 60 },
      { address: 'fd09:2::2', ttl: 60 },
    ],
  ],
]);
const from = new Map([['staging', ['10.9.1.2', 'fd09:1::2']]] as const);

/** Says yes to every connection on these TCP ports, and sends back what comes to these UDP ports. */
const listening = `
  const [tcp, udp] = process.argv.slice(1).map((ports) => ports.split(',').filter(Boolean).map(Number));
  const net = require('node:net'), dgram = require('node:dgram');
  let left = tcp.length + udp.length;
  const ready = () => { if (--left === 0) console.log('ready'); };
  for (const port of tcp) net.createServer((socket) => socket.end('hello')).listen({ port, host: '::' }, ready);
  for (const port of udp) {
    const socket = dgram.createSocket('udp6');
    socket.on('message', (data, { address, port: to }) => socket.send(data, to, address)).bind(port, '::', ready);
  }`;

/** Prints \`open\`, the code of a refusal, or \`silent\` for each \`tcp/HOST/PORT\` or \`tcp/HOST/PORT/FROM\`. */
const trying = `
  const net = require('node:net'), dgram = require('node:dgram');
  const attempt = (text) => new Promise((done) => {
    const [protocol, host, port, from] = text.split('/');
    setTimeout(done, 2500, 'silent');
    if (protocol === 'tcp') {
      const socket = net.connect({ host, port: Number(port), ...(from && { localPort: Number(from) }) });
      socket.on('data', () => done('open')).on('error', ({ code }) => done(code));
    } else {
      const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', () => done('open')).on('error', ({ code }) => done(code));
      socket.bind(Number(from ?? 0), () => socket.connect(Number(port), host, () => socket.send('x')));
    }
  });
  Promise.all(process.argv.slice(1).map(attempt)).then((found) => { console.log(found.join(' ')); process.exit(); });`;

/** Says how many bytes came to port 444. */
const counting = `
  require('node:net').createServer({ allowHalfOpen: true }, (socket) => {
    let count = 0;
    socket.on('data', (data) => (count += data.length)).on('end', () => socket.end(String(count)));
  }).listen({ port: 444, host: '::' }, () => console.log('ready'));`;

/** Prints what port 444 of each address says of so many bytes, or \`silent\`. */
const uploading = `
  const upload = (host) => new Promise((done) => {
    setTimeout(done, 5000, 'silent');
    const socket = require('node:net').connect({ host, port: 444 });
    socket.on('data', (data) => done(String(data))).on('error', ({ code }) => done(code)).end(Buffer.alloc(300_000));
  });
  Promise.all(process.argv.slice(1).map(upload)).then((found) => { console.log(found.join(' ')); process.exit(); });`;

describe.skipIf(reason)(titled('nftables rules at work', reason), () => {
  let world: Namespaces;
  const listeners: ChildProcess[] = [];

  beforeAll(async () => {
    world = await Namespaces.make(['host', 'way', 'there']);
    await world.link({
      between: ['host', 'way'],
      addresses: [
        ['10.9.1.2/24', 'fd09:1::2/64'],
        ['10.9.1.1/24', 'fd09:1::1/64'],
      ],
    });
    await world.link({
      between: ['way', 'there'],
      addresses: [
        ['10.9.2.1/24', 'fd09:2::1/64'],
        ['10.9.2.2/24', 'fd09:2::2/64'],
      ],
    });
    await world.configure('host', ['route add default via 10.9.1.1', 'route add default via fd09:1::1']);
    await world.configure('there', ['route add default via 10.9.2.1', 'route add default via fd09:2::1']);
    await output(world.command('way', ['sysctl', '-w', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']));
    await start('there', listening, '443,80', '123,124,67,547');
    await start('there', counting);
    await start('host', listening, '22,8080', '');
    // Addresses of IPv6 links are tried out for a second or two before they count.
    await vi.waitFor(async () => expect(await attempts('host', wanted)).toEqual(open), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await attempts('there', inwards)).toEqual(open), { timeout: 20_000 });
  });

  afterAll(() => {
    for (const child of listeners) child.kill('SIGKILL');
    world?.remove();
  });

  async function start(name: string, script: string, ...ports: readonly string[]): Promise<void> {
    const [program = '', ...args] = world.command(name, [process.execPath, '-e', script, ...ports]);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    listeners.push(child);
    await once(child.stdout, 'data');
  }

  async function attempts(name: string, asked: readonly string[]): Promise<string[]> {
    return (await output(world.command(name, [process.execPath, '-e', trying, ...asked]))).trim().split(' ');
  }

  const wanted = ['tcp/10.9.2.2/443', 'tcp/fd09:2::2/443', 'udp/10.9.2.2/123', 'udp/fd09:2::2/123'];
  const others = ['tcp/10.9.2.2/80', 'tcp/fd09:2::2/80', 'udp/10.9.2.2/124', 'udp/fd09:2::2/124'];
  /** To itself, and for leases of DHCP and DHCPv6. */
  const own = ['tcp/127.0.0.1/8080', 'tcp/::1/8080', 'udp/10.9.2.2/67/68', 'udp/fd09:2::2/547/546'];
  /** The last two are no answers, though they come from an address and a port that answers may come from. */
  const inwards = ['tcp/10.9.1.2/22', 'tcp/fd09:1::2/22', 'tcp/10.9.1.2/8080/445', 'tcp/fd09:1::2/8080/445'];
  const open = Array<string>(4).fill('open');
  /** Not after a time without an answer. */
  const refused = ['EHOSTUNREACH', 'EACCES', 'EHOSTUNREACH', 'EACCES'];

  it('lets everything through as long as there are none', async () => {
    expect(await attempts('host', others)).toEqual(open);
  });

  it.each<readonly [string, string, Partial<FirewallInput>, readonly string[]]>([
    ['a host', 'host', {}, open],
    ['a host, stateless', 'host', { stateless: true }, ['open', 'open', 'silent', 'silent']],
    ['a gateway', 'way', { from }, open],
    ['a gateway, stateless', 'way', { from, stateless: true }, Array<string>(4).fill('silent')],
  ])('opens what is listed and refuses the rest at once, on %s', async (_, place, changed, expected) => {
    const text = nftables.print(input({ destinations, addresses, ...changed })).files[0]?.text ?? '';
    await output(world.command(place, ['nft', '-f', '-']), { input: text });
    // Rules have to let hosts find each other, too.
    for (const name of ['host', 'way', 'there']) await world.configure(name, ['neigh flush all']);
    try {
      expect(await attempts('host', wanted)).toEqual(open);
      expect(await attempts('host', others)).toEqual(refused);
      expect(await attempts('there', inwards)).toEqual(expected);
      if (place === 'host') expect(await attempts('host', own)).toEqual(open);
      // Others are not limited by a gateway.
      if (place === 'way')
        expect(await attempts('way', ['tcp/10.9.2.2/80', 'tcp/fd09:2::2/80'])).toEqual(['open', 'open']);
    } finally {
      await output(world.command(place, ['nft', 'flush', 'ruleset']));
    }
  });

  it.each([{}, { stateless: true }])('hears of narrower links on the way, with %o', async (changed) => {
    const text = nftables.print(input({ destinations, addresses, ...changed })).files[0]?.text ?? '';
    await output(world.command('host', ['nft', '-f', '-']), { input: text });
    await world.configure('way', ['link set to-there mtu 1300']);
    try {
      const script = [process.execPath, '-e', uploading, '10.9.2.2', 'fd09:2::2'];
      expect((await output(world.command('host', script))).trim()).toBe('300000 300000');
    } finally {
      await world.configure('way', ['link set to-there mtu 1500']);
      for (const family of ['-4', '-6']) await output(world.command('host', ['ip', family, 'route', 'flush', 'cache']));
      await output(world.command('host', ['nft', 'flush', 'ruleset']));
    }
  });
});
