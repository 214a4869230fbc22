import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { serveStore } from '../../../src/serve/open.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { mirrorWorld } from './world.ts';

const world = mirrorWorld();
const platforms = ['linux/amd64', 'linux/arm64'];
const old = 'ghcr.io/siderolabs/installer:v1.14.3';
const next = 'ghcr.io/siderolabs/installer:v1.14.4';
const moved = 'registry.k8s.io/etcd:v3.6.4';

async function airgap(...argv: readonly string[]) {
  const ran = await world.folder.airgap(argv);
  expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
  return ran;
}

/** An older and a newer release that share a layer; `moved` shares it from another repository. */
async function seedReleases(): Promise<void> {
  const options = { platforms, layerBytes: 300_000, compression: 'none' as const };
  await seedImage(world.upstreamStore, old, { ...options, layers: ['shared {platform}', 'old {platform}'] });
  await seedImage(world.upstreamStore, next, { ...options, layers: ['shared {platform}', 'next {platform}'] });
  await seedImage(world.upstreamStore, moved, { ...options, layers: ['shared {platform}'] });
}

/** `delta.tar` for a site that has the older release. Gives what the run printed. */
async function makeDelta(...have: readonly string[]): Promise<string> {
  await seedReleases();
  await airgap('mirror', old, ...world.from(), ...world.to());
  await airgap('receipt', ...world.to(), '--output', 'site.receipt');
  const to = ['--to', 'bundle:delta.tar', '--lock', 'next.lock'];
  return (await airgap('mirror', old, next, moved, ...world.from(), ...to, ...have)).stdout;
}

describe('a delta', () => {
  it.each([
    ['a receipt', ['--have', 'site.receipt']],
    ['the lock of what was loaded before', ['--have', 'airgap.lock']],
  ])('made with %s holds what is new, and completes the site it was made for', async (_, have) => {
    const made = await makeDelta(...have);
    const check = JSON.parse((await airgap('check', 'delta.tar', '--json')).stdout);
    const travelled = check.content.filter(({ verdict }: { verdict: string }) => verdict === 'ok');
    const blobs = travelled.filter(({ what }: { what: string }) => what === 'blob');
    expect(blobs.filter(({ size }: { size: number }) => size > 100_000)).toHaveLength(2);
    expect(check.expected).toEqual([old]);
    const sum = blobs.reduce((bytes: number, { size }: { size: number }) => bytes + size, 0);
    expect(statSync(world.folder.file('delta.tar')).size).toBeLessThan(sum + 60_000);
    expect(made).toMatch(/saved|left out|receiver has/i);

    const loaded = await airgap('mirror', '--from', 'bundle:delta.tar', ...world.to(), '--lock', 'loaded.lock');
    expect(loaded.stdout).toMatch(/mounted|to mount/);
    const mounts = world.written.filter(({ method, path }) => method === 'POST' && path.includes('mount='));
    expect(mounts.length).toBeGreaterThan(0);
    await airgap('verify', next, moved, old, ...world.to(), '--deep');
  });

  it('is refused by a site that lacks its base, with one complete list, before anything is written', async () => {
    await makeDelta('--have', 'site.receipt');
    const writes: string[] = [];
    const other = await serveStore(openMemory(), {
      writable: true,
      onRequest: ({ method, path }) => void (method === 'GET' || method === 'HEAD' || writes.push(`${method} ${path}`)),
    });
    try {
      const ran = await world.folder.airgap([
        'mirror',
        '--from',
        'bundle:delta.tar',
        '--to',
        other.url,
        '--lock',
        'other.lock',
      ]);
      expect(ran.status).toBe(4);
      expect(ran.stderr.match(/blob sha256:[0-9a-f]{64} \(301\.\d kB\) of /g)).toHaveLength(2);
      expect(ran.stderr).toContain(next);
      expect(ran.stderr).toContain(moved);
      expect(ran.stderr).toContain(old);
      expect(writes).toEqual([]);
    } finally {
      await other.close();
    }
  });
});
