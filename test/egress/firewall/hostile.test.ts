/** Every language, over lists that somebody edited: each line that is no comment is one this program writes, whatever the texts hold. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isAddress, isWildcard } from '../../../src/egress/destination.ts';
import type { FirewallInput } from '../../../src/egress/firewall/language.ts';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { AirgapError } from '../../../src/errors.ts';
import { hostileInput } from './hostile.ts';
import { destination, input } from './input.ts';

type Files = ReadonlyMap<string, string>;

/** Undefined where the language has no words for the list. */
function written(name: string, given: FirewallInput): Files | undefined {
  try {
    const { files } = languageOf(name).print(given);
    return new Map(files.map(({ path, text }) => [path, text]));
  } catch (error) {
    if (error instanceof AirgapError && error.code === 'ERR_USAGE') return undefined;
    throw error;
  }
}

function languageOf(name: string) {
  const language = firewallLanguages.find((one) => one.name === name);
  if (language === undefined) throw new Error(`no language ${name}`);
  return language;
}

function holds(name: string, check: (files: Files, given: FirewallInput) => void, numRuns = 100): void {
  let count = 0;
  const property = fc.property(hostileInput, (given) => {
    const files = written(name, given);
    if (files === undefined) return;
    count += 1;
    check(files, given);
  });
  fc.assert(property, { numRuns });
  expect(count, 'lists that were written').toBeGreaterThan(numRuns / 4);
}

const host = '[a-z0-9_*](?:[a-z0-9_*.-]*[a-z0-9_*])?';
const address = String.raw`[0-9a-f.:]+(?:/\d+)?`;
const comment = String.raw`comment "[\w .,:/*<>()@+-]*"`;
const set = String.raw`v[46]_[\w.-]+`;
const elements = String.raw`(?: elements = \{ ${address}(?: timeout \d+s)?(?:, ${address}(?: timeout \d+s)?)* \};)?`;
const rule = String.raw`(?:ip6? saddr @from[46]_\w+ )?ip6? daddr (?:@${set}|${address}) (?:tcp|udp) dport \d+ accept ${comment}`;

/** What a line may be, beside comments and empty ones. */
const grammars: Readonly<Record<string, readonly string[]>> = {
  nftables: [
    '(?:delete )?table inet airgap_egress(?: \\{)?',
    '\\}',
    `set (?:from[46]_\\w+|${set}) \\{ type ipv[46]_addr; flags (?:interval; auto-merge|timeout);${elements} \\}`,
    'chain (?:output|forward) \\{',
    'type filter hook (?:output|forward) priority filter; policy (?:drop|accept);',
    'oifname "lo" accept',
    'ct state established,related accept',
    'icmpv6 type \\{ [a-z0-9, -]+ \\} accept',
    'udp sport \\d+ udp dport \\d+ accept',
    'reject with icmpx type admin-prohibited',
    `ip6? saddr @from[46]_\\w+ reject with icmpx type admin-prohibited comment "\\w+: nothing else"`,
    `${rule}(?:; ${rule})*`,
  ],
  dnsmasq: [`nftset=/${host}/[46]#inet#airgap_egress#${set}(?:,[46]#inet#airgap_egress#${set})*`],
  'dnsmasq-ipset': [
    `ipset=/${host}/e[46]_[\\w.-]+(?:,e[46]_[\\w.-]+)*`,
    'create e[46]_[\\w.-]+ hash:ip family inet6? timeout 0 -exist',
    `add e[46]_[\\w.-]+ ${address} timeout \\d+ -exist`,
  ],
  squid: [
    'acl airgap(?:_peek)?_connect method CONNECT',
    'acl airgap_peek_intercepted myportname airgap_intercept',
    'acl airgap_peek_first at_step SslBump1',
    `acl airgap_\\w+ src (?:${address}|ipv[46])`,
    'acl airgap_\\w+_port port \\d+',
    `acl airgap_\\w+_names (?:dstdomain -n|ssl::server_name) \\.?${host}`,
    String.raw`acl airgap_\w+_patterns (?:dstdom_regex -n -i|ssl::server_name_regex -i) \^(?:\(\[\^\.\]\+\\\.\)\+)?(?:[a-z0-9_-]|\\\.|\[\^\.\]\*)+\$`,
    `acl airgap_\\w+_addresses dst -n ${address}`,
    'http_access allow(?: !?airgap_\\w+)+',
    'ssl_bump splice(?: airgap_\\w+)+',
    'ssl_bump peek airgap_peek_first',
    'ssl_bump terminate all',
    'http_access deny all',
  ],
  fortigate: [
    'config firewall (?:addr(?:ess|grp)6?|service custom|policy)',
    'edit (?:0|"airgap-[\\w.:-]+")',
    'next',
    'end',
    `set (?:type fqdn|fqdn "${host}"|subnet ${address}|ip6 ${address}|(?:tcp|udp)-portrange \\d+)`,
    'set (?:member|name|dstaddr6?|srcaddr6?|service)(?: "(?:airgap-[\\w.:-]+|all|ALL)")+',
    'set (?:(?:src|dst)intf "any"|action (?:accept|deny)|schedule "always"|logtraffic all)',
  ],
  'palo-alto': [
    'set external-list airgap-[\\w-]+ type (?:url|ip) (?:url https://edl\\.example/egress-[\\w-]+\\.txt|recurring hourly)',
    `set address airgap-[\\w.-]+ fqdn ${host}`,
    'set service airgap-(?:tcp|udp)-\\d+ protocol (?:tcp|udp) port \\d+',
    `set rulebase security rules airgap-[\\w-]+ from any to any source (?:any|\\[(?: ${address})+ \\]) destination (?:any|airgap-[\\w-]+|\\[(?: airgap-[\\w.-]+)+ \\])`,
    'set rulebase security rules airgap-[\\w-]+ application any service (?:any|airgap-(?:tcp|udp)-\\d+) category (?:any|airgap-[\\w-]+)(?: action deny log-end yes)?',
    'set rulebase security rules airgap-[\\w-]+ action (?:allow|deny) log-end yes',
    `${host}/`,
    address,
  ],
  list: [`(?:${host}|${address}) # .*`],
};

