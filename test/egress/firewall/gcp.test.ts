import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { gcp } from '../../../src/egress/firewall/gcp.ts';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { expectGolden } from './golden.ts';
import { destination, from, input } from './input.ts';
import { expectAllTold } from './told.ts';

interface Rule {
  readonly priority: number;
  readonly action: string;
  readonly role: string;
  readonly layer4: string;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly blocks: readonly string[];
}

function rulesIn({ files: [file] }: FirewallText): Rule[] {
  const lines = (file?.text ?? '').split('\n').filter((line) => /^rule \d/.test(line));
  return lines.map((line) => {
    const flags = new Map(
      [...line.matchAll(/--([a-z0-9-]+)=("[^"]*"|\S+)/g)].map(([, key = '', value = '']) => [
        key,
        value.replaceAll('"', ''),
      ]),
    );
    const list = (name: string) => (flags.get(name) ?? '').split(',').filter((item) => item !== '');
    return {
      priority: Number(line.split(' ')[1]),
      action: flags.get('action') ?? '',
      role: flags.get('description')?.split(' ')[0] ?? '',
      layer4: flags.get('layer4-configs') ?? '',
      sources: list('src-ip-ranges'),
      names: list('dest-fqdns'),
      blocks: list('dest-ip-ranges'),
    };
  });
}

describe('gcp', () => {
  it('writes its golden files', async () => {
    await expectGolden(gcp.print(input()), 'gcp');
    await expectGolden(gcp.print(input({ from })), 'gcp-gateway');
  });

  it('is a script that a shell can read', () => {
    const [file] = gcp.print(input({ from })).files;
    expect(execFileSync('sh', ['-n'], { input: file?.text ?? '', encoding: 'utf8' })).toBe('');
  });

  it('puts at most 100 names into a rule, each rule at its own priority, and denies last', () => {
    const destinations = Array.from({ length: 250 }, (_, index) =>
      destination(`staging n${index}.site:443`, { purposes: ['x'] }),
    );
    const rules = rulesIn(gcp.print(input({ destinations })));
    expect(rules.map(({ names }) => names.length)).toEqual([100, 100, 50, 0, 0]);
    expect(new Set(rules.map(({ priority }) => priority)).size).toBe(rules.length);
    expect(rules.slice(-2).map(({ action, layer4, blocks }) => [action, layer4, ...blocks])).toEqual([
      ['deny', 'all', '0.0.0.0/0'],
      ['deny', 'all', '::/0'],
    ]);
  });

  it('puts at most 256 addresses into a rule', () => {
    const destinations = Array.from({ length: 300 }, (_, index) =>
      destination(`staging 192.0.${2 + (index >> 8)}.${index & 255}:443`, { purposes: ['x'] }),
    );
    const rules = rulesIn(gcp.print(input({ destinations }))).filter(({ action }) => action === 'allow');
    expect(rules.map(({ blocks }) => blocks.length)).toEqual([256, 44]);
  });

  it('never mixes address families in one rule', () => {
    for (const { sources, blocks } of rulesIn(gcp.print(input({ from })))) {
      expect(new Set([...sources, ...blocks].map((block) => block.includes(':'))).size).toBeLessThan(2);
    }
  });

  it('denies only those whose addresses were given', () => {
    const denied = rulesIn(gcp.print(input({ from }))).filter(({ action }) => action === 'deny');
    expect(denied.flatMap(({ sources }) => sources)).toEqual([
      '10.0.0.5/32',
      'fd00::5/128',
      '10.5.0.0/24',
      'fd00:5::/64',
      '10.0.0.7/32',
    ]);
  });

  it('denies all else to everybody where it is not known who one role is', () => {
    const staging = new Map([['staging', ['10.0.0.5']]] as const);
    const denied = rulesIn(gcp.print(input({ from: staging }))).filter(({ action }) => action === 'deny');
    expect(denied.map(({ sources, blocks }) => [sources, blocks])).toEqual([
      [[], ['0.0.0.0/0']],
      [[], ['::/0']],
    ]);
  });

  it('says what else its denies cut off, and what comes before them', () => {
    const { warnings } = gcp.print(input());
    expect(warnings).toContainEqual(
      expect.stringMatching(/open to each other is denied too: .* before priority 2000000000$/),
    );
    expect(warnings).toContainEqual(expect.stringContaining('enforcement-order=BEFORE_CLASSIC_FIREWALL'));
  });

  it('leaves a name with an underscore out, and says so', () => {
    const destinations = [
      destination('staging a_b.site:443', { purposes: ['x'] }),
      destination('staging c.site:443', { purposes: ['x'] }),
    ];
    const text = gcp.print(input({ destinations }));
    expect(rulesIn(text)[0]?.names).toEqual(['c.site']);
    expect(text.warnings).toContain(
      'a_b.site tcp/443 for staging is left out: an FQDN object takes no underscore: allow its addresses',
    );
  });

  it('allows what is listed, and nothing else', () => {
    expectAllTold(gcp, (text, { role, source, host, address, port, protocol }) =>
      rulesIn(text).some(
        (rule) =>
          rule.action === 'allow' &&
          rule.role === role &&
          rule.layer4 === `${protocol}:${port}` &&
          (source === undefined
            ? rule.sources.length === 0
            : rule.sources.some((block) => block.split('/')[0] === source.split('/')[0])) &&
          (rule.names.includes(host) || rule.blocks.includes(`${address}/${address.includes(':') ? 128 : 32}`)),
      ),
    );
  });
});
