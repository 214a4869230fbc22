/**
 * The proof of `airgap egress`: its rules are loaded in network namespaces, between hosts with their real names. With them a mirror run
 * passes; with any line removed the check names that line; what is contacted is what the lock says.
 */
import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { airgap } from './support/airgap.ts';
import { withoutRulesOf } from './support/egressRules.ts';
import {
  addressOf,
  images,
  nameServer,
  openWorld,
  type Place,
  proxyAddress,
  silentAddress,
  twins,
  type World,
} from './support/egressWorld.ts';
import { namespacesMissing } from './support/namespaces.ts';
import { missing, type Run, titled } from './support/programs.ts';

const reason = missing('ip', 'nft', 'curl') ?? namespacesMissing();
const withoutSquid = missing('squid');
const target = ['--to', 'https://registry.site'];
const nodeFacts = ['--endpoint', 'https://registry.site', '--ntp', 'time.cloudflare.com', '--dns', nameServer];
/** Inputs and options that say who connects, and for what. */
const jobs = {
  staging: ['images.txt', ...target, '--role', 'staging'],
  node: ['images.txt', ...nodeFacts, '--no-discovery', '--role', 'nodes'],
} as const;
/** Answers on the world's internet; the lists of these tests do not have it, what must be closed does. */
const notListed = 'quay.io';
/** Where a registry may send its clients, and nobody says so. */
const undeclared = 'blobs.example.net';
const throughProxy = { HTTPS_PROXY: `http://${proxyAddress}:3128` };

interface Listed {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly required: boolean;
  readonly seen?: string;
}

interface Checked extends Listed {
  readonly verdict: string;
  /** It was not tried, for want of this. */
  readonly missing?: { readonly kind: string };
}

interface CheckDocument {
  readonly destinations: readonly Checked[];
  readonly closed?: { readonly open: readonly Checked[] };
}