describe('a list that somebody edited', () => {
  it.each(Object.entries(grammars))('writes nothing but its own lines for %s', (name, lines) => {
    const known = new RegExp(`^(?:${lines.join('|')})$`);
    holds(name, (files) => {
      for (const text of files.values()) {
        expect(text).toMatch(/^[\n\x20-\x7e]*\n$/);
        const strange = text.split('\n').filter((line) => !/^\s*(?:#.*)?$/.test(line) && !known.test(line.trim()));
        expect(strange).toEqual([]);
      }
    });
  });

  it.each(['cilium', 'network-policy'])('gives kubectl texts of the list alone with %s, by either YAML', (name) => {
    holds(name, (files, given) => {
      for (const text of files.values()) {
        const [old, recent] = (['1.1', '1.2'] as const).map((version) =>
          parseAllDocuments(text, { version }).map((document) => {
            expect(document.errors).toEqual([]);
            return document.toJS();
          }),
        );
        expect(old).toEqual(recent);
        const allowed = new Set(given.destinations.map((one) => one.host.replace(/^\*\./, '**.')));
        for (const found of deepValues(recent, ['matchName', 'matchPattern', 'cidr', 'port'])) {
          if (typeof found === 'number') continue;
          expect(found).toBeTypeOf('string');
          const known = /^[\d.]+\/32$|^[0-9a-f:]+\/128$|^\d+$|^\*$/.test(String(found)) || allowed.has(String(found));
          expect(known, String(found)).toBe(true);
        }
      }
    });
  });

  it('gives AWS rules that end where they should, and Azure no expression', () => {
    const option = String.raw`(?:flow:to_server; )?(?:(?:tls\.sni|http\.host); content:"[a-z0-9_.-]+";(?: startswith;)? endswith;(?: nocase;)?(?: pcre:"/\^[^"/;]+\$/i";)? )?`;
    const line = new RegExp(
      String.raw`^pass (?:tcp|udp|tls|http) \$\w+ any -> (?:any|\[?${address}\]?) \d+ \(msg:"airgap [\w.:*-]+ for \w+"; ${option}sid:\d+; rev:1;\)$`,
    );
    holds('aws', (files) => {
      const group = JSON.parse(files.get('egress-aws.json') ?? '');
      for (const text of group.RulesSource.RulesString.split('\n')) expect(text).toMatch(line);
    });
    holds('azure', (files) => {
      const [resource] = JSON.parse(files.get('egress-azure.json') ?? '').resources;
      for (const text of deepStrings(resource.properties.ruleCollections)) expect(text).toMatch(/^[\w*][\w.:*/-]*$/);
    });
  });

  it('gives gcloud the arguments that are meant, and runs nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'airgap-gcp-'));
    try {
      writeFileSync(join(folder, 'gcloud'), '#!/bin/sh\nprintf "%s\\n" "$@" "" >>"$0.args"\n', { mode: 0o755 });
      holds('gcp', (files, given) => expectArguments(files.get('egress-gcp.sh') ?? '', { folder, given }), 12);
      expect(readdirSync(folder).sort()).toEqual(['gcloud', 'gcloud.args']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('sets the variables of a proxy and no others, in sh and in YAML', () => {
    let runs = 0;
    holds('no-proxy', (files) => {
      for (const [path, text] of files) {
        if (path.endsWith('.env')) expectVariables(text, runs++ < 10);
        else
          for (const { variables } of parseAllDocuments(text).map((document) => document.toJS()))
            for (const value of Object.values(variables)) expect(value).toMatch(/^[\w.,:/[\]-]+$/);
      }
    });
  });

  it('never gives two things of a firewall one name', () => {
    const clashes = {
      fortigate: [
        ['wildcard.x.io', '*.x.io'],
        ['10.0.0.5', '10.0.0.5_32'],
        ['x.io', 'staging-tcp-443'],
      ],
      'palo-alto': [['10.0.0.5', 'staging-tcp-tcp-443-ips']],
      nftables: [['wildcard.x.io', '*.x.io']],
    };
    for (const [name, pairs] of Object.entries(clashes)) {
      for (const hosts of pairs) {
        const destinations = hosts.map((one) =>
          destination(`staging ${one}:443`, { purposes: ['x'], ...(name === 'palo-alto' && { speaks: 'tcp' }) }),
        );
        expect(() => languageOf(name).print(input({ destinations })), `${name}: ${hosts}`).toThrow(
          expect.objectContaining({ code: 'ERR_USAGE' }),
        );
      }
    }
  });
});

/** Each call begins with the rule's number; names and addresses come out of the list. */
function expectArguments(script: string, about: { readonly folder: string; readonly given: FirewallInput }): void {
  const { folder, given } = about;
  const log = join(folder, 'gcloud.args');
  rmSync(log, { force: true });
  execFileSync('/bin/sh', ['-s'], { cwd: folder, input: script, env: { PATH: `${folder}:/usr/bin:/bin` } });
  const calls = readFileSync(log, 'utf8').split('\n\n').filter(Boolean);
  expect(calls.length).toBeGreaterThan(1);
  const names = given.destinations.map((one) => one.host).filter((one) => !isAddress(one) && !isWildcard(one));
  for (const call of calls) {
    const [, , , verb, priority, ...flags] = call.split('\n');
    expect([verb, Number(priority)]).toEqual(['create', expect.any(Number)]);
    for (const flag of flags) {
      expect(flag).toMatch(
        /^--(?:action=(?:allow|deny)|layer4-configs=(?:all|(?:tcp|udp):\d+)|(?:src|dest)-ip-ranges=[0-9a-f.:/,]+|dest-fqdns=[a-z0-9.,-]+|enable-logging|description=[\w /]+|firewall-policy=airgap-egress|global-firewall-policy|direction=EGRESS)$/,
      );
      const [, list = ''] = /^--dest-fqdns=(.*)$/.exec(flag) ?? [];
      for (const one of list.split(',').filter(Boolean)) expect(names).toContain(one);
    }
  }
}

/** Only the slow part, a shell that reads it, may be left out. */
function expectVariables(text: string, isRun: boolean): void {
  const set = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  for (const line of set) expect(line).toMatch(/^(?:HTTPS_PROXY|HTTP_PROXY|NO_PROXY)=[\w.,:/[\]-]*$/);
  if (!isRun) return;
  const script = ['-c', 'set -a; eval "$1"; env', 'sh', text];
  const said = execFileSync('/bin/sh', script, { env: {}, encoding: 'utf8' });
  expect(said.split('\n')).toEqual(expect.arrayContaining(set));
}

function deepValues(value: unknown, keys: readonly string[]): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(keys.includes(key) ? [inner] : []),
    ...deepValues(inner, keys),
  ]);
}

function deepStrings(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(deepStrings) : [];
}
