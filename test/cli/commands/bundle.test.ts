import { createHash, generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();

function sha256(file: string): string {
  return createHash('sha256')
    .update(readFileSync(world.folder.file(file)))
    .digest('hex');
}

const into = (place: string, ...more: string[]) =>
  world.folder.airgap(['mirror', kubelet, pause, ...world.from(), '--to', place, ...more]);
const outOf = (place: string, ...more: string[]) =>
  world.folder.airgap(['mirror', '--from', place, ...world.to(), ...more]);

describe('airgap mirror into a bundle and out of it', () => {
  it('carries everything in one file, and needs nothing else on the other side', async () => {
    const written = await into('bundle:talos.tar');
    expect([written.status, written.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(written.stdout).toMatch(/^wrote talos\.tar: [\d.]+ kB$/m);
    expect(written.stdout).toContain('airgap mirror --from bundle:talos.tar --to HOST:PORT');
    expect(readdirSync(world.folder.path).sort()).toEqual(['airgap.lock', 'talos.tar']);
    rmSync(world.folder.file('airgap.lock'));
    world.asked.length = 0;
    const loaded = await outOf('bundle:talos.tar');
    expect([loaded.status, loaded.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    expect(world.asked).toEqual([]);
    const lock = parseLock(world.folder.read('airgap.lock'), 'airgap.lock');
    expect(lock.images.map(({ source }) => source.repository)).toEqual(['siderolabs/kubelet', 'pause']);
    expect(lock.mirrors).toEqual([{ registry: '*', endpoint: world.registry.url, pathPrefix: '' }]);
    expect((await world.folder.airgap(['verify', '--deep'])).status).toBe(0);
    const answer = await fetch(`${world.registry.url}/v2/siderolabs/kubelet/manifests/v1.37.1`, { method: 'HEAD' });
    expect(answer.headers.get('docker-content-digest')).toBe(lock.images[0]?.digest);
  });

  it('gives the same bytes again, and fetches no blob for them', async () => {
    await into('bundle:talos.tar');
    const first = sha256('talos.tar');
    const { mtimeMs } = statSync(world.folder.file('talos.tar'));
    world.asked.length = 0;
    const again = await into('bundle:talos.tar');
    expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('stands already')]);
    expect(world.asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    expect([sha256('talos.tar'), statSync(world.folder.file('talos.tar')).mtimeMs]).toEqual([first, mtimeMs]);
    await into('bundle:other.tar', '--lock', 'other.lock');
    expect(sha256('other.tar')).toBe(first);
    await world.folder.airgap([
      'mirror',
      'other.lock',
      ...world.from(),
      '--to',
      'bundle:again.tar',
      '--lock',
      'again.lock',
    ]);
    expect(sha256('again.tar')).toBe(first);
  });

  it('writes nothing with --dry-run', async () => {
    const ran = await into('bundle:talos.tar', '--dry-run');
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^bundle +one file, /m)]);
    const planned = await world.folder.airgap(['plan', pause, ...world.from(), '--to', 'bundle:talos.tar']);
    expect([planned.status, readdirSync(world.folder.path)]).toEqual([0, []]);
  });

  it('puts the Talos configuration in when the endpoint is known', async () => {
    await into('bundle:talos.tar', '--endpoint', 'http://10.5.0.1:6000', '--talos-version', 'v1.13.9');
    const text = readFileSync(world.folder.file('talos.tar'), 'latin1');
    expect(text).toContain('http://10.5.0.1:6000');
    const loaded = await outOf('bundle:talos.tar');
    expect(loaded.stdout).toContain('the configuration for Talos v1.13.9');
  });

  it('holds no host of this side, but for what the user named', async () => {
    await into('bundle:talos.tar');
    expect(readFileSync(world.folder.file('talos.tar'), 'latin1')).not.toContain(world.upstream.host);
  });

  it('replaces a bundle of other images, and keeps what both have', async () => {
    await into('bundle:talos.tar');
    world.asked.length = 0;
    const less = await world.folder.airgap(['mirror', kubelet, ...world.from(), '--to', 'bundle:talos.tar']);
    expect(less.status).toBe(0);
    expect(world.asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    await outOf('bundle:talos.tar');
    expect((await fetch(`${world.registry.url}/v2/pause/manifests/3.10`)).status).toBe(404);
  });

  it('verifies a bundle as it verifies other ends', async () => {
    await into('bundle:talos.tar');
    const ran = await world.folder.airgap(['verify', '--deep', '--to', 'bundle:talos.tar']);
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringContaining('everything stands')]);
  });

  it('says what is not in a bundle that was written without an image', async () => {
    const ran = await into('bundle:talos.tar', 'registry.k8s.io/absent:1');
    expect(ran.status).toBe(6);
    expect(ran.stdout).toMatch(/^warning: 1 image could not be had and is not in it$/m);
    expect((await outOf('bundle:talos.tar')).status).toBe(0);
  });
});