describe.skipIf(reason !== undefined)(titled('airgap egress between namespaces', reason), () => {
  let world: World;
  /** Of the host that mirrors. */
  let listed: readonly Listed[];
  let rules: string;

  const mirrorArguments = () => ['mirror', 'images.txt', ...target, '--endpoint-ca', world.ca];
  const mirror = (...more: string[]) => world.airgap('staging', [...mirrorArguments(), ...more]);

  beforeAll(async () => {
    listed = await listedWithoutWorld();
    world = await openWorld([...namesOf(listed), notListed, undeclared]);
    await writeFile(join(world.folder, 'images.txt'), `${images.join('\n')}\n`);
    rules = await writtenRules(world, jobs.staging);
  });
  beforeEach(async () => {
    for (const place of ['staging', 'router', 'node', ...twins] as const) await world.loadRules(place, '');
    await world.order({ kind: 'begin-anew' });
    await forgetLock(world);
  });
  afterAll(() => world?.close());

  it('opens what a mirror run needs, and nothing else', async () => {
    succeeded(await visit(world, 'staging', notListed));
    await world.loadRules('staging', rules);
    succeeded(await mirror());
    expect(await checked(world, 'staging')).toMatchObject({ status: 0, notOpen: [] });
    const refused = await visit(world, 'staging', notListed);
    expect(refused.status, refused.stderr).not.toBe(0);
  });

  it('names exactly the line that is missing', async () => {
    const required = listed.filter((one) => one.required);
    expect(required.length).toBeGreaterThan(20);
    const places = ['staging', ...twins] as const;
    const shares = places.map((place, index) => ({
      place,
      lines: required.filter((_, number) => number % places.length === index),
    }));
    await Promise.all(
      shares.map(async ({ place, lines }) => {
        for (const line of lines) await expectNamed(world, { place, line, rules });
      }),
    );
  });

  it('fails to mirror without a line it needs, and names the host', async () => {
    await world.loadRules('staging', rules);
    succeeded(await mirror());
    const contacted = await world.contacted();
    const needed = listed.filter(({ host, port }) => contacted.includes(`${host}:${port}`));
    expect(needed).toHaveLength(contacted.length);
    for (const line of needed) {
      await world.order({ kind: 'empty-site' });
      await forgetLock(world);
      await world.loadRules('staging', withoutRulesOf(line, rules));
      failedNaming(await mirror('--retries', '0'), line.host);
    }
    await world.loadRules('staging', withoutRulesOf({ host: nameServer, port: 53, protocol: 'udp' }, rules));
    failedNaming(await mirror('--retries', '0'), 'the name ghcr.io cannot be looked up');
  });

  it('says of every contact what the hosts say themselves, and needs no other', async () => {
    await world.loadRules('staging', rules);
    succeeded(await mirror());
    const contacted = await world.contacted();
    expect(contacted).toContain('auth.docker.io:443');
    expect(contacted).toContain('pkg-containers.githubusercontent.com:443');
    expect(await lockedContacts(world)).toEqual(contacted);

    const observed = await writtenRules(world, [...jobs.staging, '--observed']);
    expect(observed).not.toMatch(/\*\.|wildcard/);
    await world.loadRules('staging', observed);
    await world.order({ kind: 'empty-site' });
    await forgetLock(world);
    succeeded(await mirror());
    expect(await lockedContacts(world)).toEqual(contacted);
  });

  it('finds a host that nothing declares, and opens it from then on', async () => {
    await world.order({ kind: 'redirect-blobs', name: 'ghcr.io', to: undeclared });
    await world.loadRules('staging', rules);
    failedNaming(await mirror('--retries', '0'), undeclared);

    await world.loadRules('staging', '');
    succeeded(await mirror());
    const merged = await world.airgap('staging', ['egress', ...jobs.staging, '--observed', '--json']);
    expect(merged.status, merged.stderr).toBe(5);
    const { destinations } = JSON.parse(merged.stdout) as { destinations: readonly Listed[] };
    expect(destinations.filter(({ seen }) => seen === 'undeclared').map(({ host }) => host)).toEqual([undeclared]);

    await world.loadRules('staging', await writtenRules(world, [...jobs.staging, '--observed'], { status: 5 }));
    await world.order({ kind: 'empty-site' });
    await forgetLock(world);
    succeeded(await mirror());
  });

  it('lets nodes reach their registry, time and names, and knows when anything else answers', async () => {
    succeeded(await mirror());
    const open = await checked(world, 'node', { more: ['--assert-closed'] });
    expect(open.status, open.stderr).toBe(5);
    const others = namesOf(listed).filter((host) => host !== 'registry.site');
    const leaking = [...new Set(open.leaks.map(({ host }) => host))].sort();
    expect(leaking).toEqual([...others, notListed, '1.1.1.1', '8.8.8.8'].sort());

    const ofNode = await writtenRules(world, jobs.node);
    await world.loadRules('node', ofNode);
    succeeded(await world.airgap('node', ['verify', '--as', 'talos@v1.14.4']));
    const closed = await checked(world, 'node', { more: ['--assert-closed'] });
    expect(closed, closed.stderr).toMatchObject({ status: 0, notOpen: [], leaks: [] });

    const { required } = await checked(world, 'node');
    expect(required.map(placeOf).sort()).toEqual([
      `${nameServer}:53/tcp`,
      `${nameServer}:53/udp`,
      'registry.site:443/tcp',
      'time.cloudflare.com:123/udp',
    ]);
    for (const line of required) await expectNamed(world, { place: 'node', line, rules: ofNode });
  });

  it('follows no connection where the firewall does not either', async () => {
    const stateless = await writtenRules(world, [...jobs.staging, '--stateless']);
    expect(stateless).not.toContain('ct state');
    await world.loadRules('staging', stateless);
    succeeded(await mirror());
    expect(await checked(world, 'staging')).toMatchObject({ status: 0, notOpen: [] });
    expect((await visit(world, 'staging', notListed)).status).not.toBe(0);
  });

  it('tells an intercepting box by its authority, and a host that answers nothing', async () => {
    await world.order({ kind: 'certify', name: 'ghcr.io', by: 'other' });
    const intercepted = await checked(world, 'staging');
    const issuer = new X509Certificate(world.authorities.other.certificate).subject.replace('CN=', '');
    expect(intercepted).toMatchObject({ status: 4, notOpen: [{ host: 'ghcr.io', verdict: 'intercepted' }] });
    expect(JSON.stringify(intercepted.notOpen)).toContain(issuer);

    await world.order({ kind: 'begin-anew' });
    await world.order({ kind: 'name', name: 'auth.docker.io', addresses: [silentAddress] });
    const silent = await checked(world, 'staging', { more: ['--connect-timeout', '1s'] });
    expect(silent).toMatchObject({ status: 4, notOpen: [{ host: 'auth.docker.io', verdict: 'blocked' }] });
  });

  it('stands on a gateway as well, for who has these addresses', async () => {
    const from = addressOf.staging.flatMap((address) => ['--address', `staging=${address}`]);
    const gateway = await writtenRules(world, [...jobs.staging, ...from]);
    await world.loadRules('router', gateway);
    succeeded(await mirror());
    expect(await checked(world, 'staging')).toMatchObject({ status: 0, notOpen: [] });
    expect((await visit(world, 'staging', notListed)).status).not.toBe(0);
    succeeded(await visit(world, 'node', notListed));

    const lines = listed.filter(({ host }) => ['pkg-containers.githubusercontent.com', nameServer].includes(host));
    expect(lines).toHaveLength(3);
    for (const line of lines) await expectNamed(world, { place: 'staging', line, rules: gateway, at: 'router' });
  });

  it.skipIf(withoutSquid !== undefined)(
    titled('opens a proxy alone, which passes on the list', withoutSquid),
    async () => {
      const env = throughProxy;
      const nft = ['--format', 'nftables', '--output', 'proxied.nft'];
      succeeded(await world.airgap('staging', ['egress', ...jobs.staging, ...nft], { env }));
      const own = await readFile(join(world.folder, 'proxied.nft'), 'utf8');
      expect(own).not.toContain('ghcr.io');
      const passes = ['--address', `staging=${addressOf.staging[0]}`, '--format', 'squid', '--output-dir', 'proxy'];
      succeeded(await world.airgap('staging', ['egress', ...jobs.staging, ...passes], { env }));
      const access = await readFile(join(world.folder, 'proxy', 'egress-squid.conf'), 'utf8');

      await world.loadRules('staging', own);
      await besideProxy(world, access, async () => {
        succeeded(await world.airgap('staging', mirrorArguments(), { env }));
        const direct = (await world.connections()).filter(
          ({ from }) => from.startsWith('10.77.1.') || from.startsWith('fd77:1:'),
        );
        expect(direct).toEqual([]);
        expect(await checked(world, 'staging', { env })).toMatchObject({ status: 0, notOpen: [] });
        expect((await visit(world, 'staging', notListed, env)).stderr).toContain('403');
      });

      const narrower = access.split('\n').filter((line) => !line.endsWith(' dstdomain -n auth.docker.io'));
      await besideProxy(world, narrower.join('\n'), async () => {
        const { notOpen, status } = await checked(world, 'staging', { env });
        expect([status, notOpen.map(({ host, verdict }) => `${verdict} ${host}`)]).toEqual([
          4,
          ['blocked auth.docker.io'],
        ]);
      });
    },
  );
});

