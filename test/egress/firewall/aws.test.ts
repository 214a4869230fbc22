import { describe, expect, it } from 'vitest';
import { aws } from '../../../src/egress/firewall/aws.ts';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { expectGolden } from './golden.ts';
import { addresses, destination, from, input } from './input.ts';
import { type Ask, expectAllTold } from './told.ts';

interface Group {
  readonly RuleVariables?: { readonly IPSets: Record<string, { readonly Definition: readonly string[] }> };
  readonly RulesSource: { readonly RulesString: string };
  readonly StatefulRuleOptions: { readonly RuleOrder: string };
}

interface Rule {
  readonly protocol: string;
  readonly source: string;
  readonly to: string;
  readonly port: number;
  /** `[keyword, value]`, in order. */
  readonly options: readonly (readonly [string, string])[];
}

function groupIn({ files: [file] }: FirewallText): Group {
  return JSON.parse(file?.text ?? '') as Group;
}

function rulesIn(text: FirewallText): Rule[] {
  return groupIn(text)
    .RulesSource.RulesString.split('\n')
    .map((line) => {
      const [, protocol = '', source = '', to = '', port = '', options = ''] =
        /^pass (\w+) (\S+) any -> (\S+) (\d+) \((.*;)\)$/.exec(line) ?? [];
      expect(protocol, line).not.toBe('');
      return {
        protocol,
        source,
        to: to.replaceAll(/[[\]]/g, ''),
        port: Number(port),
        options: [...options.matchAll(/([a-z._]+)(?::((?:"[^"]*"|[^";])*))?;/g)].map(
          ([, key = '', value = '']) => [key, value.replaceAll('"', '')] as const,
        ),
      };
    });
}

function matches({ options }: Rule, host: string): boolean {
  const named = new Map(options);
  const content = named.get('content') ?? '';
  const isStart = !named.has('startswith') || host.startsWith(content);
  const expression = /^\/(.*)\/i$/.exec(named.get('pcre') ?? '/^/i')?.[1] ?? '$.';
  return isStart && named.has('endswith') && host.endsWith(content) && new RegExp(expression, 'i').test(host);
}

function allows(text: FirewallText, ask: Ask): boolean {
  const sets = groupIn(text).RuleVariables?.IPSets ?? {};
  return rulesIn(text).some((rule) => {
    const isFrom =
      ask.source === undefined
        ? rule.source === '$HOME_NET'
        : sets[rule.source.slice(1)]?.Definition.includes(ask.source) === true;
    if (
      !isFrom ||
      rule.port !== ask.port ||
      !rule.options.some(([key, value]) => key === 'msg' && value.endsWith(` for ${ask.role}`))
    )
      return false;
    if (rule.protocol === ask.protocol) return rule.to === ask.address;
    const spoken = { https: 'tls', http: 'http' }[ask.speaks];
    return ask.protocol === 'tcp' && rule.protocol === spoken && rule.to === 'any' && matches(rule, ask.host);
  });
}

/** Rules of short addresses: as many of them as fit. */
function addressesOnly(length: number) {
  const destinations = Array.from({ length }, (_, index) =>
    destination(`omni 1.${index >> 14}.${(index >> 7) & 127}.${index & 127}:53`, { purposes: [] }),
  );
  return input({ destinations });
}

describe('aws', () => {
  it('writes its golden files', async () => {
    await expectGolden(aws.print(input()), 'aws');
    await expectGolden(aws.print(input({ from, addresses })), 'aws-gateway');
  });

  it('gives every rule a number of its own, keeps their order, and asks for room', () => {
    const text = aws.print(input({ from, addresses }));
    const numbers = rulesIn(text).map(({ options }) => new Map(options).get('sid'));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(groupIn(text).StatefulRuleOptions.RuleOrder).toBe('STRICT_ORDER');
    expect(text.use[0]).toContain('--capacity 100 ');
    expect(groupIn(text).RuleVariables?.IPSets.AIRGAP_NODES?.Definition).toEqual(['10.5.0.0/24', 'fd00:5::/64']);
  });

  it('does not let the domain of a wildcard itself through', () => {
    const destinations = [destination('staging *.pkg.dev:443', { purposes: ['blobs'] })];
    const [rule] = rulesIn(aws.print(input({ destinations })));
    expect(rule?.options).not.toContainEqual(['dotprefix', '']);
    expect(
      ['a.pkg.dev', 'a.b.pkg.dev', 'pkg.dev', 'evilpkg.dev'].map((host) => rule !== undefined && matches(rule, host)),
    ).toEqual([true, true, false, false]);
  });

  it('leaves rules of addresses without a flow, which would keep answers from passing, and those of names with it', () => {
    const destinations = [
      destination('staging 10.0.0.2:53', { protocol: 'udp', speaks: 'dns', purposes: ['names'] }),
      destination('staging 10.0.0.9:443', { purposes: ['registry'] }),
      destination('staging ghcr.io:443', { purposes: ['registry'] }),
    ];
    const rules = rulesIn(aws.print(input({ destinations })));
    expect(rules.map(({ protocol, options }) => [protocol, new Map(options).get('flow')])).toEqual([
      ['tls', 'to_server'],
      ['tcp', undefined],
      ['udp', undefined],
    ]);
  });

  it('names default actions that wait for a hello of several packets, where names are read from it', () => {
    const { use, warnings } = aws.print(input());
    expect(use[1]).toContain('aws:drop_established_app_layer_to_server and aws:alert_established_app_layer_to_server');
    expect(warnings.filter((warning) => warning.includes('two packets'))).toHaveLength(1);
    const destinations = [destination('staging 10.0.0.9:443', { purposes: ['registry'] })];
    expect(aws.print(input({ destinations })).warnings.join()).not.toContain('two packets');
  });

  it('asks for twice the room that its rules take, and no more than there is', () => {
    expect(aws.print(addressesOnly(300)).use[0]).toContain('--capacity 600 ');
    expect(aws.print(addressesOnly(15_100)).use[0]).toContain('--capacity 30000 ');
  });

  it('refuses more than a rule group holds: its bytes are full before its rules', () => {
    expect(() => aws.print(addressesOnly(24_000))).toThrow(
      expect.objectContaining({
        code: 'ERR_USAGE',
        message: expect.stringMatching(/: 24000 rules of \d{7} bytes are more than the 2000000 bytes it may hold$/),
      }),
    );
  });

  it('allows a proxy by its address, as what is sent to it names other hosts', () => {
    const destinations = [
      destination('staging proxy.site:3128', { speaks: 'http', purposes: ['proxy'] }),
      destination('staging ghcr.io:443', { purposes: ['registry'], through: 'proxy.site:3128' }),
    ];
    const known = new Map([['proxy.site', [{ address: '10.0.0.9', ttl: 60 }]]]);
    expect(
      rulesIn(aws.print(input({ destinations, addresses: known }))).map(({ protocol, to }) => [protocol, to]),
    ).toEqual([['tcp', '10.0.0.9']]);
  });

  it('allows what is listed, and nothing else', () => {
    expectAllTold(aws, allows);
  });
});
