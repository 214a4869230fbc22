import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers } from '../../../src/egress/destination.ts';
import { squid } from '../../../src/egress/firewall/squid.ts';
import { expectGolden } from './golden.ts';
import { destination, from, input } from './input.ts';

describe('squid', () => {
  it('writes its golden files', async () => {
    await expectGolden(squid.print(input()), 'squid');
    await expectGolden(squid.print(input({ from })), 'squid-gateway');
  });

  it('lets through what is reached through a proxy, but not to the proxy itself', () => {
    const [access] = filesOf(input().destinations);
    expect(access).toContain('acl airgap_staging_tls_443_names dstdomain -n auth.docker.io\n');
    expect(access).not.toContain('proxy.site');
  });

  it('does not pass on to a proxy by its address either', () => {
    const [access] = filesOf([
      destination('staging fd00::9:3128', { purposes: [], speaks: 'http', component: 'site' }),
      destination('staging ghcr.io:443', { purposes: [], through: '[fd00::9]:3128' }),
    ]);
    expect(access).toContain('_names dstdomain -n ghcr.io\n');
    expect(access).not.toContain('fd00::9');
  });

  it('has the words of Squid for all of one address family', () => {
    const everybody = new Map([['staging', ['10.0.0.5', '::/0', '0.0.0.0/0']]] as const);
    const { files } = squid.print(input({ from: everybody }));
    for (const { text } of files)
      expect([...text.matchAll(/^acl \w+ src (.*)$/gm)].map(([, source]) => source)).toEqual(['ipv4', 'ipv6']);
  });

  it('says each domain once that another covers', () => {
    const hosts = ['*.x.io', 'x.io', 'a.x.io', '*.b.x.io', 'notx.io', 'x.io.net'];
    const [access] = filesOf(hosts.map((host) => destination(`staging ${host}:443`, { purposes: [] })));
    const values = [...(access ?? '').matchAll(/_names dstdomain -n (.*)/g)].map(([, value]) => value);
    expect(values).toEqual(['notx.io', 'x.io.net', '.x.io']);
  });

  it('writes patterns that match what the wildcard covers, and nothing else', () => {
    const label = fc.constantFrom('a', 'b', 'ab', 'prod-1');
    const pattern = fc.tuple(fc.constantFrom('*', '*.a', 'prod-*', 'a*b'), fc.constantFrom('*.io', 'a*.b.io'));
    fc.assert(
      fc.property(pattern, fc.array(label, { minLength: 1, maxLength: 5 }), ([head, tail], labels) => {
        const host = `${head}.${tail}`;
        const [access] = filesOf([destination(`staging ${host}:443`, { purposes: [] })]);
        const [, written = ''] = /_patterns dstdom_regex -n -i (.*)/.exec(access ?? '') ?? [];
        const name = `${labels.join('.')}.io`;
        expect(new RegExp(written).test(name)).toBe(covers(host, name));
      }),
    );
  });

  it('names the ports that squid.conf denies before these rules are read', () => {
    const list = [
      destination('staging a.io:5443', { purposes: [] }),
      destination('staging a.io:443', { purposes: [] }),
      destination('staging b.io:5000', { purposes: [], speaks: 'http' }),
      destination('staging b.io:81', { purposes: [], speaks: 'http' }),
      destination('staging c.io:853', { purposes: [], speaks: 'tcp' }),
    ];
    const { warnings } = squid.print(input({ destinations: list, from: new Map([['staging', ['10.0.0.5']]]) }));
    expect(warnings.slice(1)).toEqual([
      'where squid.conf denies CONNECT to all but SSL_ports, add there: acl SSL_ports port 5443',
      'where squid.conf denies all but Safe_ports, add there: acl Safe_ports port 81',
    ]);
  });

  it('says what it cannot pass', () => {
    const { warnings } = squid.print(input({ from: new Map([['nodes', ['10.5.0.0/24']]]) }));
    expect(warnings).toEqual([
      'staging is left out: it has no --address staging=...',
      '<name server> is not known here: add its name or address to egress-squid.conf',
      '<omni> is not known here: add its name or address to egress-squid.conf',
      'time.cloudflare.com:123 speaks NTP, which Squid does not pass: open it for nodes in the packet filter',
      'omni is left out: it has no --address omni=...',
    ]);
  });
});

function filesOf(destinations: Parameters<typeof squid.print>[0]['destinations']): string[] {
  return squid.print(input({ destinations })).files.map(({ text }) => text);
}