function placeOf({ host, port, protocol }: Listed): string {
  return `${host}:${port}/${protocol}`;
}

function namesOf(list: readonly Listed[]): string[] {
  return [...new Set(list.map(({ host }) => host))].filter((host) => /[a-z]$/.test(host));
}

function succeeded(ran: Run): Run {
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
  return ran;
}

function failedNaming({ status, stderr }: Run, host: string): void {
  expect([status === 0, stderr.includes(host)], stderr).toEqual([false, true]);
}

/** The list contacts nobody: it is there before any host. */
async function listedWithoutWorld(): Promise<readonly Listed[]> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-egress-'));
  const asked = ['egress', ...images, ...target, '--role', 'staging', '--resolver', nameServer, '--json'];
  const { stdout } = succeeded(await airgap(asked, { cwd: folder }));
  await rm(folder, { recursive: true });
  return (JSON.parse(stdout) as { destinations: readonly Listed[] }).destinations;
}

/** nftables rules for a job, its names looked up in the world; 5 where a contact is a finding. */
async function writtenRules(world: World, job: readonly string[], { status = 0 } = {}): Promise<string> {
  const file = join(world.folder, 'egress.nft');
  await rm(file, { force: true });
  const format = ['--format', 'nftables', '--look-up', '--output', file];
  const ran = await world.airgap('staging', ['egress', ...job, ...format]);
  expect(ran, ran.stderr).toMatchObject({ status });
  return readFile(file, 'utf8');
}