describe('volumes', () => {
  const volumes = () => readdirSync(world.folder.file('usb')).sort();
  const split = (...more: string[]) => into('bundle:usb/', '--volume-size', '28KiB', ...more);

  it('splits into volumes no larger than asked, and loads them in any order, one at a time', async () => {
    const written = await split();
    expect([written.status, written.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const names = volumes();
    expect(names.length).toBeGreaterThan(2);
    for (const name of names)
      expect(statSync(join(world.folder.file('usb'), name)).size).toBeLessThanOrEqual(28 * 1024);
    for (const name of [...names].reverse()) {
      rmSync(world.folder.file('site'), { recursive: true, force: true });
      mkdirSync(world.folder.file('site'));
      copyFileSync(join(world.folder.file('usb'), name), join(world.folder.file('site'), name));
      const loaded = await outOf('bundle:site/', '--lock', 'site.lock');
      const isLast = name === names[0];
      const awaited = [...loaded.stderr.matchAll(/Cannot complete an image: volumes? ([\d, ]+) of/g)];
      for (const number of awaited.flatMap(([, numbers = '']) => numbers.split(', ').map(Number)))
        expect(number, loaded.stderr).toBeLessThan(names.indexOf(name) + 1);
      expect([isLast ? [0] : [3, 6], loaded.status, loaded.stderr]).toEqual([
        expect.arrayContaining([loaded.status]),
        loaded.status,
        expect.stringMatching(/volumes? [\d, ]+ (?:is|are) not here/),
      ]);
    }
    expect((await world.folder.airgap(['verify', '--deep', '--lock', 'site.lock'])).status).toBe(0);
    expect(existsSync(world.folder.file('site.lock.parts'))).toBe(false);
  });

  it('makes one volume again, bit for bit', async () => {
    await split();
    const names = volumes();
    const sums = names.map((name) => sha256(`usb/${name}`));
    for (const [index, name] of names.entries()) {
      rmSync(world.folder.file('usb'), { recursive: true });
      const ran = await split('--volume', String(index + 1));
      expect([ran.status, volumes()]).toEqual([0, [name]]);
      expect(sha256(`usb/${name}`)).toBe(sums[index]);
    }
  });

  it.each([
    [['--to', 'bundle:x.tar', '--volume-size', '4GiB'], /--volume-size needs a directory/],
    [['--to', 'bundle:x/'], /without --volume-size/],
    [['--to', 'bundle:x/', '--volume-size', 'floppy'], /fat32, dvd, bd25/],
    [['--to', 'bundle:x/', '--volume-size', '1KiB'], /volume/],
    [['--to', 'oci:x', '--volume-size', '4GiB'], /without --to bundle/],
    [['--to', 'oci:x', '--have', 'a'], /without --to bundle/],
    [['--to', 'bundle:x.tar', '--have', 'nowhere.receipt'], /nowhere\.receipt/],
    [['--to', 'bundle:x.tar', '--sign-key', 'nowhere.pem'], /nowhere\.pem/],
    [['--to', 'bundle:x.tar', '--verify-key', 'a.pem'], /without --from bundle/],
  ])('refuses %j with status 2 and writes nothing but whom it asked', async (argv, words) => {
    const ran = await world.folder.airgap(['mirror', pause, ...world.from(), ...argv]);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(words)]);
    const asked = world.asked.length === 0 ? [] : ['airgap.lock.contacts.json'];
    expect(readdirSync(world.folder.path)).toEqual(asked);
  });
});

