import { describe, expect, it } from 'vitest';
import { nftables } from '../../../src/egress/firewall/nftables.ts';
import { setName } from '../../../src/egress/firewall/sets.ts';
import { expectGolden } from './golden.ts';
import { addresses, destination, from, input } from './input.ts';

describe('nftables', () => {
  it.each([
    ['nftables', input()],
    ['nftables-looked-up', input({ addresses })],
    ['nftables-gateway', input({ addresses, from })],
    ['nftables-stateless', input({ addresses, stateless: true })],
    ['nftables-gateway-stateless', input({ addresses, from, stateless: true })],
  ])('writes %s as its golden file', async (name, given) => {
    await expectGolden(nftables.print(given), name);
  });

  it('leaves out what a proxy opens, and roles without an address on a gateway', () => {
    expect(textOf(input())).not.toContain('auth.docker.io');
    expect(textOf(input())).toContain('@v4_proxy.site tcp dport 3128');
    const some = nftables.print(input({ from: new Map([['omni', ['10.0.0.7']]]) }));
    expect(some.files[0]?.text).not.toMatch(/staging|nodes /);
    expect(some.warnings).toContain('staging is left out: it has no --address staging=...');
    expect(some.warnings).toContain('what omni sends over IPv6 is not limited: --address omni=... names none');
  });

  it('keeps an address as long as the longest record that names it', () => {
    const twice = [
      { address: 'fd00::1', ttl: 5 },
      { address: 'FD00:0::1', ttl: 60 },
    ];
    const text = textOf(input({ addresses: new Map([['ghcr.io', twice]]), graceSeconds: 0 }));
    expect(text).toContain('set v6_ghcr.io { type ipv6_addr; flags timeout; elements = { fd00::1 timeout 60s }; }');
  });

  it('keeps no address for ever, nor longer than nft takes', () => {
    const known = [
      { address: '192.0.2.1', ttl: 0 },
      { address: '192.0.2.2', ttl: 2_147_483_647 },
      { address: '192.0.2.3', ttl: 1.5 },
    ];
    const text = textOf(input({ addresses: new Map([['ghcr.io', known]]), graceSeconds: 0 }));
    expect(text).toContain('{ 192.0.2.1 timeout 1s, 192.0.2.2 timeout 4000000s, 192.0.2.3 timeout 2s }');
  });

  it('opens no address of the other family for who has none', () => {
    const list = [destination('staging fd00::1:443', { purposes: ['x'] })];
    const text = textOf(input({ destinations: list, from: new Map([['staging', ['10.0.0.5']]]) }));
    expect(text).not.toContain('fd00::1 tcp');
    expect(text).toContain('# staging has no address of its family: comment "staging fd00::1 x"');
  });

  it('says what it does not limit, and what it limits besides', () => {
    const given = { host: input(), gateway: input({ from }) };
    expect(textOf(given.host)).toContain('# What it forwards is not limited either: containers');
    expect(textOf(given.host)).toContain('What others open to it is not limited');
    expect(textOf({ ...given.host, stateless: true })).toContain('what it may open, and what others may open to it.');
    expect(textOf(given.gateway)).toContain('# What is sent to the gateway itself');
    expect(textOf(given.gateway)).not.toContain('nobody can open anything to them');
    expect(textOf({ ...given.gateway, stateless: true })).toContain('nobody can open anything to them');
    const open = 'Connections that are open while it is loaded go on';
    expect(textOf(given.gateway)).toContain(open);
    expect(textOf({ ...given.gateway, stateless: true })).not.toContain(open);
    expect(nftables.print({ ...given.gateway, stateless: true }).warnings).toContain(
      'stateless rules of a gateway let answers alone through to staging, nodes and omni: what others open to them needs rules of its own, in both directions',
    );
  });

  it('names a few of many names without addresses', () => {
    const list = (count: number) =>
      Array.from({ length: count }, (_, index) => destination(`staging h${index}.io:443`, { purposes: [] }));
    const [many] = nftables.print(input({ destinations: list(60) })).warnings;
    expect(many).toMatch(
      /^of h0\.io, h1\.io, h2\.io, h3\.io and 56 other names no address is written: nothing reaches them/,
    );
    const [one] = nftables.print(input({ destinations: list(1) })).warnings;
    expect(one).toMatch(/^of h0\.io no address is written: nothing reaches it until/);
  });

  it('refuses hosts that would share a set, and hosts that are none', () => {
    const shared = ['*.pkg.dev', 'wildcard.pkg.dev'].map((host) =>
      destination(`staging ${host}:443`, { purposes: [] }),
    );
    expect(() => textOf(input({ destinations: shared }))).toThrow(
      'Cannot tell "*.pkg.dev" from "wildcard.pkg.dev" in nftables: their sets have one name',
    );
    const hostile = [{ ...destination('staging a:443', { purposes: [] }), host: 'a } ; flush ruleset' }];
    expect(() => textOf(input({ destinations: hostile }))).toThrow('"a } ; flush ruleset"');
  });

  it('says nothing in a comment that could end it', () => {
    const list = [destination('staging a:443', { purposes: ['x" accept; drop\n}', 'y'.repeat(200)] })];
    const line = textOf(input({ destinations: list }))
      .split('\n')
      .find((one) => one.includes('dport 443'));
    expect(line).toMatch(
      /^ {4}ip daddr @v4_a tcp dport 443 accept comment "staging a x accept drop , y{85,95}\.\.\."; ip6 [^"]*"[^"]*"$/,
    );
  });

  it('has set names the kernel takes, and one for each name', () => {
    expect(setName('a_b.site', 4)).not.toBe(setName('a__b.site', 4));
    const long = `${`${'a'.repeat(60)}.`.repeat(4)}io`;
    expect(setName(long, 4)).toMatch(/^v4_[a.]{80}_[0-9a-f]{16}$/);
    expect(setName(long, 4)).not.toBe(setName(`b${long}`, 4));
  });
});

function textOf(given: ReturnType<typeof input>): string {
  return nftables.print(given).files[0]?.text ?? '';
}