/** Checks a place's own job from there. */
async function checked(
  world: World,
  place: Place,
  { more = [], env = {} }: { readonly more?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {},
) {
  const job = place === 'node' ? jobs.node : jobs.staging;
  const ran = await world.airgap(place, ['egress', 'check', ...job, ...more, '--json'], { env });
  const { destinations, closed } = JSON.parse(ran.stdout) as CheckDocument;
  const notOpen = destinations.filter(({ verdict }) => verdict !== 'open');
  return { ...ran, required: destinations.filter(({ required }) => required), notOpen, leaks: closed?.open ?? [] };
}

/** Without its rule the check says of this destination, and of no other, that it is blocked. Without names nothing else can be tried. */
async function expectNamed(
  world: World,
  without: { readonly place: Place; readonly line: Listed; readonly rules: string; readonly at?: Place },
): Promise<void> {
  const { place, line, rules, at = place } = without;
  await world.loadRules(at, withoutRulesOf(line, rules));
  const { status, notOpen, stderr } = await checked(world, place);
  const blocked = notOpen.filter(({ verdict }) => verdict === 'blocked');
  expect([status, blocked.map(placeOf)], stderr).toEqual([4, [placeOf(line)]]);
  const untried = notOpen.filter(({ verdict, missing: want }) => verdict === 'unknown' && want?.kind === 'names');
  const hasNames = placeOf(line) !== `${nameServer}:53/udp`;
  expect([untried.length + blocked.length, untried.length === 0], stderr).toEqual([notOpen.length, hasNames]);
}

function visit(world: World, place: Place, host: string, env: Readonly<Record<string, string>> = {}): Promise<Run> {
  const options = ['--cacert', world.ca, '-m', '2', '-o', '/dev/null'];
  return world.run(place, ['curl', '-sS', ...options, `https://${host}/v2/`], { env });
}

/** With a Squid on the router, which passes on what this file allows. */
async function besideProxy(world: World, access: string, work: () => Promise<void>): Promise<void> {
  const { folder } = world;
  // Squid reads and writes as a user of its own.
  await chmod(folder, 0o777);
  await writeFile(join(folder, 'access.conf'), access);
  const own = [
    `http_port ${proxyAddress}:3128`,
    'visible_hostname proxy.site',
    'access_log none',
    `cache_log ${join(folder, 'cache.log')}`,
    'pid_filename none',
    'cache_mem 8 MB',
    'shutdown_lifetime 0 seconds',
    `include ${join(folder, 'access.conf')}`,
  ];
  await writeFile(join(folder, 'squid.conf'), `${own.join('\n')}\n`);
  const proxy = world.startProgram('router', ['squid', '-N', '-n', `airgap${process.pid}`, '-f', 'squid.conf']);
  const untilItListens = ['--retry', '50', '--retry-connrefused', '--retry-delay', '1', '-s', '-o', '/dev/null'];
  try {
    succeeded(await world.run('router', ['curl', ...untilItListens, `http://${proxyAddress}:3128/`]));
    await work();
  } finally {
    await proxy.stop();
  }
}

async function forgetLock({ folder }: World): Promise<void> {
  await rm(join(folder, 'airgap.lock'), { force: true });
}

/** As `host:port`, each once, sorted. */
async function lockedContacts({ folder }: World): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(folder, 'airgap.lock'), 'utf8')) as { contacts: { host: string }[] };
  return [...new Set(lock.contacts.map(({ host }) => host))].sort();
}
