import { describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import {
  addressesOf,
  chunksOf,
  portRules,
  shortestTtl,
  sourceless,
  sourcesOf,
} from '../../../src/egress/firewall/port-rules.ts';
import { addresses, destination, from, input } from './input.ts';

const own = ['cilium', 'network-policy', 'fortigate', 'palo-alto', 'aws', 'azure', 'gcp'];

describe('portRules', () => {
  it('puts all of one role and port together, by kind of host', () => {
    const { rules } = portRules(input(), { bySpeaks: false });
    expect(rules.map(({ role, protocol, port }) => `${role} ${protocol}/${port}`)).toEqual([
      'staging tcp/53',
      'staging tcp/443',
      'staging tcp/3128',
      'staging tcp/5000',
      'staging udp/53',
      'nodes tcp/443',
      'nodes tcp/6000',
      'nodes udp/123',
      'omni tcp/443',
    ]);
    const web = rules.find(({ role, port }) => role === 'staging' && port === 443);
    expect(web).toMatchObject({ suffixes: ['.pkg.dev'], patterns: ['*.s3.dualstack.*.amazonaws.com'], addresses: [] });
    expect(web?.names).toEqual(['pkg-containers.githubusercontent.com', 'ghcr.io', 'registry.k8s.io']);
  });

  it('keeps what is spoken apart where asked', () => {
    const destinations = [
      destination('staging a.site:443', { purposes: ['x'] }),
      destination('staging b.site:443', { purposes: ['x'], speaks: 'tcp' }),
    ];
    expect(portRules(input({ destinations }), { bySpeaks: false }).rules).toHaveLength(1);
    expect(portRules(input({ destinations }), { bySpeaks: true }).rules.map(({ names }) => names)).toEqual([
      ['a.site'],
      ['b.site'],
    ]);
  });

  it('takes a proxy for something whose name nothing in the traffic says', () => {
    const { rules } = portRules(input(), { bySpeaks: true });
    expect(rules.find(({ port }) => port === 3128)?.speaks).toBe('tcp');
  });

  it('names what it leaves out, and wildcards that let data out', () => {
    const { warnings } = portRules(input(), { bySpeaks: true });
    expect(warnings.filter((warning) => warning.includes('is left out'))).toHaveLength(3);
    expect(warnings).toContain(
      '*.pkg.dev tcp/443 for staging: a name that many tenants share: who may reach it can send data to anybody',
    );
  });
});

describe('hostile lists', () => {
  it.each(
    own.flatMap((name) =>
      ['a.site"\nset action accept', 'a.site;rm -rf /', '$(id).site', "a.site'", '[concat()]', 'a.site\n*/'].map(
        (host) => [name, host],
      ),
    ),
  )('%s refuses %j', (name, host) => {
    const language = firewallLanguages.find((one) => one.name === name);
    const destinations = [
      destination('staging b.site:443', { purposes: ['x'] }),
      { ...destination('staging x:443', { purposes: ['x'] }), host },
    ];
    expect(() => language?.print(input({ destinations, addresses }))).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE' }),
    );
  });

  it('brings no line of an exfiltration warning or a purpose into what is printed', () => {
    const evil = 'x\nset action accept "evil" $(evil)';
    const destinations = [
      destination('staging 10.0.0.1:443', { purposes: [evil], condition: evil, exfiltration: evil }),
    ];
    for (const name of own) {
      const language = firewallLanguages.find((one) => one.name === name);
      const { files = [], warnings = [] } = language?.print(input({ destinations })) ?? {};
      expect(files.length, name).toBeGreaterThan(0);
      expect(files.map(({ text }) => text).join(), name).not.toContain('evil');
      expect(
        warnings.some((line) => /\n|\$\(|"/.test(line)),
        name,
      ).toBe(false);
    }
  });
});

describe('what languages share', () => {
  it('tells sources by family, and roles that have none', () => {
    const given = input({ from: new Map([['staging', from.get('staging') ?? []]]) });
    expect(sourcesOf(given, 'staging')).toEqual({ 4: ['10.0.0.5'], 6: ['fd00::5'] });
    expect(sourcesOf(given, 'nodes')).toBeUndefined();
    const { rules } = portRules(given, { bySpeaks: true });
    expect(sourceless(rules, given).map((warning) => /of (\w+) are/.exec(warning)?.[1])).toEqual(['nodes', 'omni']);
  });

  it('takes a role without a single address as one that was not given', () => {
    expect(sourcesOf(input({ from: new Map([['staging', []]]) }), 'staging')).toBeUndefined();
  });

  it('tells a proxy by its address, of IPv6 too, so that no rule looks for its name', () => {
    const destinations = ['10.0.0.9', 'fd00::9'].flatMap((host, index) => [
      destination(`staging ${host}:3128`, { speaks: 'http', purposes: ['proxy'] }),
      destination(`staging n${index}.site:443`, {
        purposes: ['registry'],
        through: index === 0 ? `${host}:3128` : `[${host}]:3128`,
      }),
    ]);
    const { rules } = portRules(input({ destinations }), { bySpeaks: true });
    expect(rules.map(({ speaks, addresses: all }) => [speaks, ...all])).toEqual([['tcp', '10.0.0.9', 'fd00::9']]);
  });

  it('gives addresses of names, those without any, and the shortest TTL', () => {
    const given = input({ addresses });
    const names = ['pkg-containers.githubusercontent.com', 'ghcr.io', 'a.site'];
    expect(addressesOf(names, given)).toEqual({
      addresses: ['140.82.121.33', '185.199.108.154', '2606:50c0:8000::154'],
      without: ['a.site'],
    });
    expect(shortestTtl(names, given)).toBe(60);
    expect(shortestTtl(['a.site'], given)).toBeUndefined();
  });

  it('cuts lists into groups', () => {
    expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunksOf([], 2)).toEqual([]);
  });
});
