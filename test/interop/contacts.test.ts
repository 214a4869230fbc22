/**
 * What a run says it contacted is what the kernel saw: the ports of its `connect()` calls are those of its contacts, whatever became of
 * the run. Every server has a port of its own on this machine.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Contact } from '../../src/lock/lock.ts';
import { parseLock } from '../../src/lock/parse.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { actions, fault, startUpstream, type Upstream, type UpstreamOptions } from '../support/faultyServer.ts';
import { startNamingProxy } from '../support/namingProxy.ts';
import { seedImage } from '../support/seedImages.ts';
import { canStrace, type TracedRun, tracedRun } from '../support/trace-sockets.ts';
import { airgapCommand } from './support/airgap.ts';
import { freePort } from './support/dockerRegistry.ts';
import { skipsNothing, titled } from './support/programs.ts';

const reason = skipsNothing || canStrace() ? undefined : 'skipped because strace is not here or may not trace';
const image = 'registry.k8s.io/pause:3.10';
const lockFile = 'airgap.lock';
const beside = 'airgap.lock.contacts.json';

const store = openMemory();
const closers: (() => unknown)[] = [];
let folder: string;

beforeAll(async () => {
  await seedImage(store, image, { platforms: ['linux/amd64', 'linux/arm64'], layerBytes: 60_000 });
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-contacts-'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(options: UpstreamOptions): Promise<Upstream> {
  const made = await startUpstream(options);
  closers.push(() => made.close());
  return made;
}

const upstream = (options: Omit<UpstreamOptions, 'store'> = {}) => serve({ store, ...options });
const site = (options: Omit<UpstreamOptions, 'store'> = {}) =>
  serve({ store: openMemory(), serve: { writable: true }, ...options });
const readAt = ({ url }: Upstream): string[] => ['--source-endpoint', `*=${url}`];

/** The program's own process number is left in the file `pid`. */
function mirror(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<TracedRun> {
  const { command, env: plain } = airgapCommand(['mirror', ...args]);
  const asShell = ['-c', 'echo $$ > pid; exec "$@"', 'sh', ...command];
  return tracedRun('sh', asShell, { cwd: folder, env: { ...plain, ...env }, by: 'strace' });
}

async function contactsIn(file: string): Promise<readonly Contact[]> {
  return parseLock(await readFile(join(folder, file), 'utf8'), file).contacts;
}

const portOf = (place: string): number => Number(/:(\d+)$/.exec(place)?.[1]);
const once = (ports: readonly number[]): number[] => [...new Set(ports)].sort((one, other) => one - other);

/** Looking a name up connects to nobody: to a name server, and, to sort addresses, to port 0. */
function seenByKernel({ contacts }: TracedRun): number[] {
  const ports = contacts.filter(({ kind, to }) => kind === 'connect' && !to.startsWith('unix:'));
  return once(ports.map(({ to }) => portOf(to)).filter((port) => port !== 0 && port !== 53));
}

async function told(file: string): Promise<number[]> {
  const contacts = await contactsIn(file);
  return once(contacts.filter(({ observed }) => observed?.through.length === 0).map(({ host }) => portOf(host)));
}

async function expectTold(ran: TracedRun, file: string, servers: readonly { readonly port: number }[]): Promise<void> {
  const ports = once(servers.map(({ port }) => port));
  expect([await told(file), seenByKernel(ran)], ran.stderr).toEqual([ports, ports]);
}

describe.skipIf(reason !== undefined)(titled('the contacts of a run', reason), () => {
  it('are a source whose scheme was asked, where its blobs are, and the target', async () => {
    const cut = fault({ path: /blobs/, times: 2, at: 'blobHost' }, actions.cutAfter(20_000));
    const from = await upstream({ tokens: {}, redirectBlobs: true, faults: [cut] });
    const to = await site({ tokens: {} });
    const ran = await mirror([image, '--from', from.host, '--to', to.host]);
    expect(ran.status, ran.stderr).toBe(0);
    await expectTold(ran, lockFile, [from, to, { port: portOf(from.blobHost ?? '') }]);
  });

  it.each([
    ['where the target refuses connections', { to: 'gone' }, 4],
    ['where the source refuses connections', { from: 'gone' }, 3],
    ['where the target is full', { to: 'full' }, 4],
    ['where the target wants a password', { to: 'locked' }, 4],
    ['where the source says nothing until --timeout', { from: 'silent' }, 3],
  ] as const)('are kept %s', async (_name, ends: { from?: string; to?: string }, status) => {
    const full = fault({ method: ['POST', 'PATCH', 'PUT'] }, actions.status(507));
    const silent = fault({ path: /blobs/ }, actions.silence);
    const from =
      ends.from === 'gone' ? await nobody() : await upstream(ends.from === 'silent' ? { faults: [silent] } : {});
    const to =
      ends.to === 'gone'
        ? await nobody()
        : await site({
            ...(ends.to === 'full' && { faults: [full] }),
            ...(ends.to === 'locked' && { basic: { username: 'a', password: 'b' } }),
          });
    const ran = await mirror([image, '--from', from.host, '--to', to.host, '--retries', '1', '--timeout', '3s']);
    expect([ran.status, await readdir(folder)], ran.stderr).toEqual([status, expect.arrayContaining([beside])]);
    // Where the source cannot be asked for its scheme, nobody asks the target.
    await expectTold(ran, beside, ends.from === 'gone' ? [from] : [from, to]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('are kept by a run that %s ends', async (signal) => {
    const from = await upstream({ redirectBlobs: true, faults: [fault({ at: 'blobHost' }, actions.silence)] });
    const to = await site();
    const running = mirror([image, ...readAt(from), '--to', to.url]);
    while (!from.log.requests.some(({ at }) => at === 'blobHost')) await new Promise((done) => setTimeout(done, 20));
    process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), signal);
    const ran = await running;
    expect(ran.status, ran.stderr).toBe(130);
    await expectTold(ran, beside, [from, to, { port: portOf(from.blobHost ?? '') }]);
  });

  it('are the proxy alone for what goes through it, and the others themselves', async () => {
    const from = await upstream({ redirectBlobs: true });
    const to = await site();
    const proxy = await startNamingProxy(new Map([['registry.site.test:8080', from.port]]));
    closers.push(() => proxy.close());
    const ends = ['--source-endpoint', '*=http://registry.site.test:8080', '--to', to.url];
    const ran = await mirror([image, ...ends], { HTTP_PROXY: `http://${proxy.host}`, NO_PROXY: '.other.test' });
    expect(ran.status, ran.stderr).toBe(0);
    await expectTold(ran, lockFile, [{ port: portOf(proxy.host) }, { port: portOf(from.blobHost ?? '') }, to]);
    const behind = (await contactsIn(lockFile)).filter(({ observed }) => observed?.through.includes(proxy.host));
    expect(behind.map(({ host }) => host)).toEqual([...proxy.asked.keys()]);
  });

  it('are those of each step on a way through a bundle, and none of a dry run', async () => {
    const from = await upstream({ tokens: {}, redirectBlobs: true });
    const packed = await mirror([image, ...readAt(from), '--to', 'bundle:x.tar', '--lock', 'out.lock']);
    await expectTold(packed, 'out.lock', [from, { port: portOf(from.blobHost ?? '') }]);
    const to = await site();
    const dry = await mirror(['--from', 'bundle:x.tar', '--to', to.host, '--lock', 'in.lock', '--dry-run']);
    expect([dry.status, seenByKernel(dry), (await readdir(folder)).sort()], dry.stderr).toEqual([
      0,
      [to.port],
      ['out.lock', 'pid', 'x.tar'],
    ]);
    await expectTold(await mirror(['--from', 'bundle:x.tar', '--to', to.host, '--lock', 'in.lock']), 'in.lock', [to]);
  });
});

async function nobody(): Promise<{ readonly host: string; readonly port: number }> {
  const port = await freePort();
  return { host: `127.0.0.1:${port}`, port };
}
