/** A delta between real docker-registry instances: made from the receipt of one, loaded into it with the upstream gone. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReceipt, receiptName } from '../../src/lock/receipt.ts';
import { writes } from './support/accessLog.ts';
import { airgap } from './support/airgap.ts';
import { type DockerRegistry, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';

const reason = missing('docker-registry');
const known = 7;

describe.skipIf(reason !== undefined)(titled('a delta between docker-registry instances', reason), () => {
  let folder: string;
  let upstream: DockerRegistry;
  let site: DockerRegistry;
  let images: readonly ListedImage[];
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'airgap-delta-'));
    upstream = await startDockerRegistry();
    site = await startDockerRegistry();
    images = await seedRegistry(upstream, { layerBytes: 1_500_000 });
    await writeFile(file('all.txt'), images.map(({ line }) => `${line}\n`).join(''));
    const first = images.slice(0, known).map(({ line }) => `${line}\n`);
    await writeFile(file('first.txt'), first.join(''));
  });
  afterAll(async () => {
    await Promise.all([upstream.stop(), site.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  async function succeed(...args: readonly string[]): Promise<string> {
    const ran = await airgap(args, { cwd: folder });
    expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
    return ran.stdout;
  }

  const from = () => ['--source-endpoint', `*=${upstream.url}`];
  const to = () => ['--to', `${site.url}/infra`];
  const sumOf = (blobs: ReadonlyMap<string, number>) => [...blobs.values()].reduce((sum, size) => sum + size, 0);

  it('the receipt states exactly what stands', async () => {
    await succeed('mirror', 'first.txt', ...from(), ...to());
    const receipt = parseReceipt(await succeed('receipt', ...to()), 'stdout');
    const there = images.slice(0, known);
    expect(new Set(receipt.repositories.map(receiptName))).toEqual(
      new Set(there.map(({ repository }) => `infra/${repository}`)),
    );
    expect(new Map(receipt.blobs.map(({ digest, size }) => [digest, size]))).toEqual(
      new Map(there.flatMap(({ blobs }) => [...blobs])),
    );
    const manifests = new Set(there.flatMap((image) => [...image.manifests]));
    expect(new Set(receipt.manifests.map(({ digest }) => digest))).toEqual(manifests);
  });

  it('what is new travels, at most 1 % more than its blobs, and loads with the upstream gone', async () => {
    await succeed('receipt', ...to(), '--output', 'site.receipt');
    await succeed(
      'mirror',
      'all.txt',
      ...from(),
      '--to',
      'bundle:delta.tar',
      '--have',
      'site.receipt',
      '--lock',
      'all.lock',
    );
    const have = parseReceipt(await readFile(file('site.receipt'), 'utf8'), 'x');
    const present = new Set<string>(have.blobs.map(({ digest }) => digest));
    const wanted = new Map(images.flatMap(({ blobs }) => [...blobs]));
    const fresh = new Map([...wanted].filter(([digest]) => !present.has(digest)));
    expect(fresh.size).toBeGreaterThan(5);
    expect(fresh.size).toBeLessThan(wanted.size);
    expect((await stat(file('delta.tar'))).size).toBeLessThanOrEqual(sumOf(fresh) * 1.01);
    const checked = JSON.parse(await succeed('check', 'bundle:delta.tar', '--json'));
    const blobs = checked.content.filter(
      ({ what, verdict }: Record<string, string>) => what === 'blob' && verdict === 'ok',
    );
    expect(new Set(blobs.map(({ digest }: { digest: string }) => digest))).toEqual(new Set(fresh.keys()));

    await upstream.kill();
    await site.forget();
    await succeed('mirror', '--from', 'bundle:delta.tar', ...to(), '--lock', 'loaded.lock');
    const sent = writes(await site.log());
    expect(sent.length).toBeGreaterThan(0);
    await succeed('verify', 'all.lock', ...to(), '--deep');
  });

  it('a site without the base is left as it is', async () => {
    const other = await startDockerRegistry();
    try {
      const ran = await airgap(['mirror', '--from', 'bundle:delta.tar', '--to', other.url, '--lock', 'other.lock'], {
        cwd: folder,
      });
      expect(ran.status).toBe(4);
      expect(ran.stderr).toMatch(/it was made for a receiver that has more/);
      expect(writes(await other.log())).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});
