/** The program killed with SIGKILL at random moments, twenty times each, while it writes a bundle and while it loads one: the next run completes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import { seedSet } from '../support/seedSet.ts';
import { chanceOf } from './chance.ts';
import { type SlowUpstream, startSlowUpstream } from './slow-upstream.ts';

const program = fileURLToPath(new URL('../../dist/bin/airgap.js', import.meta.url));
const kills = 20;
const names = [
  'ghcr.io/siderolabs/kubelet:v1.37.1',
  'ghcr.io/siderolabs/installer:v1.14.4',
  'registry.k8s.io/kube-apiserver:v1.37.1',
  'docker.io/library/nginx:1.27',
];

let folder: string;
let source: Target;
let upstream: SlowUpstream;

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('The program is not built: npm run build');
  folder = await mkdtemp(join(tmpdir(), 'airgap-killed-'));
  source = openMemory();
  await seedSet(source, { layerBytes: 600_000 });
  upstream = await startSlowUpstream(source, { registry: 'ghcr.io', bytesPerSecond: 30_000_000 });
});
afterAll(async () => {
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
});

function airgap(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  const child = spawn(process.execPath, [program, ...args, '--quiet'], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

async function completes(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  expect(await airgap(args).ended).toBe(0);
  return performance.now() - startedAt;
}

/** Kills the command after each of `kills` delays within the time a whole run takes; tells how many were still running. */
async function killOften(
  args: readonly string[],
  options: { readonly wholeMs: number; readonly seed: number; readonly afterEach: () => Promise<void> },
): Promise<number> {
  const chance = chanceOf(options.seed);
  let killed = 0;
  for (let round = 0; round < kills; round += 1) {
    const { child, ended } = airgap(args);
    await delay(60 + chance.below(Math.round(options.wholeMs)));
    child.kill('SIGKILL');
    if ((await ended) === null) killed += 1;
    await options.afterEach();
  }
  return killed;
}

async function sha256(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

const write = (place: string, lock: string) => [
  'mirror',
  ...names,
  '--source-endpoint',
  `*=${upstream.url}`,
  '--to',
  place,
  '--lock',
  lock,
];

describe('a program that is killed twenty times', () => {
  it('leaves no file under the bundle’s name until it is whole, and the last run gives the same bytes', async () => {
    const wholeMs = await completes(write('bundle:whole.tar', 'whole.lock'));
    const expected = await sha256(join(folder, 'whole.tar'));
    const killed = await killOften(write('bundle:killed.tar', 'killed.lock'), {
      wholeMs,
      seed: 11,
      afterEach: async () => {
        const stands = existsSync(join(folder, 'killed.tar'));
        if (stands) expect(await sha256(join(folder, 'killed.tar'))).toBe(expected);
        if (stands) await rm(join(folder, 'killed.tar'));
      },
    });
    expect(killed).toBeGreaterThan(kills / 2);
    await completes(write('bundle:killed.tar', 'killed.lock'));
    expect(await sha256(join(folder, 'killed.tar'))).toBe(expected);
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  }, 120_000);

  it('writes volumes that are all there or not at all', async () => {
    const volumes = (place: string) => [...write(`bundle:${place}/`, `${place}.lock`), '--volume-size', '3MB'];
    const wholeMs = await completes(volumes('set'));
    const finished = (await readdir(join(folder, 'set'))).filter((name) => name.endsWith('.tar')).sort();
    expect(finished.length).toBeGreaterThan(2);
    await killOften(volumes('cut'), {
      wholeMs,
      seed: 12,
      afterEach: async () => {
        await mkdir(join(folder, 'cut'), { recursive: true });
        for (const name of (await readdir(join(folder, 'cut'))).filter((file) => file.endsWith('.tar')))
          expect(await sha256(join(folder, 'cut', name))).toBe(await sha256(join(folder, 'set', name)));
      },
    });
    await completes(volumes('cut'));
    for (const name of finished)
      expect(await sha256(join(folder, 'cut', name))).toBe(await sha256(join(folder, 'set', name)));
    expect((await readdir(join(folder, 'cut'))).sort()).toEqual(finished);
  }, 120_000);

  it.each(['registry', 'layout'] as const)(
    'loads a bundle into a %s in the end, and shows no half image',
    async (kind) => {
      await completes(write(`bundle:load-${kind}.tar`, `load-${kind}-source.lock`));
      const store = kind === 'registry' ? openMemory() : undefined;
      const server: RunningServer | undefined =
        store === undefined ? undefined : await serveStore(store, { writable: true, registry: 'target', graceMs: 100 });
      const place = server?.url ?? 'oci:loaded';
      const load = ['mirror', '--from', `bundle:load-${kind}.tar`, '--to', place, '--lock', `load-${kind}.lock`];
      const verify = ['verify', '--deep', '--lock', `load-${kind}.lock`];
      try {
        const killed = await killOften(load, {
          wholeMs: 500,
          seed: 13,
          afterEach: async () => {
            if (store !== undefined) await expectNoHalfImage(store);
            else if (existsSync(join(folder, 'loaded', 'oci-layout'))) {
              const layout = await openLayout(join(folder, 'loaded'), { readOnly: true });
              await expectNoHalfImage(layout).finally(() => layout.close());
            }
          },
        });
        expect(killed).toBeGreaterThan(0);
        await completes(load);
        await completes(kind === 'registry' ? verify : [...verify, '--to', place]);
      } finally {
        await server?.close();
      }
    },
    120_000,
  );
});

/** Whatever a tag names is there with everything it reaches. */
async function expectNoHalfImage(store: Target): Promise<void> {
  for await (const name of store.catalog?.() ?? []) {
    const repository = store.repository(name);
    for await (const tag of repository.tags?.() ?? []) {
      const waiting = [(await repository.resolve(tag)).digest];
      for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
        const document: {
          manifests?: { digest: typeof digest }[];
          config?: { digest: typeof digest };
          layers?: { digest: typeof digest }[];
        } = JSON.parse(Buffer.from((await repository.manifest(digest)).bytes).toString());
        waiting.push(...(document.manifests ?? []).map((child) => child.digest));
        const blobs = [...(document.config === undefined ? [] : [document.config]), ...(document.layers ?? [])];
        for (const blob of blobs)
          expect(await repository.blobSize?.(blob.digest), `${tag} ${blob.digest}`).toBeDefined();
      }
    }
  }
}
