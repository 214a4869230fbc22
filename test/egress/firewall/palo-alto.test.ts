import { describe, expect, it } from 'vitest';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { paloAlto } from '../../../src/egress/firewall/palo-alto.ts';
import { expectGolden } from './golden.ts';
import { destination, from, input } from './input.ts';
import { type Ask, expectAllTold } from './told.ts';

interface Rule {
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly service: string;
  readonly category: string;
  readonly action: string;
}

interface Configuration {
  readonly rules: ReadonlyMap<string, Rule>;
  /** `tcp 443` by name. */
  readonly services: ReadonlyMap<string, string>;
  readonly addresses: ReadonlyMap<string, string>;
  /** Entries by list. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

function read({ files }: FirewallText): Configuration {
  const text = files[0]?.text ?? '';
  const all = (pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, name = '', value = '']) => [name, value] as const);
  const entries = (path: string) =>
    (files.find((file) => path.endsWith(`/${file.path}`))?.text ?? '').split('\n').slice(0, -1);
  const words = new Map<string, string>();
  for (const [name, rest] of all(/^set rulebase security rules (\S+) (.*)$/gm))
    words.set(name, `${words.get(name) ?? ''} ${rest}`);
  return {
    rules: new Map([...words].map(([name, rest]) => [name, ruleOf(rest)])),
    services: new Map(all(/^set service (\S+) protocol (\w+ port \d+)$/gm)),
    addresses: new Map(all(/^set address (\S+) fqdn (\S+)$/gm)),
    lists: new Map(all(/^set external-list (\S+) type \w+ url (\S+)$/gm).map(([name, path]) => [name, entries(path)])),
  };
}

function ruleOf(rest: string): Rule {
  const value = (key: string) => {
    const [, list, single] = new RegExp(` ${key} (?:\\[ ([^\\]]*) \\]|(\\S+))`).exec(rest) ?? [];
    return (list ?? single ?? '').split(' ');
  };
  return {
    source: value('source'),
    destination: value('destination'),
    service: value('service')[0] ?? '',
    category: value('category')[0] ?? '',
    action: value('action')[0] ?? '',
  };
}

function allows({ rules, services, addresses, lists }: Configuration, ask: Ask): boolean {
  return [...rules].some(([name, rule]) => {
    const isFor =
      name.startsWith(`airgap-${ask.role}-`) && rule.action === 'allow' && rule.source.includes(ask.source ?? 'any');
    if (!isFor || services.get(rule.service) !== `${ask.protocol} port ${ask.port}`) return false;
    if (rule.category !== 'any') return (lists.get(rule.category) ?? []).some((entry) => isUrl(entry, ask));
    return rule.destination.some(
      (object) => addresses.get(object) === ask.host || lists.get(object)?.includes(ask.address) === true,
    );
  });
}

/** A URL of HTTPS on 443 or HTTP on 80 names no port; `*` is one label or more. */
function isUrl(entry: string, { host, speaks, port }: Ask): boolean {
  if (!entry.endsWith('/') || (speaks === 'https' ? port !== 443 : speaks !== 'http' || port !== 80)) return false;
  const name = entry.slice(0, -1);
  return name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name;
}

describe('palo-alto', () => {
  it('writes its golden files', async () => {
    await expectGolden(paloAlto.print(input()), 'palo-alto');
    await expectGolden(paloAlto.print(input({ from })), 'palo-alto-gateway');
  });

  it('has one entry in a line of a list, and ends those of URLs with a slash', () => {
    const { files } = paloAlto.print(input());
    const lists = files.slice(1);
    expect(lists.length).toBeGreaterThan(2);
    for (const { path, text } of lists) {
      expect(text).toMatch(
        path.endsWith('-urls.txt') ? /^(?:(?:\*\.)?[a-z0-9.-]{1,253}\/\n)+$/ : /^(?:[0-9a-f.:]+\n)+$/,
      );
    }
  });

  it('keeps names within 63 characters', () => {
    const host = `${'abcdefghij'.repeat(6)}.${'abcdefghij'.repeat(6)}.site`;
    const destinations = [
      destination(`nodes ${host}:65535`, { protocol: 'udp', speaks: 'wireguard', purposes: ['x'] }),
    ];
    const { addresses, rules } = read(paloAlto.print(input({ destinations })));
    expect([...addresses]).toEqual([[expect.stringMatching(/^.{63}$/), host]]);
    expect([...rules.keys()].every((name) => name.length <= 63)).toBe(true);
  });

  it('denies all else only where it is known who connects', () => {
    const denies = (given: ReturnType<typeof input>) =>
      [...read(paloAlto.print(given)).rules].filter(([, { action }]) => action === 'deny');
    expect(denies(input())).toEqual([]);
    expect(denies(input({ from })).map(([name, { source }]) => [name, source])).toEqual([
      ['airgap-staging-deny', ['10.0.0.5', 'fd00::5']],
      ['airgap-nodes-deny', ['10.5.0.0/24', 'fd00:5::/64']],
      ['airgap-omni-deny', ['10.0.0.7']],
    ]);
  });

  it('denies nothing to a role it allows nothing', () => {
    const destinations = [destination('staging 10.0.0.9:443', { purposes: ['registry'] })];
    const { rules } = read(paloAlto.print(input({ destinations, from })));
    expect([...rules.keys()]).toEqual(['airgap-staging-https-tcp-443-ips', 'airgap-staging-deny']);
  });

  it('says when there are more lists than a firewall reads', () => {
    const said = (length: number) => {
      const destinations = Array.from({ length }, (_, index) =>
        destination(`staging 10.0.0.9:${5000 + index}`, { purposes: ['x'] }),
      );
      return paloAlto.print(input({ destinations })).warnings.filter((warning) => warning.includes('lists are more'));
    };
    expect(said(30)).toEqual([]);
    expect(said(31)).toEqual(['31 lists are more than the 30 that a firewall reads: print fewer roles with --role']);
  });

  it('says that names may be lies where it trusts them, and what nothing denies', () => {
    const said = (given: ReturnType<typeof input>) =>
      paloAlto.print(given).warnings.filter((warning) => /14978 and 14984$|intrazone-default/.test(warning));
    expect(said(input({ from }))).toEqual([expect.stringMatching(/^names in URL lists are what clients say/)]);
    const destinations = [destination('nodes 10.5.0.1:6000', { purposes: ['registry'] })];
    expect(said(input({ destinations }))).toEqual([expect.stringMatching(/^nothing here denies the rest to nodes, /)]);
  });

  it('allows what is listed, and nothing else', () => {
    const cache = new Map<FirewallText, Configuration>();
    expectAllTold(paloAlto, (text, ask) => {
      const configuration = cache.get(text) ?? read(text);
      cache.set(text, configuration);
      return allows(configuration, ask);
    });
  });
});
