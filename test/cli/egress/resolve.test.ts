import { chmodSync, mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AirgapError } from '../../../src/errors.ts';
import { startNameServer, type TestNameServer } from '../../support/nameServer.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

/** What `--components chainguard` requires. */
const blobs = '9236a389bd48b984df91adc1bc924620.r2.cloudflarestorage.com';
const optional = ['console.chainguard.dev', 'apk.cgr.dev', 'enforce.dev'];

let dns: TestNameServer;
let folder: WorkFolder;
const input = ['--components', 'chainguard'];
const egress = (...args: string[]) =>
  folder.airgap(['egress', ...args, ...input, '--resolver', `127.0.0.1:${dns.server.port}`]);

beforeAll(async () => {
  dns = await startNameServer();
});

afterAll(() => dns.close());

beforeEach(() => {
  folder = workFolder();
  dns.set('cgr.dev', { addresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'], ttl: 60 });
  dns.set(blobs, { alias: 'one.example', ttl: 30 });
  dns.set('one.example', { alias: 'two.example', ttl: 5 });
  dns.set('two.example', { addresses: ['192.0.2.3'], ttl: 300 });
  for (const name of optional) dns.set(name, { addresses: ['192.0.2.4'] });
});

afterEach(() => folder.remove());

describe('airgap egress resolve', () => {
  it('prints every address with its TTL and the aliases on the way, and which TTL is the shortest', async () => {
    const ran = await egress('resolve');
    expect(ran.status).toBe(0);
    const lines = ran.stdout.split('\n');
    expect(lines[0]).toMatch(/^HOST +ADDRESSES +TTL +CHAIN$/);
    const column = lines[0]?.indexOf('ADDRESSES') ?? 0;
    const rows = lines
      .slice(1)
      .map((line) => [line.slice(0, column).trim(), line.slice(column).replaceAll(/ +/g, ' ').trim()]);
    expect(rows).toContainEqual([blobs, '192.0.2.3 5 s -> one.example (30 s)']);
    expect(rows).toContainEqual(['', '-> two.example (5 s)']);
    expect(rows).toContainEqual(['cgr.dev', '192.0.2.1 60 s']);
    expect(rows).toContainEqual(['', '2001:db8::1 60 s']);
    expect(ran.stdout).toContain(`shortest TTL: 5 s (${blobs})`);
    // Optional names that do not exist are told, and are no failure.
    expect(ran.stderr).toMatch(/^cannot resolve \(optional\): no such name\n(?: {2}\S+\n)+$/);
    expect(ran.stderr).toContain('  virtualapk.cgr.dev\n');
  });

  it('ends with 3 when a required name has no address', async () => {
    dns.set('cgr.dev', { fault: 'SERVFAIL' });
    const ran = await egress('resolve');
    expect(ran.status).toBe(3);
    expect(ran.stderr).toContain(
      `cannot resolve (required): name server 127.0.0.1:${dns.server.port} failed (SERVFAIL)\n  cgr.dev\n`,
    );
    expect(ran.stdout).toContain('192.0.2.3');
  });

  it('says what to use in place of wildcards', async () => {
    const ran = await egress('resolve', '--wildcards');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain(
      '*.r2.cloudflarestorage.com  a wildcard: DNS cannot list the names it covers\n' +
        'in place of *.r2.cloudflarestorage.com: use --format dnsmasq',
    );
    expect(ran.stdout).not.toContain(blobs);
  });

  it('gives the same as JSON', async () => {
    const ran = await egress('resolve', '--wildcards', '--json');
    const document = JSON.parse(ran.stdout);
    expect(document).toMatchObject({ exitCode: 0, shortestTtl: 60 });
    expect(document.names.find(({ host }: { host: string }) => host === 'cgr.dev')).toEqual({
      host: 'cgr.dev',
      required: true,
      server: dns.server,
      chain: [],
      addresses: [
        { address: '192.0.2.1', family: 4, ttl: 60 },
        { address: '192.0.2.2', family: 4, ttl: 60 },
        { address: '2001:db8::1', family: 6, ttl: 60 },
      ],
      shortestTtl: 60,
    });
    expect(document.notLookedUp).toMatchObject([{ host: '*.r2.cloudflarestorage.com', kind: 'wildcard' }]);
  });

  it('does not wait for every name when no name server answers', async () => {
    const silent = await startNameServer();
    const resolver = `127.0.0.1:${silent.server.port}`;
    for (const name of ['cgr.dev', blobs, ...optional]) silent.set(name, { fault: 'silent' });
    await silent.stop();
    const ran = await folder.airgap(['egress', 'resolve', '--components', 'talos', '--resolver', resolver]);
    expect(ran.status).toBe(3);
    expect(ran.stderr).toContain('not asked: no name server answered for others');
  });
});

describe('airgap egress --look-up', () => {
  it('writes addresses into the rules', async () => {
    const ran = await egress('--format', 'nftables', '--look-up');
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain('192.0.2.3');
    expect(ran.stderr).toContain('warning: cannot resolve (optional): no such name: ');
  });

  it('writes no rules when a required name has no address', async () => {
    dns.set('cgr.dev', {});
    const ran = await egress('--format', 'nftables', '--look-up');
    expect(ran.status).toBe(3);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(/^error: Cannot resolve "cgr.dev": no address\n {2}hint: .*--resolver/);
  });
});

describe('airgap egress resolve --watch', () => {
  /** A program named nft on PATH. */
  function install(script: string): void {
    mkdirSync(folder.file('bin'), { recursive: true });
    folder.write('bin/nft', `#!/bin/sh\n${script}\n`);
    chmodSync(folder.file('bin/nft'), 0o755);
  }

  it('asks for nft, for the table, for its sets, and for the right to use them', async () => {
    const absent = await egress('resolve', '--watch');
    expect(absent.status).toBe(2);
    expect(absent.stderr).toMatch(/^error: Cannot run "nft": it is not on PATH\n {2}hint: install nftables/);
    install('echo "Error: No such file or directory" >&2; exit 1');
    const empty = await egress('resolve', '--watch');
    expect(empty.status).toBe(2);
    expect(empty.stderr).toContain(
      'there is no nftables table "inet airgap_egress" here\n  hint: load the rules first',
    );
    install('echo "Operation not permitted (you must be root)" >&2; exit 1');
    expect((await egress('resolve', '--watch')).stderr).toContain('only root may use it');
    install('printf "table inet airgap_egress {\\n\\tset v4_other {\\n\\t}\\n}\\n"');
    const other = await egress('resolve', '--watch');
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('the loaded table has none for these names');
  });

  it('prints the commands instead, and ends without failure when it is interrupted', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted')), 700);
    const resolver = `127.0.0.1:${dns.server.port}`;
    const args = ['egress', 'resolve', '--watch', '--print', '--grace', '3s', ...input, '--resolver', resolver];
    const ran = await folder.airgap(args, { signal: controller.signal });
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain(
      `add element inet airgap_egress v4_${blobs} { 192.0.2.3 }
delete element inet airgap_egress v4_${blobs} { 192.0.2.3 }
add element inet airgap_egress v4_${blobs} { 192.0.2.3 timeout 13s }
`,
    );
    expect(ran.stdout).toContain('\n# cgr.dev: +192.0.2.1 +192.0.2.2 +2001:db8::1\n');
    expect(ran.stdout.split('\n').every((line) => /^(?:#|add |delete |$)/.test(line))).toBe(true);
    expect(ran.stderr).toContain('cannot resolve virtualapk.cgr.dev: no such name; its sets are empty; tried again\n');
  });

  it('refuses a list without names', async () => {
    const ran = await folder.airgap(['egress', 'resolve', '--watch', '--print', '--components', 'dns']);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('no destination of this list is a name');
  });
});
