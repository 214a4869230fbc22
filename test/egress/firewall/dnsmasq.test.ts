import { describe, expect, it } from 'vitest';
import { dnsmasq, dnsmasqIpset } from '../../../src/egress/firewall/dnsmasq.ts';
import { expectGolden } from './golden.ts';
import { addresses, destination, from, input } from './input.ts';

describe('dnsmasq', () => {
  it('writes its golden files', async () => {
    await expectGolden(dnsmasq.print(input()), 'dnsmasq');
    await expectGolden(dnsmasqIpset.print(input({ addresses })), 'dnsmasq-ipset');
    await expectGolden(dnsmasqIpset.print(input({ from, stateless: true })), 'dnsmasq-ipset-gateway-stateless');
  });

  it('gives what the line of a longer domain catches to the wildcards above it', () => {
    const line = linesOf(['*.x.io', '*.b.x.io', 'a.x.io', 'b.x.io']);
    expect(line('a.x.io')).toEqual(['a.x.io', 'wildcard.x.io']);
    expect(line('b.x.io')).toEqual(['wildcard.b.x.io', 'b.x.io', 'wildcard.x.io']);
    expect(line('x.io')).toEqual(['wildcard.x.io']);
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

  it('names sets of ipset in 31 characters, each its own', () => {
    const hosts = ['a.io', '*.io', 'x.io', `${'a'.repeat(30)}.io`, `${'a'.repeat(31)}.io`, 'a_b_c.io', 'e4_x.io'];
    const text = dnsmasqIpset.print(input({ destinations: hosts.map(staging) })).files[1]?.text ?? '';
    const names = [...text.matchAll(/^create (\S+)/gm)].map(([, name = '']) => name);
    expect(new Set(names).size).toBe(hosts.length * 2);
    for (const name of names) expect(name).toMatch(/^[\w.-]{1,31}$/);
  });
});

function staging(host: string) {
  return destination(`staging ${host}:443`, { purposes: [] });
}

/** Domain → the IPv4 sets its line names, without `v4_`. */
function linesOf(hosts: readonly string[]): (domain: string) => string[] {
  const text = dnsmasq.print(input({ destinations: hosts.map(staging) })).files[0]?.text ?? '';
  return (domain) => {
    const line = text.split('\n').find((one) => one.startsWith(`nftset=/${domain}/`)) ?? '';
    return [...line.matchAll(/#v4_([^,]+)/g)].map(([, name = '']) => name);
  };
}