describe('deltas', () => {
  const newer = 'ghcr.io/siderolabs/kubelet:v1.37.2';
  let upstream: Awaited<ReturnType<typeof serveStore>>;
  const from = () => ['--source-endpoint', `*=${upstream.url}`];

  beforeEach(async () => {
    const store = openMemory();
    const platforms = ['linux/amd64', 'linux/arm64'];
    await seedImage(store, pause, { platforms });
    await seedImage(store, kubelet, { platforms, layers: ['base', 'kubelet {platform}'], layerBytes: 60_000 });
    await seedImage(store, newer, { platforms, layers: ['base', 'newer {platform}'], layerBytes: 60_000 });
    upstream = await serveStore(store);
  });
  afterEach(() => upstream.close());

  it('holds what the receiver lacks and nothing else, by its receipt', async () => {
    const first = await world.folder.airgap([
      'mirror',
      kubelet,
      pause,
      ...from(),
      ...world.to(),
      '--lock',
      'site.lock',
    ]);
    expect(first.status).toBe(0);
    const receipt = await world.folder.airgap(['receipt', ...world.to()]);
    expect(receipt.status).toBe(0);
    world.folder.write('site.receipt', receipt.stdout);
    const images = [kubelet, newer, pause];
    const delta = await world.folder.airgap([
      'mirror',
      ...images,
      ...from(),
      '--to',
      'bundle:delta.tar',
      '--have',
      'site.receipt',
    ]);
    expect([delta.status, delta.stdout]).toEqual([
      0,
      expect.stringMatching(/^left out +\d+ blobs?, .* the receiver has them$/m),
    ]);
    const whole = await world.folder.airgap(['mirror', ...images, ...from(), '--to', 'bundle:whole.tar']);
    expect(whole.status).toBe(0);
    const size = (file: string) => statSync(world.folder.file(file)).size;
    expect(size('delta.tar')).toBeLessThan(size('whole.tar') * 0.6);
    const loaded = await outOf('bundle:delta.tar', '--lock', 'site.lock');
    expect([loaded.status, loaded.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const lock = parseLock(world.folder.read('site.lock'), 'site.lock');
    expect(lock.images).toHaveLength(3);
    expect((await world.folder.airgap(['verify', '--deep', '--lock', 'site.lock'])).status).toBe(0);
  });

  it('names everything that is absent when it meets another receiver, and writes nothing', async () => {
    await world.folder.airgap(['mirror', kubelet, pause, ...from(), ...world.to(), '--lock', 'site.lock']);
    world.folder.write('site.receipt', (await world.folder.airgap(['receipt', ...world.to()])).stdout);
    await world.folder.airgap([
      'mirror',
      kubelet,
      newer,
      pause,
      ...from(),
      '--to',
      'bundle:delta.tar',
      '--have',
      'site.receipt',
    ]);
    const other = await serveStore(openMemory(), {
      writable: true,
      onRequest: (request) => void world.written.push(request),
    });
    world.written.length = 0;
    const ran = await world.folder.airgap([
      'mirror',
      '--from',
      'bundle:delta.tar',
      '--to',
      other.url,
      '--lock',
      'other.lock',
    ]);
    expect([ran.status, existsSync(world.folder.file('other.lock'))]).toEqual([4, false]);
    expect(ran.stderr).toMatch(/blob sha256:[0-9a-f]{64} .* of ghcr\.io\/siderolabs\/kubelet:v1\.37\.2/);
    expect(ran.stderr).toContain(pause);
    expect(ran.stderr).toContain('airgap receipt');
    expect(world.writes()).toEqual([]);
    await other.close();
  });

  it('takes the lock of an earlier bundle for what the receiver has', async () => {
    await world.folder.airgap([
      'mirror',
      kubelet,
      pause,
      ...from(),
      '--to',
      'bundle:first.tar',
      '--lock',
      'first.lock',
    ]);
    await outOf('bundle:first.tar', '--lock', 'site.lock');
    const delta = await world.folder.airgap([
      'mirror',
      kubelet,
      newer,
      pause,
      ...from(),
      '--to',
      'bundle:delta.tar',
      '--have',
      'first.lock',
    ]);
    expect([delta.status, delta.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const loaded = await outOf('bundle:delta.tar', '--lock', 'site.lock');
    expect([loaded.status, loaded.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect((await world.folder.airgap(['verify', '--lock', 'site.lock'])).status).toBe(0);
  });
});

describe('signed bundles', () => {
  it.each(['ed25519', 'ec'] as const)('are taken with the right key alone (%s)', async (kind) => {
    const pair = () =>
      kind === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
    const { privateKey, publicKey } = pair();
    world.folder.write('key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
    world.folder.write('public.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    world.folder.write('wrong.pem', pair().publicKey.export({ type: 'spki', format: 'pem' }));
    expect((await into('bundle:talos.tar', '--sign-key', 'key.pem')).status).toBe(0);
    expect((await outOf('bundle:talos.tar', '--verify-key', 'public.pem')).status).toBe(0);
    const wrong = await outOf('bundle:talos.tar', '--verify-key', 'wrong.pem');
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining('signature')]);
    await into('bundle:plain.tar', '--lock', 'plain.lock');
    world.written.length = 0;
    const unsigned = await outOf('bundle:plain.tar', '--verify-key', 'public.pem');
    expect([unsigned.status, world.writes()]).toEqual([2, []]);
    expect(readFileSync(world.folder.file('talos.tar'), 'latin1')).not.toContain('PRIVATE');
  });
});
