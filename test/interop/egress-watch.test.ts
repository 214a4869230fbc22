/** `egress resolve --watch` keeps real nftables sets filled, in a network namespace whose name server changes its answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { airgapProgram } from './support/airgap.ts';
import { type NameServerProcess, nameServerIn } from './support/nameServerProcess.ts';
import { Namespaces, namespacesMissing } from './support/namespaces.ts';
import { missing, output, run, titled } from './support/programs.ts';

const skip = missing('nft', 'ip') ?? namespacesMissing();

const registry = 'cgr.dev';
/** Where its blobs are: the other name that is required. */
const blobs = '9236a389bd48b984df91adc1bc924620.r2.cloudflarestorage.com';
const input = ['--components', 'chainguard', '--resolver', '127.0.0.1'];

describe.skipIf(skip !== undefined)(titled('airgap egress resolve --watch', skip), () => {
  let spaces: Namespaces;
  let dns: NameServerProcess;
  let folder: string;
  let watch: ChildProcess | undefined;
  let said = '';

  const there = (...words: string[]) => spaces.command('host', words);
  const airgap = (...args: string[]) => there(process.execPath, airgapProgram, 'egress', ...args, ...input);

  /** Address → seconds until it leaves. */
  async function addressesOf(host: string, family: 4 | 6 = 4): Promise<Map<string, number>> {
    const listed = await output(there('nft', '-j', 'list', 'set', 'inet', 'airgap_egress', `v${family}_${host}`));
    const parsed: { nftables: { set?: { elem?: { elem: { val: string; expires: number } }[] } }[] } =
      JSON.parse(listed);
    const elements = parsed.nftables.flatMap(({ set }) => set?.elem ?? []);
    return new Map(elements.map(({ elem }) => [elem.val, elem.expires]));
  }

  /** Milliseconds until a state is met. */
  async function until(state: () => Promise<boolean>, limitMs = 20_000): Promise<number> {
    const start = performance.now();
    while (!(await state())) {
      if (performance.now() - start > limitMs) throw new Error(`not within ${limitMs} ms\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return performance.now() - start;
  }

  const has =
    (address: string, host = registry) =>
    async () =>
      (await addressesOf(host, address.includes(':') ? 6 : 4)).has(address);
  const hasNot =
    (address: string, host = registry) =>
    async () =>
      !(await has(address, host)());

  function start(...options: string[]): void {
    said = '';
    const [program = '', ...args] = airgap('resolve', '--watch', '--grace', '3s', ...options);
    watch = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [watch.stdout, watch.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
  }

  async function end(): Promise<number | null> {
    const child = watch;
    watch = undefined;
    if (child === undefined || child.exitCode !== null) return child?.exitCode ?? null;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    return await ended;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-watch-'));
    spaces = await Namespaces.make(['host']);
    dns = await nameServerIn((words) => there(...words));
    const rules = join(folder, 'egress.nft');
    await output(airgap('--role', 'staging', '--format', 'nftables', '--output', rules));
    await output(there('nft', '-f', rules));
  });

  afterEach(async () => {
    await end();
    await output(there('nft', '-f', join(folder, 'egress.nft')));
  });

  afterAll(async () => {
    await dns?.close();
    spaces?.remove();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it('has new addresses no later than the TTL, and old ones leave after TTL and grace', async () => {
    await dns.set(registry, { addresses: ['192.0.2.1', '2001:db8::1'], ttl: 2 });
    await dns.set(blobs, { alias: 'cdn.example', ttl: 1 });
    await dns.set('cdn.example', { addresses: ['192.0.2.50'], ttl: 600 });
    start();
    await until(async () => (await has('2001:db8::1')()) && (await has('192.0.2.50', blobs)()));
    const first = (await addressesOf(registry)).get('192.0.2.1') ?? 0;
    expect(first).toBeLessThanOrEqual(7);

    await dns.set(registry, { addresses: ['192.0.2.2'], ttl: 2 });
    await dns.set('cdn.example', { addresses: ['192.0.2.51'], ttl: 600 });
    const came = await until(has('192.0.2.2'));
    // A second beside the TTL for programs to start on a busy machine.
    expect(came).toBeLessThan(3000);
    expect([...(await addressesOf(registry)).keys()].sort()).toEqual(['192.0.2.1', '192.0.2.2']);
    await until(has('192.0.2.51', blobs), 2500);

    const left = await until(hasNot('192.0.2.1'));
    // Seen last before the change, with 2 s until it was asked for again, a TTL of 2 s and the grace of 3 s.
    expect(came + left).toBeGreaterThan(3000);
    expect(came + left).toBeLessThan(8500);
    expect(await has('2001:db8::1')()).toBe(false);
    expect(await has('192.0.2.2')()).toBe(true);
    expect(said).toContain('cgr.dev: +192.0.2.1 +2001:db8::1\n');
    expect(said).toMatch(/^cgr\.dev: \+192\.0\.2\.2 -192\.0\.2\.1 -2001:db8::1 \(stays up to \d\.\d s\)$/m);
    expect(said).toMatch(/^refreshed cgr\.dev: 1 address, next in 1\.\d s$/m);
    expect(await end()).toBe(0);
  });

  it('renews an address that stays, so that it never leaves', async () => {
    await dns.set(registry, { addresses: ['192.0.2.3'], ttl: 0 });
    await dns.set(blobs, { addresses: ['192.0.2.52'], ttl: 60 });
    start('--quiet');
    await until(has('192.0.2.3'));
    for (const last = performance.now() + 7000; performance.now() < last; ) {
      expect(await has('192.0.2.3')()).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await end()).toBe(0);
    // Optional names of the list do not exist here: those are told, whatever was asked to be quiet.
    expect(said.split('\n').filter((line) => !/^(?:cannot resolve .*|)$/.test(line))).toEqual([]);
  });

  it('keeps what is there while the name server is gone, and fills the sets again once it is back', async () => {
    await dns.set(registry, { addresses: ['192.0.2.4'], ttl: 2 });
    await dns.set(blobs, { addresses: ['192.0.2.53'], ttl: 60 });
    start();
    await until(has('192.0.2.4'));
    await dns.stop();
    await until(async () => said.includes('cannot resolve cgr.dev: name server 127.0.0.1: ECONNREFUSED'));
    expect(await has('192.0.2.4')()).toBe(true);
    await until(hasNot('192.0.2.4'), 9000);
    // That of the longer TTL has time left.
    expect(await has('192.0.2.53', blobs)()).toBe(true);
    await until(async () => said.includes('its sets are empty'));
    await dns.start();
    await until(has('192.0.2.4'), 30_000);
    expect(said).toContain('cgr.dev: resolved again\n');
  });

  it('fills sets that somebody loaded anew, and says when the table is gone', async () => {
    await dns.set(registry, { addresses: ['192.0.2.5'], ttl: 1 });
    await dns.set(blobs, { addresses: ['192.0.2.54'], ttl: 1 });
    start();
    await until(has('192.0.2.5'));
    await output(there('nft', 'delete', 'table', 'inet', 'airgap_egress'));
    await until(async () =>
      said.includes('there is no nftables table "inet airgap_egress" here (load the rules first'),
    );
    await output(there('nft', '-f', join(folder, 'egress.nft')));
    await until(has('192.0.2.5'));
    expect(await end()).toBe(0);
  });

  it('fills a set that was missing for a while', async () => {
    await dns.set(registry, { addresses: ['192.0.2.7'], ttl: 1 });
    await dns.set(blobs, { addresses: ['192.0.2.55'], ttl: 1 });
    start();
    await until(has('192.0.2.7'));
    const rules = await readFile(join(folder, 'egress.nft'), 'utf8');
    const without = rules.replaceAll(/^.*_cgr\.dev\b.*$/gm, '');
    await output(there('nft', '-f', '-'), { input: without });
    await until(async () => said.includes('the table that is loaded now has no set for cgr.dev: load the rules again'));
    await until(has('192.0.2.55', blobs));
    await output(there('nft', '-f', join(folder, 'egress.nft')));
    await until(has('192.0.2.7'), 5000);
    expect(await end()).toBe(0);
  });

  it('ends when nobody reads what it prints', async () => {
    await dns.set(registry, { addresses: ['192.0.2.8'], ttl: 1 });
    start('--print');
    watch?.stdout?.once('data', () => watch?.stdout?.destroy());
    const child = watch;
    await until(async () => child?.exitCode === 0, 10_000);
  });

  it('asks for the rules first, and prints what nft takes', async () => {
    await output(there('nft', 'delete', 'table', 'inet', 'airgap_egress'));
    const [program = '', ...args] = airgap('resolve', '--watch');
    const refused = await run([program, ...args]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toContain('Cannot fill the sets: there is no nftables table');

    await output(there('nft', '-f', join(folder, 'egress.nft')));
    await dns.set(registry, { addresses: ['192.0.2.6', '2001:db8::6'], ttl: 60 });
    start('--print');
    await until(async () => said.includes('# cgr.dev: '));
    const status = await end();
    const commands = said.split('\n').filter((line) => /^(?:#|add |delete )/.test(line));
    await output(there('nft', '-f', '-'), { input: `${commands.join('\n')}\n` });
    expect(await has('192.0.2.6')()).toBe(true);
    expect(await has('2001:db8::6')()).toBe(true);
    expect(status).toBe(0);
  });
});
