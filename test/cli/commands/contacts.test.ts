/** What a run of `mirror` leaves of whom it contacted: in the lock, and beside it where it leaves none. */
import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contactsFor } from '../../../src/cli/egress/contacts.ts';
import { AirgapError } from '../../../src/errors.ts';
import { mostContacts } from '../../../src/lock/contacts.ts';
import type { Contact, Lock, Observed } from '../../../src/lock/lock.ts';
import { parseLock } from '../../../src/lock/parse.ts';
import { printLock } from '../../../src/lock/print.ts';
import type { MirrorRule } from '../../../src/mirror/rule.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const beside = 'airgap.lock.contacts.json';

const mirror = (images: readonly string[], more: readonly string[] = [], env: Record<string, string> = {}) =>
  world.folder.airgap(['mirror', ...images, ...world.from(), ...(more.includes('--to') ? [] : world.to()), ...more], {
    env,
  });
const lockNow = () => parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
const hostOf = (url: string) => new URL(url).host;
const bySource = (contacts: readonly Contact[]): Observed | undefined =>
  contacts.find(({ host }) => host === hostOf(world.upstream.url))?.observed;

const rule = (): MirrorRule => ({ naming: 'replace-host', registry: hostOf(world.registry.url), prefix: '' });

/** As a run that failed a while ago leaves it. */
function pending(more: Partial<Lock> = {}): string {
  const observed = {
    registries: ['gone.test:443'],
    through: [],
    requests: 3,
    receivedBytes: 10,
    sentBytes: 0,
    first: '2001-01-01T00:00:00Z',
    last: '2001-01-01T00:00:09Z',
  };
  const contacts: Contact[] = [{ host: 'gone.test:443', purpose: 'registry', observed }];
  return printLock({ version: 1, rule: rule(), mirrors: [], images: [], contacts, ...more });
}

