import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { printLock } from '../../../src/lock/print.ts';
import { seedImage } from '../../support/seedImages.ts';
import { kubelet, mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();

const into = (place: string, ...more: string[]) =>
  world.folder.airgap(['mirror', kubelet, pause, ...world.from(), '--to', place, ...more]);

/** Every file and directory below the folder, with what would change if it was written to. */
function everything(): string[] {
  return readdirSync(world.folder.path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(world.folder.path, name));
      return `${name} ${size} ${mtimeMs}`;
    });
}

describe('a dry run or a plan into a bundle', () => {
  it('makes no directory, not even for a moment where another one could see it', async () => {
    const before = statSync(world.folder.path).mtimeMs;
    const ran = await into('bundle:media/usb/', '--volume-size', '1MiB', '--dry-run');
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^bundle +1 volume|^bundle +one file/m)]);
    const plan = ['plan', pause, ...world.from(), '--to', 'bundle:media/usb/', '--volume-size', '1MiB'];
    expect((await world.folder.airgap(plan)).status).toBe(0);
    expect([readdirSync(world.folder.path), statSync(world.folder.path).mtimeMs]).toEqual([[], before]);
  });

  it('touches nothing of what an interrupted run left, whole contents without a word about them included', async () => {
    await into('bundle:talos.tar');
    const plan = JSON.parse(
      (await world.folder.airgap(['plan', pause, ...world.from(), '--to', 'bundle:new.tar', '--json'])).stdout,
    );
    expect(plan.bundle).toMatchObject({ volumes: 1, stoodAlready: false, bytes: expect.any(Number) });
    const failing = await world.folder.airgap([
      'mirror',
      kubelet,
      pause,
      ...world.from(),
      '--to',
      'bundle:new.tar',
      '--timeout',
      '1ms',
    ]);
    expect(failing.status).not.toBe(0);
    const before = everything();
    const dry = await into('bundle:new.tar', '--dry-run', '--json');
    const last = JSON.parse(dry.stdout.trim().split('\n').at(-1) ?? '');
    expect(last.plan.bundle).toMatchObject({ set: expect.stringMatching(/^[0-9a-f]{64}$/), volumes: 1 });
    expect(everything()).toEqual(before);
  });
});

describe('ends of a mirror that are one place', () => {
  it('are refused, by whatever name', async () => {
    await into('bundle:talos.tar');
    const { mtimeMs } = statSync(world.folder.file('talos.tar'));
    symlinkSync('talos.tar', world.folder.file('link.tar'));
    for (const from of ['bundle:talos.tar', 'bundle:./talos.tar', 'bundle:link.tar']) {
      const ran = await world.folder.airgap(['mirror', pause, '--from', from, '--to', 'bundle:talos.tar']);
      expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('Cannot mirror "talos.tar" into itself')]);
    }
    expect(statSync(world.folder.file('talos.tar')).mtimeMs).toBe(mtimeMs);
  });
});

describe('a directory of volumes', () => {
  it('may have what macOS leaves beside files on other file systems', async () => {
    mkdirSync(world.folder.file('usb'));
    writeFileSync(world.folder.file('usb/._airgap-12345678-1of1.tar'), 'AppleDouble');
    const ran = await into('bundle:usb/', '--volume-size', '1MiB');
    expect([ran.status, ran.stderr]).toEqual([0, expect.not.stringContaining('error')]);
  });
});

describe('--include-self without an executable', () => {
  it('is refused before anything is fetched', async () => {
    if (existsSync(join(import.meta.dirname, '../../../build/airgap-linux-x64'))) return;
    world.asked.length = 0;
    const ran = await into('bundle:talos.tar', '--include-self');
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('Cannot include the executable')]);
    expect([world.asked, readdirSync(world.folder.path)]).toEqual([[], []]);
  });
});

