/** What the firewall languages write, read by the programs it is for: nft, dnsmasq and squid, in a network namespace of their own. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Destination } from '../../src/egress/destination.ts';
import { dnsmasq, dnsmasqIpset } from '../../src/egress/firewall/dnsmasq.ts';
import type { FirewallInput, FirewallLanguage } from '../../src/egress/firewall/language.ts';
import { nftables } from '../../src/egress/firewall/nftables.ts';
import { squid } from '../../src/egress/firewall/squid.ts';
import { addresses, destination, from, input } from '../egress/firewall/input.ts';
import { anyInput } from '../egress/firewall/lists.ts';
import { namespacesMissing } from './support/namespaces.ts';
import { missing, output, run, titled } from './support/programs.ts';

const variants: readonly (readonly [string, FirewallInput])[] = [
  ['a host', input({ addresses })],
  ['a host without addresses', input()],
  ['a gateway', input({ addresses, from })],
  ['a stateless host', input({ addresses, stateless: true })],
  ['a stateless gateway', input({ addresses, from, stateless: true })],
  [
    'names that cover each other',
    input({ destinations: onPort443(['a.x.io', '*.x.io', 'x.io', '*.a.x.io', 'p-*.x.io']) }),
  ],
  [
    'addresses that hold each other',
    input({ from: new Map([['staging', ['10.0.0.5', '10.0.0.9/8', '::/0', 'fd00::1']]]) }),
  ],
  ['nothing at all', input({ destinations: [] })],
];
function onPort443(hosts: readonly string[]): Destination[] {
  return hosts.map((host) => destination(`staging ${host}:443`, { purposes: [] }));
}

/** The same lists in every run, so that a failure can be looked at again. */
const random = fc.sample(anyInput, { numRuns: 60, seed: 20_261_126 });

const noNamespaces =
  spawnSync('unshare', ['-rn', 'true']).status === 0
    ? undefined
    : 'skipped because network namespaces are not allowed here';
const withoutNft = missing('nft') ?? noNamespaces;
const withoutDnsmasq = missing('dnsmasq');
const withoutBoth = withoutNft ?? missing('dnsmasq', 'dig', 'ip');
const withoutIpset = noNamespaces ?? missing('ipset', 'iptables', 'dnsmasq', 'dig', 'ip');
const withoutSquid = missing('squid');
/** Squid changes to a user of its own: only root can have it do so. */
const withoutProxy = missing('squid', 'curl', 'ip', 'openssl') ?? namespacesMissing();

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-parsers-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Writes the files of a text there; gives their paths. */
async function write(language: FirewallLanguage, given: FirewallInput): Promise<string[]> {
  const { files } = language.print(given);
  for (const { path, text } of files) await writeFile(join(folder, path), text);
  return files.map(({ path }) => join(folder, path));
}

/** Of two dnsmasq that were just started; what they are asked for fills no set. */
const untilBothAnswer =
  'for port in 5300 53; do for _ in $(seq 50); do dig +tries=1 +time=1 -p $port @127.0.0.1 ready.invalid >/dev/null && break; sleep 0.1; done; done';

/** Nothing outside sees what is loaded there. */
function inNamespace(script: string): Promise<string> {
  return output(['unshare', '-rn', 'sh', '-ec', script], { cwd: folder });
}