/** The upstream behind a door: whoever asks waits for goOn(), and is then let through, or answered with `status`. */
async function holding(status?: number) {
  const door = new EventEmitter();
  let isOpen = false;
  const server = createHttpServer(async (request, response) => {
    door.emit('asked');
    if (!isOpen) await once(door, 'open');
    if (status === undefined)
      response.writeHead(307, { location: new URL(request.url ?? '', world.upstream.url).href });
    else response.writeHead(status);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    asked: once(door, 'asked'),
    goOn() {
      isOpen = true;
      door.emit('open');
    },
  };
}

describe('airgap mirror', () => {
  it('keeps each end in the lock with what was seen of it', async () => {
    const before = Date.now() - 1000;
    await mirror([pause]);
    const { contacts } = lockNow();
    const [upstream, target] = [hostOf(world.upstream.url), hostOf(world.registry.url)];
    expect(contacts.map(({ host, purpose, observed }) => [host, purpose, observed?.registries])).toEqual(
      [upstream, target].sort().map((host) => [host, 'registry', [host]]),
    );
    expect(bySource(contacts)?.requests).toBe(world.asked.length);
    const { receivedBytes = 0, first = '', last = '' } = bySource(contacts) ?? {};
    expect(receivedBytes).toBeGreaterThanOrEqual(lockNow().images[0]?.totalSize ?? Number.POSITIVE_INFINITY);
    const [began, ended] = [Date.parse(first), Date.parse(last)];
    expect([before < began, began <= ended, ended <= Date.now()]).toEqual([true, true, true]);
  });

  it('adds up over runs that share an image, also with --recheck, and starts anew where none is shared', async () => {
    await mirror([pause]);
    const { requests = 0 } = bySource(lockNow().contacts) ?? {};
    expect(requests).toBe(world.asked.length);
    await mirror([pause, kubelet]);
    await mirror([pause], ['--recheck']);
    expect(bySource(lockNow().contacts)?.requests).toBe(world.asked.length);
    world.asked.length = 0;
    await mirror([kubelet]);
    expect(bySource(lockNow().contacts)?.requests).toBe(world.asked.length);
  });

  it('starts anew for another target', async () => {
    const other = await serveStore(openMemory(), { writable: true });
    await mirror([pause]);
    const first = world.asked.length;
    const ran = await mirror([pause], ['--to', other.url]);
    expect(ran.status).toBe(0);
    expect(bySource(lockNow().contacts)?.requests).toBe(world.asked.length - first);
    expect(lockNow().contacts.map(({ host }) => host)).not.toContain(hostOf(world.registry.url));
    await other.close();
  });

  it('writes the time of SOURCE_DATE_EPOCH, and refuses one that is no time before anybody is asked', async () => {
    await mirror([pause], [], { SOURCE_DATE_EPOCH: '1764151684' });
    const times = lockNow().contacts.flatMap(({ observed }) => [observed?.first, observed?.last]);
    expect([times.length, ...new Set(times)]).toEqual([4, '2025-11-26T10:08:04Z']);
    world.asked.length = 0;
    const ran = await mirror([pause], [], { SOURCE_DATE_EPOCH: 'yesterday' });
    expect([ran.status, ran.stderr, world.asked]).toEqual([2, expect.stringContaining('SOURCE_DATE_EPOCH'), []]);
  });

  it('puts no contact into a bundle, and the same images give the same bundle later', async () => {
    const into = (name: string) => ['--to', `bundle:${name}.tar`, '--lock', `${name}.lock`];
    await mirror([pause], into('one'), { SOURCE_DATE_EPOCH: '1000000000' });
    await mirror([pause], into('two'));
    const inside = execFileSync('tar', ['-xOf', world.folder.file('one.tar'), 'airgap.lock'], { encoding: 'utf8' });
    expect(parseLock(inside, 'inside').contacts).toEqual([]);
    execFileSync('cmp', [world.folder.file('one.tar'), world.folder.file('two.tar')]);
    const requests = world.asked.length;
    await mirror([pause], into('two'));
    const { contacts } = parseLock(world.folder.read('two.lock'), 'two.lock');
    expect(bySource(contacts)?.requests).toBe(world.asked.length - requests / 2);
    expect(parseLock(world.folder.read('one.lock'), 'one.lock').contacts).toHaveLength(1);
  });
});

describe('a run that leaves no lock', () => {
  it('keeps whom it contacted beside it; runs add up until one writes the lock, and the file goes', async () => {
    for (let run = 1; run <= 2; run++) {
      const ran = await mirror(['ghcr.io/a/missing:1']);
      expect([ran.status, readdirSync(world.folder.path)]).toEqual([3, [beside]]);
      const kept = parseLock(world.folder.read(beside), beside);
      expect([kept.images, bySource(kept.contacts)?.requests]).toEqual([[], world.asked.length]);
    }
    const lockFile = world.folder.file('airgap.lock');
    expect(bySource(await contactsFor({ lockFile }))?.requests).toBe(world.asked.length);
    expect((await mirror([pause])).status).toBe(0);
    expect(bySource(lockNow().contacts)?.requests).toBe(world.asked.length);
    expect(existsSync(world.folder.file(beside))).toBe(false);
    await mirror(['ghcr.io/a/missing:1']);
    expect(bySource(await contactsFor({ lockFile }))?.requests).toBe(world.asked.length);
  });

  it('leaves nothing where nobody was contacted, and what was kept before as it is', async () => {
    const directories = ['--from', 'oci:here', '--to', 'oci:there'];
    await world.folder.airgap(['mirror', pause, ...world.from(), '--to', 'oci:here', '--lock', 'other.lock']);
    const local = () => world.folder.airgap(['mirror', 'ghcr.io/a/missing:1', ...directories]);
    expect([(await local()).status, existsSync(world.folder.file(beside))]).toEqual([3, false]);
    const kept = pending({ rule: { naming: 'keep', registry: '', prefix: '' } });
    world.folder.write(beside, kept);
    expect([(await local()).status, world.folder.read(beside)]).toEqual([3, kept]);
  });

  it('keeps what an interrupted run contacted', async () => {
    const controller = new AbortController();
    const silent = createServer(() => {
      controller.abort(new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted by SIGINT'));
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const argv = ['mirror', pause, '--source-endpoint', `*=http://${host}`, ...world.to()];
    const ran = await world.folder.airgap(argv, { signal: controller.signal });
    silent.close();
    expect(ran.status).toBe(130);
    const { contacts } = parseLock(world.folder.read(beside), beside);
    expect(contacts.map((contact) => contact.host)).toContain(host);
  });

  it('keeps a target that could not be reached', async () => {
    const ran = await mirror([pause], ['--to', 'http://127.0.0.1:9']);
    const { contacts } = parseLock(world.folder.read(beside), beside);
    expect([ran.status, contacts.find(({ host }) => host === '127.0.0.1:9')?.observed?.receivedBytes]).toEqual([4, 0]);
  });

  it('writes nothing in a dry run, and takes nothing away', async () => {
    await mirror([pause], ['--dry-run']);
    expect(readdirSync(world.folder.path)).toEqual([]);
    world.folder.write(beside, pending());
    await mirror([pause], ['--dry-run']);
    expect([readdirSync(world.folder.path), world.folder.read(beside)]).toEqual([[beside], pending()]);
  });

  it('does not take over what was kept for another target', async () => {
    world.folder.write(beside, pending({ rule: { ...rule(), registry: 'other.test' } }));
    await mirror([pause]);
    expect(lockNow().contacts.map(({ host }) => host)).not.toContain('gone.test:443');
    expect(existsSync(world.folder.file(beside))).toBe(false);
  });

  it('leaves to the next run what another one left while it ran, and takes nothing over that is in the lock by now', async () => {
    world.folder.write(beside, pending());
    const slow = await holding();
    const first = mirror([pause], ['--source-endpoint', `registry.k8s.io=${slow.url}`]);
    await slow.asked;
    expect((await mirror(['ghcr.io/a/missing:1'])).status).toBe(3);
    const other = world.folder.read(beside);
    slow.goOn();
    expect((await first).status).toBe(0);
    expect(world.folder.read(beside)).toBe(other);

    rmSync(world.folder.file(beside));
    world.folder.write(beside, pending());
    const again = await holding(404);
    const failing = mirror(['ghcr.io/a/missing:1'], ['--source-endpoint', `ghcr.io=${again.url}`]);
    await again.asked;
    expect((await mirror([pause], ['--recheck'])).status).toBe(0);
    expect(existsSync(world.folder.file(beside))).toBe(false);
    again.goOn();
    expect((await failing).status).toBe(3);
    expect(parseLock(world.folder.read(beside), beside).contacts.map(({ host }) => host)).not.toContain(
      'gone.test:443',
    );
  });

  it.each([
    ['no JSON', () => '{'],
    ['another format', () => '{"version":2}'],
    [
      'a host that is none',
      () => pending().replace('"gone.test:443",\n      "purpose"', '"$(reboot)",\n      "purpose"'),
    ],
    ['a time that is none', () => pending().replace('2001-01-01T00:00:09Z', 'soon')],
    ['too much', () => `${' '.repeat(17 * 1024 * 1024)}${pending()}`],
  ])('says that a broken file is left out: %s', async (_name, text) => {
    world.folder.write(beside, text());
    const ran = await mirror([pause]);
    expect([ran.status, ran.stderr.match(/what earlier runs contacted is left out/g)]).toEqual([
      0,
      [expect.anything()],
    ]);
    expect(lockNow().contacts).toHaveLength(2);
    expect(existsSync(world.folder.file(beside))).toBe(false);
  });

  it('reads back as many hosts as are kept, however long their names are', async () => {
    const [contact] = parseLock(pending(), beside).contacts;
    const contacts = Array.from({ length: mostContacts }, (_, index): Contact => {
      const host = `${'a'.repeat(60)}.${'b'.repeat(60)}.${index}.test:443`;
      return { host, purpose: 'redirect', observed: contact?.observed };
    });
    world.folder.write(beside, pending({ contacts }));
    const told: string[] = [];
    const lockFile = world.folder.file('airgap.lock');
    const read = await contactsFor({ lockFile }, (event) => void told.push(event.type));
    expect([read.length, told]).toEqual([mostContacts, []]);
  });

  it('tells a broken file to who asks for what was observed, and fails for a broken lock', async () => {
    const lockFile = world.folder.file('airgap.lock');
    const told: string[] = [];
    world.folder.write(beside, '{');
    const asked = () => contactsFor({ lockFile }, (event) => void told.push(event.type));
    expect([await asked(), told]).toEqual([[], ['notice']]);
    world.folder.write('airgap.lock', '{');
    await expect(asked()).rejects.toMatchObject({ code: 'ERR_LOCK_INVALID' });
  });

  it('goes on where a pipe or a folder is in its place', async () => {
    execFileSync('mkfifo', [world.folder.file(beside)]);
    const kept = await mirror(['ghcr.io/a/missing:1']);
    const notKept = 'warning: what this run contacted is not kept: Cannot write';
    expect([kept.status, kept.stderr]).toEqual([3, expect.stringContaining(notKept)]);
    rmSync(world.folder.file(beside));
    mkdirSync(world.folder.file(beside));
    const ran = await mirror([pause]);
    expect([ran.status, ran.stderr]).toEqual([0, expect.stringContaining('left out')]);
    expect(ran.stderr).toContain('what earlier runs contacted is in the lock now, and stays beside it too');
  });
});