describe('the lock after a delta', () => {
  const etcd = 'quay.io/coreos/etcd:v3.6.4';
  const place = ['--prefix-by-registry', '--per-registry'];

  it('has a mirror for every registry, and no word of images that it names all the same', async () => {
    await seedImage(world.upstreamStore, etcd, {});
    const { folder } = world;
    expect((await folder.airgap(['mirror', kubelet, pause, ...world.from(), ...world.to(), ...place])).status).toBe(0);
    await folder.airgap(['receipt', ...world.to(), '--output', 'site.receipt']);
    const made = await into('bundle:delta.tar', etcd, '--have', 'site.receipt', '--lock', 'made.lock');
    expect([made.status, made.stdout]).toEqual([0, expect.stringMatching(/^left out +[0-9]/m)]);
    const planned = await folder.airgap(['plan', '--from', 'bundle:delta.tar', '--to', `${world.registry.url}/other`]);
    expect([planned.status, planned.stderr]).toEqual([
      4,
      expect.stringContaining('it was made for a receiver that has more'),
    ]);
    const verified = await folder.airgap(['verify', '--to', 'bundle:delta.tar', '--lock', 'made.lock']);
    expect([verified.status, verified.stderr]).toEqual([
      2,
      expect.stringContaining('it is a delta, and what it leaves out is at its receiver'),
    ]);
    const loaded = await folder.airgap(['mirror', '--from', 'bundle:delta.tar', ...world.to(), ...place]);
    expect([loaded.status, loaded.stderr]).toEqual([0, expect.not.stringContaining('not asked for now')]);
    const lock = parseLock(folder.read('airgap.lock'), 'airgap.lock');
    expect(folder.read('airgap-talos.yaml')).toContain('ghcr.io');
    const named = await folder.airgap(['mirror', pause, etcd, '--from', 'bundle:delta.tar', ...world.to(), ...place]);
    expect([named.status, named.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    const less = parseLock(folder.read('airgap.lock'), 'airgap.lock');
    expect(less.images.map(({ source }) => source.repository)).toEqual(['coreos/etcd', 'pause']);
    folder.write('airgap.lock', printLock(lock));
    expect(lock.images).toHaveLength(3);
    expect(lock.mirrors.map(({ registry }) => registry)).toEqual(['ghcr.io', 'quay.io', 'registry.k8s.io']);
    expect((await folder.airgap(['verify'])).status).toBe(0);
  });
});

describe('a place that cannot be written to', () => {
  it('is a fault of the target', async () => {
    symlinkSync('/proc/airgap', world.folder.file('nowhere'));
    const ran = await into('bundle:nowhere/talos.tar');
    expect([ran.status, ran.stderr]).toEqual([
      4,
      expect.stringMatching(/^error: Cannot write to bundle ".*nowhere\/talos\.tar": /m),
    ]);
  });
});

describe('the bytes of a bundle', () => {
  it('follow from its images: not from the name or the order of a list, and with their release through a lock', async () => {
    const { folder } = world;
    folder.write('secret-project.txt', `${kubelet}\n${pause}\n`);
    folder.write('again.txt', `# the same\n${pause}\n${kubelet}\n`);
    const sum = async (input: string, ...more: string[]) => {
      const to = ['--to', 'bundle:talos.tar', '--lock', 'made.lock', ...more];
      expect((await folder.airgap(['mirror', input, ...world.from(), ...to])).status).toBe(0);
      const bytes = readFileSync(folder.file('talos.tar'));
      rmSync(folder.file('talos.tar'));
      return { hash: createHash('sha256').update(bytes).digest('hex'), text: bytes.toString('latin1') };
    };
    const first = await sum('secret-project.txt');
    expect(first.text).not.toContain('secret-project');
    expect((await sum('again.txt')).hash).toBe(first.hash);
    folder.write('release.lock', folder.read('made.lock').replaceAll('again.txt:2', 'talos v1.13.9'));
    const released = await sum('release.lock');
    expect(released.text).toContain('"talos": "v1.13.9"');
    expect((await sum('made.lock')).hash).toBe(released.hash);
  });
});

describe('a receipt that cannot be read', () => {
  it('is told before anybody is asked for anything', async () => {
    world.asked.length = 0;
    const ran = await into('bundle:delta.tar', '--have', 'nothere.receipt');
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringContaining('nothere.receipt": no such file')]);
    expect([world.asked, readdirSync(world.folder.path)]).toEqual([[], []]);
  });
});
