import { describe, expect, it } from 'vitest';
import { dnsmasq, dnsmasqIpset } from '../../../src/egress/firewall/dnsmasq.ts';
import { ipsetName } from '../../../src/egress/firewall/ipset.ts';
import { expectGolden } from './golden.ts';
import { addresses, destination, from, input } from './input.ts';

describe('dnsmasq', () => {
  it('writes its golden files', async () => {
    await expectGolden(dnsmasq.print(input()), 'dnsmasq');
    await expectGolden(dnsmasqIpset.print(input({ addresses })), 'dnsmasq-ipset');
    await expectGolden(dnsmasqIpset.print(input({ from, stateless: true })), 'dnsmasq-ipset-gateway-stateless');
  });

  it('gives what the line of a longer domain catches to the wildcards above it', () => {
    const line = linesOf(['*.x.io', '*.b.x.io', 'a.x.io', 'b.x.io', '*.c.x.io']);
    expect(line('a.x.io')).toEqual(['a.x.io', 'wildcard.x.io']);
    expect(line('b.x.io')).toEqual(['wildcard.b.x.io', 'b.x.io', 'wildcard.x.io']);
    expect(line('c.x.io')).toEqual(['wildcard.c.x.io', 'wildcard.x.io']);
    expect(line('x.io')).toEqual(['wildcard.x.io']);
  });

  it('gives what the line of a wildcard catches to inner wildcards above it', () => {
    const line = linesOf(['*.s3.*.x.io', '*.b.x.io']);
    expect(line('b.x.io')).toEqual(['wildcard.b.x.io', 'wildcard.s3.wildcard.x.io']);
  });

  it('does not give an inner wildcard what it does not cover', () => {
    const line = linesOf(['prod-*.s3.io', 'prod-1.s3.io', 'other.s3.io']);
    expect(line('prod-1.s3.io')).toEqual(['prod-1.s3.io', 'prod-wildcard.s3.io']);
    expect(line('other.s3.io')).toEqual(['other.s3.io']);
  });

  it('writes no line longer than dnsmasq reads', () => {
    const hosts = Array.from({ length: 30 }, (_, index) => `a${index}-*.${'b'.repeat(40)}.io`);
    const { files, warnings } = dnsmasq.print(input({ destinations: hosts.map(staging) }));
    for (const line of (files[0]?.text ?? '').split('\n')) expect(line.length).toBeLessThan(1024);
    expect(warnings.join('\n')).toContain(`a29-*.${'b'.repeat(40)}.io is filled in part`);
  });

  it('tells of names that it may answer by itself: these fill nothing', () => {
    const list = [staging('ghcr.io'), { ...staging('registry.site'), component: 'site' as const }];
    const { files, warnings } = dnsmasq.print(input({ destinations: list }));
    expect(files[0]?.text).toContain(
      'Nor do names that it answers by itself (address=, host-record=, hosts files, leases).',
    );
    expect(warnings).toEqual([
      'where dnsmasq answers registry.site by itself (address=, hosts files), it fills no set of it: let "airgap egress resolve --watch" fill them',
    ]);
    const found = { ...staging('cdn.io'), component: 'site' as const, seen: 'undeclared' as const };
    expect(dnsmasq.print(input({ destinations: [staging('ghcr.io'), found] })).warnings).toEqual([]);
  });

  it('keeps addresses in ipset no longer than it takes, and none for ever', () => {
    const known = [
      { address: '192.0.2.1', ttl: 0 },
      { address: '192.0.2.2', ttl: 2_147_483_647 },
      { address: '192.0.2.2', ttl: 1 },
      { address: 'FD00:0::1', ttl: 1.5 },
    ];
    const given = input({ destinations: [staging('a.io')], addresses: new Map([['a.io', known]]), graceSeconds: 0 });
    const lines = (dnsmasqIpset.print(given).files[1]?.text ?? '')
      .split('\n')
      .filter((line) => line.startsWith('add '));
    expect(lines).toEqual([
      'add e4_a.io 192.0.2.1 timeout 1 -exist',
      'add e4_a.io 192.0.2.2 timeout 2147483 -exist',
      'add e6_a.io fd00::1 timeout 2 -exist',
    ]);
  });

  it('has a rule of iptables for addresses too, and says which roles have none', () => {
    const list = [
      staging('10.0.0.2'),
      staging('fd00::2'),
      { ...staging('10.0.0.3'), through: 'proxy.site:3128' },
      destination('nodes 10.0.0.4:443', { purposes: [] }),
    ];
    const host = dnsmasqIpset.print(input({ destinations: list.slice(0, 3), stateless: true }));
    expect(rulesIn(host.files[1]?.text)).toEqual([
      'iptables -A OUTPUT -p tcp --dport 443 -d 10.0.0.2 -j ACCEPT',
      'iptables -A INPUT -p tcp --sport 443 ! --syn -s 10.0.0.2 -j ACCEPT',
      'ip6tables -A OUTPUT -p tcp --dport 443 -d fd00::2 -j ACCEPT',
      'ip6tables -A INPUT -p tcp --sport 443 ! --syn -s fd00::2 -j ACCEPT',
    ]);
    const gateway = dnsmasqIpset.print(input({ destinations: list, from: new Map([['staging', ['10.1.0.5']]]) }));
    expect(rulesIn(gateway.files[1]?.text)).toEqual([
      'iptables -A FORWARD -s 10.1.0.5 -p tcp --dport 443 -d 10.0.0.2 -j ACCEPT',
    ]);
    expect(gateway.warnings).toContain('nodes is left out of the lines for iptables: it has no --address nodes=...');
  });

  it('names sets of ipset in 31 characters, each its own', () => {
    const alike = ipsetName('*.io', 4).slice('e4_'.length);
    const hosts = ['a.io', '*.io', 'x.io', `${'a'.repeat(30)}.io`, `${'a'.repeat(31)}.io`, 'a_b_c.io', alike];
    const text = dnsmasqIpset.print(input({ destinations: hosts.map(staging) })).files[1]?.text ?? '';
    const names = [...text.matchAll(/^create (\S+)/gm)].map(([, name = '']) => name);
    expect(new Set(names).size).toBe(hosts.length * 2);
    for (const name of names) expect(name).toMatch(/^[\w.-]{1,31}$/);
  });
});

function staging(host: string) {
  return destination(`staging ${host}:443`, { purposes: [] });
}

/** Commands in comments. */
function rulesIn(text = ''): string[] {
  return [...text.matchAll(/^# (ip6?tables .*)$/gm)].map(([, rule = '']) => rule);
}

/** Domain → the IPv4 sets its line names, without `v4_`. */
function linesOf(hosts: readonly string[]): (domain: string) => string[] {
  const text = dnsmasq.print(input({ destinations: hosts.map(staging) })).files[0]?.text ?? '';
  return (domain) => {
    const line = text.split('\n').find((one) => one.startsWith(`nftset=/${domain}/`)) ?? '';
    return [...line.matchAll(/#v4_([^,]+)/g)].map(([, name = '']) => name);
  };
}
