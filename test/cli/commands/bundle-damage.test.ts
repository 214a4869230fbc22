import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseLock } from '../../../src/lock/parse.ts';
import { openTar } from '../../../src/store/bundle/tar-file.ts';
import { seedImage } from '../../support/seedImages.ts';
import { mirrorWorld, pause } from './world.ts';

const world = mirrorWorld();
const big = 'docker.io/library/big:1';

const load = (...more: string[]) => world.folder.airgap(['mirror', '--from', 'bundle:usb/', ...world.to(), ...more]);

/** Names of the volumes, in order. */
let volumes: string[];

beforeEach(async () => {
  await seedImage(world.upstreamStore, big, { layers: ['big'], layerBytes: 300_000, compression: 'none' });
  const into = ['--to', 'bundle:set/', '--volume-size', '120KiB', '--lock', 'made.lock'];
  const made = await world.folder.airgap(['mirror', big, pause, ...world.from(), ...into]);
  expect([made.status, made.stderr]).toEqual([0, expect.any(String)]);
  volumes = readdirSync(world.folder.file('set')).sort();
  expect(volumes).toHaveLength(3);
});

/** Only these volumes are in the drive. */
function insert(...numbers: number[]): void {
  rmSync(world.folder.file('usb'), { recursive: true, force: true });
  mkdirSync(world.folder.file('usb'));
  for (const number of numbers) {
    const name = volumes[number - 1] ?? '';
    copyFileSync(world.folder.file(join('set', name)), world.folder.file(join('usb', name)));
  }
}

/** Flips a byte in the first entry of a volume whose name begins so. */
async function spoil(folder: string, number: number, begin: string): Promise<void> {
  const path = world.folder.file(join(folder, volumes[number - 1] ?? ''));
  const { entries } = await openTar(path);
  const [, place] = [...entries].find(([name]) => name.startsWith(begin)) ?? [];
  expect(place).toBeDefined();
  flip(path, (place?.offset ?? 0) + Math.floor((place?.size ?? 0) / 2));
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

/** Parts that wait, by path. */
function parts(): string[] {
  const directory = world.folder.file('airgap.lock.parts');
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.includes('sha256-')).map((name) => join(directory, name));
}

function spoilPart(): void {
  const [path = ''] = parts();
  flip(path, 10);
}

describe('a part that waits and goes bad', () => {
  it('is taken anew when its volume is there again', async () => {
    insert(1);
    await load();
    const [path = ''] = parts();
    const right = readFileSync(path);
    spoilPart();
    await load();
    expect(readFileSync(path).equals(right)).toBe(true);
  });

  it('is told as what it is, removed, and asked for again by its volume', async () => {
    insert(1);
    await load();
    spoilPart();
    insert(2, 3);
    const told = await load();
    expect([told.status, told.stderr]).toEqual([
      expect.any(Number),
      expect.stringMatching(
        /error: Cannot take content "sha256:[0-9a-f]{64}": what waited of volume 1 as .* is damaged, and was removed/,
      ),
    ]);
    expect(told.status).not.toBe(0);
    expect(told.stderr).toContain('bring volume 1 again');
    insert(1);
    const done = await load();
    expect([done.status, done.stderr]).toEqual([0, expect.not.stringContaining('error')]);
    expect(existsSync(world.folder.file('airgap.lock.parts'))).toBe(false);
    expect(parseLock(world.folder.read('airgap.lock'), 'airgap.lock').images).toHaveLength(2);
  });
});

