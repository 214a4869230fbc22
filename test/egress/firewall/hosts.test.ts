import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkInput, hostKind, plainText } from '../../../src/egress/firewall/hosts.ts';
import { destination, from, input } from './input.ts';

const hostile = [
  'ghcr.io\naccept',
  'ghcr.io"',
  'ghcr.io }',
  'ghcr.io/x',
  'ghcr.io;',
  '-ghcr.io',
  'ghcr..io',
  'GHCR.io',
  'ghcr.io.',
  '*',
  'x.*',
  '1.2.3',
  '10.0.0.999',
  '[fd00::1]',
  'fd00::1%eth0',
  '<omni',
  '<omni>\n',
  '<a"b>',
  '=cmd',
  'пример.рф',
  '$(reboot)',
  '',
  `${'a.'.repeat(130)}io`,
];

describe('hosts', () => {
  it('are names, wildcards, addresses or places', () => {
    const hosts = [
      'ghcr.io',
      'localhost',
      'a_b.site',
      '*.pkg.dev',
      '*.s3.*.x.com',
      'prod-*.x',
      '10.0.0.1',
      'fd00::1',
      '<omni>',
    ];
    expect(hosts.map(hostKind)).toEqual([
      'name',
      'name',
      'name',
      'wildcard',
      'wildcard',
      'wildcard',
      'ipv4',
      'ipv6',
      'place',
    ]);
  });

  it.each(hostile)('refuses %j, naming it', (host) => {
    expect(() => hostKind(host)).toThrow(
      expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining(JSON.stringify(host)) }),
    );
  });

  it('takes nothing that means something elsewhere, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
        try {
          hostKind(text);
        } catch {
          return;
        }
        expect(text).toMatch(/^(?:[0-9a-z_.:*-]+|[0-9a-f:.]+|<[\w .-]+>)$/i);
      }),
    );
  });

  it('checks ports, proxies, looked up addresses and who connects', () => {
    const one = (said: object) => ({ destinations: [destination('staging ghcr.io:443', { purposes: [], ...said })] });
    const wrong = [
      ...[0, 65_536, 1.5, Number.NaN].map((port) => one({ port })),
      one({ protocol: 'icmp' }),
      ...['proxy;x:1', 'proxy', 'proxy:0', 'proxy:65536', '[10.0.0.9]:1', 'fd00::9:1', '*.site:1'].map((through) =>
        one({ through }),
      ),
      { addresses: new Map([['ghcr.io', [{ address: '1.2.3.4', ttl: -1 }]]]) },
      { addresses: new Map([['ghcr.io', [{ address: '1.2.3.4 }', ttl: 1 }]]]) },
      { addresses: new Map([['ghcr.io', [{ address: '1.2.3.4', ttl: Number.NaN }]]]) },
      { from: new Map([['nodes', ['10.0.0.0/8; accept']]] as const) },
    ];
    for (const part of wrong)
      expect(() => checkInput(input(part))).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
    expect(() => checkInput(input({ from }))).not.toThrow();
    for (const through of ['proxy.site:3128', '10.0.0.9:1', '[fd00::9]:65535'])
      expect(() => checkInput(input(one({ through })))).not.toThrow();
  });
});

describe('text for comments', () => {
  it('is one harmless line', () => {
    expect(plainText('registry\n# "x" \\ {accept};  $y')).toBe('registry x accept y');
    expect(plainText('a'.repeat(300), 100)).toHaveLength(100);
  });
});
