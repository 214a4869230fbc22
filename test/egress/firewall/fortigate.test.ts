import { describe, expect, it } from 'vitest';
import { fortigate } from '../../../src/egress/firewall/fortigate.ts';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';
import { expectGolden } from './golden.ts';
import { destination, from, input } from './input.ts';
import { type Ask, expectAllTold } from './told.ts';

type Settings = ReadonlyMap<string, readonly string[]>;
/** Table, name, settings. */
type Configuration = ReadonlyMap<string, ReadonlyMap<string, Settings>>;

function read({ files: [file] }: FirewallText): Configuration {
  const tables = new Map<string, Map<string, Map<string, string[]>>>();
  let table = new Map<string, Map<string, string[]>>();
  let entry = new Map<string, string[]>();
  for (const line of (file?.text ?? '').split('\n')) {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    const [verb = '', ...rest] = words;
    if (verb === 'config') {
      table = new Map();
      tables.set(rest.join(' '), table);
    } else if (verb === 'edit') {
      entry = new Map();
      table.set(rest[0] === '0' ? String(table.size) : (rest[0] ?? ''), entry);
    } else if (verb === 'set') entry.set(rest[0] ?? '', rest.slice(1));
    else expect(['next', 'end', '#', '']).toContain(verb);
  }
  return tables;
}

function membersOf(tables: Configuration, names: readonly string[], six: string): Settings[] {
  const groups = tables.get(`firewall addrgrp${six}`);
  const objects = tables.get(`firewall address${six}`);
  return names.flatMap((name) => groups?.get(name)?.get('member') ?? []).map((name) => objects?.get(name) ?? new Map());
}

function allows(tables: Configuration, ask: Ask): boolean {
  return [...(tables.get('firewall policy')?.values() ?? [])].some((policy) => {
    const six = policy.has('dstaddr6') ? '6' : '';
    const service = tables.get('firewall service custom')?.get(policy.get('service')?.[0] ?? '');
    const source = policy.get(`srcaddr${six}`) ?? [];
    const isFrom =
      ask.source === undefined
        ? source[0] === 'all'
        : membersOf(tables, source, six).some((one) => holds(one, ask.source ?? ''));
    const isRole = policy.get('name')?.[0]?.startsWith(`airgap-${ask.role}-`) === true;
    if (!isFrom || !isRole || service?.get(`${ask.protocol}-portrange`)?.[0] !== String(ask.port)) return false;
    return membersOf(tables, policy.get(`dstaddr${six}`) ?? [], six).some(
      (one) => holds(one, ask.address) || names(one, ask.host),
    );
  });
}

function holds(object: Settings, address: string): boolean {
  const [block = ''] = object.get('subnet') ?? object.get('ip6') ?? [];
  return block === address || block === `${address}/${address.includes(':') ? 128 : 32}`;
}

function names(object: Settings, host: string): boolean {
  const [name = ''] = object.get('fqdn') ?? [];
  return name.startsWith('*') ? host.endsWith(name.slice(1)) : name !== '' && name === host;
}

describe('fortigate', () => {
  it('writes its golden files', async () => {
    await expectGolden(fortigate.print(input()), 'fortigate');
    await expectGolden(fortigate.print(input({ from })), 'fortigate-gateway');
  });

  it('keeps names within their lengths, and long ones apart', () => {
    const long = `${'abcdefghij'.repeat(6)}.${'abcdefghij'.repeat(6)}`;
    const destinations = ['a', 'b'].map((end) => destination(`staging ${long}.${end}.site:443`, { purposes: ['x'] }));
    const tables = read(fortigate.print(input({ destinations })));
    const objects = [...(tables.get('firewall address')?.keys() ?? [])];
    expect(objects.map((name) => name.length)).toEqual([63, 63]);
    expect(new Set(objects).size).toBe(2);
    for (const policy of tables.get('firewall policy')?.values() ?? [])
      expect(policy.get('name')?.[0]?.length).toBeLessThanOrEqual(35);
  });

  it('splits groups that are too large for small models', () => {
    const destinations = Array.from({ length: 600 }, (_, index) =>
      destination(`staging n${index}.site:443`, { purposes: ['x'] }),
    );
    const tables = read(fortigate.print(input({ destinations })));
    const groups = tables.get('firewall addrgrp') ?? new Map<string, Settings>();
    expect([...groups.values()].map((group) => group.get('member')?.length)).toEqual([250, 250, 100]);
    expect(tables.get('firewall policy')?.get('0')?.get('dstaddr')).toEqual([...groups.keys()]);
  });

  it('uses nothing that it does not define', () => {
    const tables = read(fortigate.print(input({ from })));
    const used = [...(tables.get('firewall policy')?.values() ?? [])].flatMap((policy) => [
      ...['srcaddr', 'dstaddr'].flatMap((key) => (policy.get(key) ?? []).map((name) => `firewall addrgrp ${name}`)),
      ...['srcaddr6', 'dstaddr6'].flatMap((key) => (policy.get(key) ?? []).map((name) => `firewall addrgrp6 ${name}`)),
      ...(policy.get('service') ?? []).map((name) => `firewall service custom ${name}`),
    ]);
    const own = new Set(['firewall addrgrp all', 'firewall addrgrp6 all', 'firewall service custom ALL']);
    const defined = [...tables].flatMap(([table, entries]) => [...entries.keys()].map((name) => `${table} ${name}`));
    expect(used.filter((name) => !defined.includes(name) && !own.has(name))).toEqual([]);
  });

  it('denies all else to those whose addresses were given, after what it allows', () => {
    const names = (given: ReturnType<typeof input>) =>
      [...(read(fortigate.print(given)).get('firewall policy')?.values() ?? [])].map((policy) => [
        policy.get('action')?.[0],
        policy.get('srcaddr')?.[0] ?? policy.get('srcaddr6')?.[0],
        policy.get('dstaddr')?.[0] ?? policy.get('dstaddr6')?.[0],
      ]);
    expect(names(input()).filter(([action]) => action === 'deny')).toEqual([]);
    const all = names(input({ from }));
    expect(all.slice(all.findIndex(([action]) => action === 'deny'))).toEqual([
      ['deny', 'airgap-from-staging', 'all'],
      ['deny', 'airgap-from-staging-v6', 'all'],
      ['deny', 'airgap-from-nodes', 'all'],
      ['deny', 'airgap-from-nodes-v6', 'all'],
      ['deny', 'airgap-from-omni', 'all'],
    ]);
  });

  it('says how wildcards are filled, where there are any', () => {
    const { warnings } = fortigate.print(input());
    expect(warnings.filter((warning) => warning.startsWith('a wildcard holds'))).toHaveLength(1);
    const destinations = [destination('staging ghcr.io:443', { purposes: ['registry'] })];
    expect(fortigate.print(input({ destinations })).warnings.join()).not.toContain('a wildcard holds');
  });

  it('allows what is listed, and nothing else', () => {
    const cache = new Map<FirewallText, Configuration>();
    expectAllTold(fortigate, (text, ask) => {
      const tables = cache.get(text) ?? read(text);
      cache.set(text, tables);
      return allows(tables, ask);
    });
  });
});
