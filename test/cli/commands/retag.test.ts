/** An image at another place than the rule says: in lists, arguments, locks, layouts and bundles. */
import { readFileSync, rmSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { printAsked } from '../../../src/oci/retag.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const place = `${kubelet} => site/node:blue`;

beforeEach(() => world.folder.write('images.txt', `${pause}\n${place}   # our own name\n`));

const mirror = (...more: string[]) => world.folder.airgap(['mirror', ...more]);
const digestAt = async (path: string): Promise<string | null> =>
  (await fetch(`${world.registry.url}/v2/${path}`, { method: 'HEAD' })).headers.get('docker-content-digest');
const lockImages = (name = 'airgap.lock') => parseLock(world.folder.read(name), name).images;

describe('airgap mirror with a retag', () => {
  it('puts the image there with its signatures, under no other name, and writes it into the lock', async () => {
    const ran = await mirror('images.txt', ...world.from(), ...world.to());
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(ran.stdout).toContain(`${kubelet} => site/node:blue`);
    const locked = lockImages().find(({ retag }) => retag !== undefined);
    expect(locked?.retag).toEqual({ repository: 'site/node', tag: 'blue' });
    expect(locked?.tags.map(({ tag, role }) => `${role} ${tag}`)).toEqual([
      'image blue',
      expect.stringMatching(/^signature sha256-/),
    ]);
    expect(await digestAt('site/node/manifests/blue')).toBe(locked?.digest);
    expect(await digestAt(`site/node/manifests/${locked?.tags[1]?.tag}`)).toMatch(/^sha256:/);
    expect(await digestAt('siderolabs/kubelet/manifests/v1.37.1')).toBeNull();
    expect(await digestAt('pause/manifests/3.10')).toMatch(/^sha256:/);
  });

  it('stands below the prefix of the target, whatever the naming', async () => {
    await mirror(place, ...world.from(), '--to', `${world.registry.url}/infra`, '--prefix-by-registry');
    expect(await digestAt('infra/site/node/manifests/blue')).toMatch(/^sha256:/);
    expect((await world.folder.airgap(['verify'])).status).toBe(0);
  });

  it('is found there again, beside images that are kept apart by registry, when their lock is read from that mirror', async () => {
    const infra = `${world.registry.url}/infra`;
    await mirror('images.txt', ...world.from(), '--to', infra, '--prefix-by-registry');
    const ran = await mirror('airgap.lock', '--from', infra, '--to', 'oci:second', '--lock', 'second.lock');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const told = (name: string) => lockImages(name).map(({ digest, signatures }) => [digest, signatures]);
    expect(told('second.lock')).toEqual(told('airgap.lock'));
  });

  it('copies nothing the second time, neither from the list nor from the lock', async () => {
    await mirror('images.txt', ...world.from(), ...world.to());
    const first = world.folder.read('airgap.lock');
    for (const input of ['images.txt', 'airgap.lock']) {
      world.written.length = 0;
      world.asked.length = 0;
      const again = await mirror(input, ...world.from(), ...world.to());
      expect([again.status, again.stdout]).toEqual([0, expect.stringContaining('nothing: everything')]);
      expect(world.writes()).toEqual([]);
      expect(world.asked.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
    }
    const [before, after] = [parseLock(first, 'a'), parseLock(world.folder.read('airgap.lock'), 'b')];
    const places = (lock: typeof before) => lock.images.map(({ target, retag, tags }) => ({ target, retag, tags }));
    expect(places(after)).toEqual(places(before));
    expect(after.images.map(({ source, digest }) => source.digest === digest)).toEqual([true, true]);
  });

  it('puts one image at both places when it is asked for both ways', async () => {
    const ran = await mirror(kubelet, place, ...world.from(), ...world.to());
    expect(ran.status).toBe(0);
    expect(await digestAt('siderolabs/kubelet/manifests/v1.37.1')).toBe(await digestAt('site/node/manifests/blue'));
    expect(lockImages().map(({ source: reference, retag }) => printAsked({ reference, retag }))).toEqual([
      kubelet,
      place,
    ]);
    expect((await world.folder.airgap(['verify'])).stdout).toContain('2 images');
    const again = await mirror(kubelet, place, ...world.from(), ...world.to());
    expect(again.stdout).toContain('all unchanged');
  });

  it('refuses two sources at one place before anything is written', async () => {
    const ran = await mirror(`${pause} => site/node:blue`, place, ...world.from(), ...world.to());
    expect([ran.status, ran.stderr]).toEqual([
      2,
      expect.stringContaining('/site/node:blue: ghcr.io/siderolabs/kubelet:v1.37.1 => site/node:blue (argument'),
    ]);
    expect(ran.stderr).not.toContain('--prefix-by-registry');
    expect(world.writes()).toEqual([]);
  });

  it('names bad places with file and line', async () => {
    world.folder.write('bad.txt', `${pause} => 10.5.0.1:6000/pause\n${pause} => Pause:1\n`);
    const ran = await mirror('bad.txt', ...world.from(), ...world.to());
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain('bad.txt:1: "10.5.0.1:6000/pause": a host with a port stands in it');
    expect(ran.stderr).toContain('bad.txt:2: "Pause:1": what stands before the tag is no repository');
  });

  it('writes what failed with its place, so that the list can be given again', async () => {
    const ran = await mirror(
      'ghcr.io/none:1 => site/none:1',
      pause,
      ...world.from(),
      ...world.to(),
      '--failed-list',
      'failed.txt',
    );
    expect(ran.status).toBe(6);
    expect(world.folder.read('failed.txt')).toContain('\nghcr.io/none:1 => site/none:1\n');
  });
});

describe('airgap plan and emit with a retag', () => {
  it('plan shows it, in JSON as well', async () => {
    const ran = await world.folder.airgap(['plan', 'images.txt', ...world.from(), ...world.to()]);
    expect(ran.stdout).toContain(place);
    const json = await world.folder.airgap(['plan', 'images.txt', ...world.from(), ...world.to(), '--json']);
    expect(JSON.parse(json.stdout).images).toContainEqual(
      expect.objectContaining({
        source: kubelet,
        retag: 'site/node:blue',
        target: expect.stringMatching(/\/site\/node:blue$/),
      }),
    );
  });
});

describe('airgap verify with a retag', () => {
  it('looks at the place itself, by lock and by list, and names the repair', async () => {
    await mirror('images.txt', ...world.from(), ...world.to());
    for (const input of [[], ['images.txt', ...world.to()], [place, ...world.to()]])
      expect((await world.folder.airgap(['verify', ...input])).status).toBe(0);
    expect((await world.folder.airgap(['verify'])).stdout).not.toContain('site/node');
    await fetch(`${world.registry.url}/v2/site/node/manifests/blue`, { method: 'DELETE' });
    for (const input of [[], ['images.txt', ...world.to()]]) {
      const ran = await world.folder.airgap(['verify', ...input]);
      expect([ran.status, ran.stderr]).toEqual([5, expect.stringContaining('tag "blue"')]);
      expect(ran.stderr).toContain(`airgap mirror '${kubelet}`);
      expect(ran.stderr).toContain(`=> site/node:blue' --to`);
    }
  });

  it('looks for the images of a lock at another target with --to', async () => {
    await mirror('images.txt', ...world.from(), '--to', 'oci:away', '--lock', 'away.lock');
    await mirror('images.txt', ...world.from(), ...world.to());
    expect((await world.folder.airgap(['verify', 'away.lock', ...world.to()])).status).toBe(0);
  });
});

describe('a directory and a bundle with a retag', () => {
  it.each([
    ['oci:away', ['airgap.lock', '--from', 'oci:away']],
    ['bundle:away.tar', ['--from', 'bundle:away.tar']],
    ['bundle:away.tar', [place, '--from', 'bundle:away.tar']],
  ])('%s has it at its place, and it comes out there again', async (away, out) => {
    const into = await mirror('images.txt', ...world.from(), '--to', away);
    expect([into.status, into.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const again = await mirror('images.txt', ...world.from(), '--to', away);
    expect(again.stdout).toMatch(/all unchanged|stands already/);
    const verified = await world.folder.airgap(['verify', '--to', away]);
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    expect((await world.folder.airgap(['check', away])).status).toBe(0);
    world.asked.length = 0;
    const loaded = await mirror(...out, ...world.to(), '--lock', 'site.lock');
    expect([loaded.status, loaded.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(world.asked).toEqual([]);
    const locked = lockImages('site.lock').find(({ retag }) => retag !== undefined);
    expect(locked?.retag).toEqual({ repository: 'site/node', tag: 'blue' });
    expect(locked?.tags).toHaveLength(2);
    expect(await digestAt('site/node/manifests/blue')).toBe(locked?.digest);
    expect(await digestAt('siderolabs/kubelet/manifests/v1.37.1')).toBeNull();
  });

  it('a lock of another registry brings it from there', async () => {
    await mirror('images.txt', ...world.from(), '--to', 'oci:away');
    const first = readFileSync(world.folder.file('airgap.lock'), 'utf8');
    expect(first).toContain('"retag": "site/node:blue"');
    await mirror('images.txt', ...world.from(), ...world.to());
    rmSync(world.folder.file('away'), { recursive: true });
    world.asked.length = 0;
    const back = await mirror('airgap.lock', '--from', world.registry.url, '--to', 'oci:away', '--lock', 'back.lock');
    expect([back.status, back.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(world.asked).toEqual([]);
    expect(lockImages('back.lock').map(({ retag }) => retag?.repository)).toEqual(['site/node', undefined]);
  });
});