describe.skipIf(withoutNft)(titled('nft', withoutNft), () => {
  it.each(variants)('loads the rules of %s, twice, with everything in them', async (_, given) => {
    await write(nftables, given);
    const once = await inNamespace('nft -f egress.nft; nft --stateless list ruleset');
    const twice = await inNamespace('nft -f egress.nft; nft -f egress.nft; nft --stateless list ruleset');
    expect(twice).toBe(once);
    expect(twice.match(/^table /gm)).toHaveLength(1);
    const text = nftables.print(given).files[0]?.text ?? '';
    const comments = [...text.replaceAll(/^ *#.*$/gm, '').matchAll(/comment "[^"]*"/g)].map(([comment]) => comment);
    expect(twice.match(/comment "[^"]*"/g) ?? []).toEqual(comments);
  });

  it('loads rules from which any one destination was taken out', async () => {
    const lines = (nftables.print(input({ addresses, from })).files[0]?.text ?? '').split('\n');
    const rules = lines.filter((line) => line.includes(' dport ') && !line.includes('# '));
    expect(rules.length).toBeGreaterThan(10);
    for (const rule of rules) {
      await writeFile(join(folder, 'without.nft'), lines.filter((line) => line !== rule).join('\n'));
      await inNamespace('nft -c -f without.nft');
    }
  });

  it('loads random lists', async () => {
    for (const [index, given] of random.entries()) {
      await write(nftables, given);
      await expect(inNamespace('nft -f egress.nft; nft -f egress.nft'), `list ${index}`).resolves.toBe('');
    }
  });
});

describe.skipIf(withoutDnsmasq)(titled('dnsmasq', withoutDnsmasq), () => {
  it('reads every list', async () => {
    for (const given of [...variants.map(([, one]) => one), ...random]) {
      for (const language of [dnsmasq, dnsmasqIpset]) {
        const [path = ''] = await write(language, given);
        const { status, stderr } = await run(['dnsmasq', '--test', `--conf-file=${path}`]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: 'dnsmasq: syntax check OK.\n' });
      }
    }
  });
});

describe.skipIf(withoutBoth)(titled('dnsmasq with nft', withoutBoth), () => {
  const hosts = ['a.x.io', '*.x.io', '*.b.x.io', 'prod-*.y.io'];
  const given = input({ destinations: onPort443(hosts) });

  it('fills the sets of each name, and of every wildcard that covers it', async () => {
    await write(nftables, given);
    const [own = ''] = await write(dnsmasq, given);
    const answers = [
      'a.x.io/192.0.2.1',
      'c.x.io/192.0.2.2',
      'c.b.x.io/192.0.2.3',
      'prod-1.y.io/192.0.2.4',
      'z.io/192.0.2.5',
    ];
    const local = 'no-resolv\nno-hosts\nlisten-address=127.0.0.1\nbind-interfaces\n';
    const answering = `${local}port=5300\n${answers.map((answer) => `address=/${answer}\n`).join('')}address=/a.x.io/2001:db8::1\n`;
    await writeFile(join(folder, 'answering.conf'), answering);
    await writeFile(join(folder, 'asking.conf'), `${local}server=127.0.0.1#5300\nconf-file=${own}\n`);
    const names = answers.map((answer) => answer.split('/')[0]).join(' ');
    const listed = await inNamespace(`
      ip link set lo up
      nft -f egress.nft
      for side in answering asking; do dnsmasq -d --conf-file=$side.conf --pid-file= 2>$side.log & pids="$pids $!"; done
      trap 'kill $pids' EXIT
      ${untilBothAnswer}
      for name in ${names}; do dig +short +tries=20 +time=1 @127.0.0.1 $name A $name AAAA; done
      echo =; nft list ruleset`);
    const elements = (set: string) => {
      const [, found = ''] =
        new RegExp(`set ${set.replaceAll('.', '\\.')} \\{[^}]*?elements = \\{([^}]*)`).exec(listed) ?? [];
      return found
        .trim()
        .split(/[\s,]+/)
        .filter((address) => address !== '');
    };
    expect(elements('v4_a.x.io')).toEqual(['192.0.2.1']);
    expect(elements('v6_a.x.io')).toEqual(['2001:db8::1']);
    expect(elements('v6_wildcard.x.io')).toEqual(['2001:db8::1']);
    expect(elements('v4_wildcard.x.io')).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
    expect(elements('v4_wildcard.b.x.io')).toEqual(['192.0.2.3']);
    expect(elements('v4_prod-wildcard.y.io')).toEqual(['192.0.2.4']);
    expect(listed.split('=\n')[1]).not.toContain('192.0.2.5');
  });
});

describe.skipIf(withoutIpset)(titled('ipset and iptables', withoutIpset), () => {
  const longest = { address: '192.0.2.7', ttl: 2_147_483_647 };

  it('restore every list, twice, and read each rule in its comments', async () => {
    const given = [...variants.map(([, one]) => one), input({ addresses: new Map([['ghcr.io', [longest]]]) })];
    for (const one of [...given, ...random.slice(0, 15)]) {
      await write(dnsmasqIpset, one);
      const text = dnsmasqIpset.print(one).files[1]?.text ?? '';
      const rules = [...text.matchAll(/^# (ip6?tables) (.*)$/gm)];
      const found = await inNamespace(`
        ipset restore -file egress.ipset; ipset restore -file egress.ipset; ipset list -n | wc -l
        sed -n 's/^# \\(ip6*tables .*\\)/\\1/p' egress.ipset >rules.sh; sh -e rules.sh; (iptables -S; ip6tables -S) | grep -c ACCEPT$ || true`);
      // A rule is loaded once for each block it names; both programs say of their three chains that they accept.
      const loaded = rules.map(([, , rule = '']) => (/ -[sd] (\S+,\S+) /.exec(rule)?.[1] ?? '').split(',').length);
      const accepting = loaded.reduce((sum, count) => sum + count, 6);
      expect(found).toBe(`${text.match(/^create /gm)?.length ?? 0}\n${accepting}\n`);
    }
  });

  it('are filled by dnsmasq before the answer is there, but not by what it answers itself', async () => {
    const given = input({ destinations: onPort443(['a.io', '*.x.io', 'own.site']) });
    const [own = ''] = await write(dnsmasqIpset, given);
    const local = 'no-resolv\nno-hosts\nlisten-address=127.0.0.1\nbind-interfaces\n';
    const answers = 'address=/a.io/192.0.2.1\naddress=/b.x.io/192.0.2.2\n';
    await writeFile(join(folder, 'answering.conf'), `${local}port=5300\n${answers}`);
    const asking = `${local}user=root\nserver=127.0.0.1#5300\naddress=/own.site/192.0.2.3\nconf-file=${own}\n`;
    await writeFile(join(folder, 'asking.conf'), asking);
    const listed = await inNamespace(`
      ip link set lo up
      ipset restore -file egress.ipset
      for side in answering asking; do dnsmasq -d --conf-file=$side.conf --pid-file= 2>$side.log & pids="$pids $!"; done
      trap 'kill $pids' EXIT
      ${untilBothAnswer}
      for name in a.io b.x.io own.site; do dig +short +tries=20 +time=1 @127.0.0.1 $name A; ipset save | grep ^add; done`);
    const lines = listed.trim().split('\n');
    expect(lines[0]).toBe('192.0.2.1');
    expect(lines[1]).toBe('add e4_a.io 192.0.2.1 timeout 0');
    expect(new Set(lines.slice(3, 5))).toEqual(
      new Set([
        'add e4_a.io 192.0.2.1 timeout 0',
        expect.stringMatching(/^add e4_x\.x\.io_[0-9a-f]{16} 192\.0\.2\.2 timeout 0$/),
      ]),
    );
    expect(lines[5]).toBe('192.0.2.3');
    expect(new Set(lines.slice(6))).toEqual(new Set(lines.slice(3, 5)));
  });
});

describe.skipIf(withoutSquid)(titled('squid', withoutSquid), () => {
  it('reads every list without a word of complaint', async () => {
    for (const [index, given] of [...variants.map(([, one]) => one), ...random].entries()) {
      const [access = '', peek = ''] = await write(squid, given);
      const around = `http_port 127.0.0.1:3128\naccess_log none\ncache_log ${folder}/cache.log\npid_filename none\n`;
      await writeFile(join(folder, 'squid.conf'), `${around}include ${peek}\ninclude ${access}\n`);
      const { status, stderr } = await run(['squid', '-k', 'parse', '-f', join(folder, 'squid.conf')]);
      const complaints = stderr
        .split('\n')
        .filter((line) => /error|warning|fatal|bungled|unknown/i.test(line) && !line.includes('Processing: acl'));
      expect({ status, complaints }, `list ${index}`).toEqual({ status: 0, complaints: [] });
      expect(stderr).toContain('Processing: http_access deny all');
    }
  });
});

describe.skipIf(withoutProxy)(titled('squid that runs', withoutProxy), () => {
  /** Runs a script beside a Squid with these files and a port; names are this machine, where `also` listens. Gives what it printed. */
  async function besideSquid(files: readonly string[], port: string, script: string, also = ''): Promise<string[]> {
    // Squid reads and writes there as a user of its own.
    await chmod(folder, 0o777);
    const names = [
      'ghcr.io',
      'a.pkg.dev',
      'b.s3.eu.amazonaws.com',
      'evil.io',
      'ghcr.io.evil.io',
      's3.eu.amazonaws.com',
    ];
    await writeFile(join(folder, 'hosts'), `127.0.0.1 ${names.join(' ')}\n127.0.0.9 nine.io\n`);
    const quiet = `access_log none\ncache_log ${folder}/cache.log\npid_filename none\ncache_mem 8 MB\nshutdown_lifetime 0 seconds\n`;
    const own = `http_port 127.0.0.1:3128 ${port}\n${quiet}hosts_file ${folder}/hosts\n`;
    await writeFile(join(folder, 'squid.conf'), `${own}${files.map((path) => `include ${path}\n`).join('')}`);
    const around = `
      ip link set lo up
      ${also}
      squid -N -n airgap${process.pid} -f squid.conf 2>/dev/null & proxy=$!
      trap 'kill $proxy $server; wait $proxy' EXIT
      curl -s -o /dev/null --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:3128/
      ${script}`;
    return (await output(['unshare', '-n', 'sh', '-c', around], { cwd: folder })).trim().split('\n');
  }

  it('passes on what is listed, on its port, and denies the rest', async () => {
    const listed = ['ghcr.io', '*.pkg.dev', '*.s3.*.amazonaws.com', '127.0.0.9'];
    const [access = ''] = await write(squid, input({ destinations: onPort443(listed) }));
    const open = ['https://ghcr.io', 'https://a.pkg.dev', 'https://b.s3.eu.amazonaws.com', 'https://127.0.0.9'];
    const closed = ['evil.io', 'ghcr.io.evil.io', 's3.eu.amazonaws.com', '127.0.0.1', 'ghcr.io:444', 'nine.io'];
    const asked = [...open, ...closed.map((host) => `https://${host}`)];
    const ask = 'curl -s -o /dev/null -m 10 --proxy http://127.0.0.1:3128';
    const lines = await besideSquid(
      [access],
      '',
      `for url in ${asked.join(' ')}; do ${ask} -w "$url %{http_connect}\\n" $url; done
      ${ask} -w "plain %{http_code}\\n" http://ghcr.io:443 || true`,
    );
    // Nothing listens there: what is allowed ends with 503.
    expect(lines).toEqual([...asked.map((url) => `${url} ${open.includes(url) ? 503 : 403}`), 'plain 403']);
  });

  it('passes on other ports where the squid.conf of Debian has the line that a warning names', async () => {
    const delivered = await readFile('/etc/squid/squid.conf', 'utf8');
    const before = delivered.slice(0, delivered.search(/^include .*conf\.d/m));
    const list = [...onPort443(['ghcr.io']), destination('staging evil.io:5443', { purposes: [] })];
    const [access = ''] = await write(squid, input({ destinations: list }));
    const [, line = ''] =
      /add there: (acl .*)/.exec(squid.print(input({ destinations: list })).warnings.join('\n')) ?? [];
    const own = join(folder, 'debian.conf');
    const ask = `for url in https://ghcr.io https://evil.io:5443; do
      curl -s -o /dev/null -m 10 --proxy http://127.0.0.1:3128 -w "%{http_connect}\\n" $url; done || true`;
    await writeFile(own, before);
    expect(await besideSquid([own, access], '', ask)).toEqual(['503', '403']);
    await writeFile(
      own,
      before.replace(/^acl SSL_ports .*$/m, (all) => `${all}\n${line}`),
    );
    expect(await besideSquid([own, access], '', ask)).toEqual(['503', '503']);
  });

  it('ends TLS to another name than the one it was asked for, and touches nothing of what it passes on', async () => {
    const [access = '', peek = ''] = await write(squid, input({ destinations: onPort443(['ghcr.io', '*.pkg.dev']) }));
    const certificate = (name: string) =>
      `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.pem -out ${name}.crt -subj /CN=${name} 2>/dev/null; cat ${name}.crt >>${name}.pem; chmod 644 ${name}.pem`;
    const lines = await besideSquid(
      [peek, access],
      `ssl-bump generate-host-certificates=off tls-cert=${folder}/proxy.pem`,
      `for name in ghcr.io a.pkg.dev evil.io; do
        echo | openssl s_client -proxy 127.0.0.1:3128 -connect ghcr.io:443 -servername $name 2>/dev/null | grep subject || echo ended
      done
      echo | openssl s_client -proxy 127.0.0.1:3128 -connect evil.io:443 -servername ghcr.io 2>&1 | grep -o 'subject=CN = real\\|HTTP/1.1 403' || echo other`,
      `${certificate('proxy')}; ${certificate('real')}; openssl s_server -accept 443 -cert real.pem -key real.pem -quiet & server=$!`,
    );
    expect(lines).toEqual(['subject=CN = real', 'subject=CN = real', 'ended', expect.not.stringContaining('real')]);
  });
});