describe('a damaged volume', () => {
  it('is named while others are missing, and what stands is in the lock all the same', async () => {
    insert(1, 3);
    await spoil('usb', 1, 'airgap/parts/');
    const ran = await load();
    expect([ran.status, ran.stderr]).toEqual([
      5,
      expect.stringContaining(`in volume 1, "${world.folder.file(join('usb', volumes[0] ?? ''))}"`),
    ]);
    expect(ran.stdout).toContain('wrote airgap.lock');
    expect(
      parseLock(world.folder.read('airgap.lock'), 'airgap.lock').images.map(({ source }) => source.repository),
    ).toEqual(['pause']);
  });

  it('is named when everything is there', async () => {
    insert(1, 2, 3);
    await spoil('usb', 2, 'airgap/parts/');
    const ran = await load();
    expect([ran.status, ran.stderr]).toEqual([
      6,
      expect.stringMatching(/in volume 2, ".*2of3\.tar", its bytes from [0-9]+ on have digest/),
    ]);
    insert(1, 2, 3);
    expect((await load()).status).toBe(0);
  });

  it('is found by a check of itself, and by one of the set in every copy of a manifest', async () => {
    insert(1);
    await spoil('usb', 1, 'airgap/parts/');
    const alone = await world.folder.airgap(['check', `bundle:usb/${volumes[0]}`]);
    expect([alone.status, alone.stderr]).toEqual([
      5,
      expect.stringMatching(/^corrupt +blob .*its bytes from 0 on have digest/m),
    ]);
    expect(alone.stderr).toContain(big);
    insert(1, 2, 3);
    expect((await world.folder.airgap(['check', 'bundle:usb/'])).status).toBe(0);
    await spoil('usb', 2, 'blobs/sha256/');
    const set = await world.folder.airgap(['check', 'bundle:usb/']);
    expect([set.status, set.stderr]).toEqual([
      5,
      expect.stringMatching(/^corrupt +manifest .*2of3\.tar" its bytes have digest/m),
    ]);
  });
});

describe('images that wait for volumes', () => {
  it('are told as waiting to programs too, and their parts outlast a load of other images', async () => {
    insert(1, 3);
    const ran = await load('--json');
    const last = JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
    const states = last.images.map(({ source, status }: { source: string; status: string }) => [
      source.split('@')[0],
      status,
    ]);
    expect(states).toEqual([
      [big, 'waiting'],
      [pause, 'complete'],
    ]);
    const before = parts();
    expect(before.length).toBeGreaterThan(0);
    expect((await world.folder.airgap(['mirror', pause, '--from', 'bundle:usb/', ...world.to()])).status).toBe(0);
    expect(parts()).toEqual(before);
    insert(2);
    expect((await load()).status).toBe(0);
  });

  it('do not hide an image that is really not there', async () => {
    insert(1);
    const ran = await world.folder.airgap(['mirror', big, 'quay.io/no/such:1', '--from', 'bundle:usb/', ...world.to()]);
    expect(ran.stderr).toContain('quay.io/no/such:1');
    expect(ran.stderr).toContain('it is not in bundle');
  });
});

describe('--verify-key', () => {
  it('hears of a changed byte in the last layer before anything is written', async () => {
    const keys = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    world.folder.write('key.pem', keys.privateKey);
    world.folder.write('key.pub', keys.publicKey);
    const signed = ['--to', 'bundle:one.tar', '--sign-key', 'key.pem', '--lock', 'made.lock'];
    expect((await world.folder.airgap(['mirror', big, pause, ...world.from(), ...signed])).status).toBe(0);
    const file = world.folder.file('one.tar');
    const last = [...(await openTar(file)).entries.values()].at(-1);
    flip(file, last?.offset ?? 0);
    const ran = await world.folder.airgap([
      'mirror',
      '--from',
      'bundle:one.tar',
      ...world.to(),
      '--verify-key',
      'key.pub',
    ]);
    expect([ran.status, ran.stderr]).toEqual([
      5,
      expect.stringMatching(/it is not as it was signed: 1 part is missing or changed\n +blob sha256:/),
    ]);
    expect(world.writes()).toEqual([]);
    const unasked = await world.folder.airgap(['mirror', '--from', 'bundle:one.tar', ...world.to()]);
    expect([unasked.status, unasked.stderr]).toEqual([6, expect.stringContaining('have digest')]);
  });
});
