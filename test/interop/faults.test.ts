/** A real registry that dies in the middle, and a program that does: nothing half-made is visible, and the next run completes. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { blobReads } from './support/accessLog.ts';
import { airgap, airgapProgram } from './support/airgap.ts';
import { type DockerRegistry, startDockerRegistry } from './support/dockerRegistry.ts';
import { missing, titled } from './support/programs.ts';
import { type ListedImage, seedRegistry } from './support/seededRegistry.ts';
import { manifestDigests } from './support/skopeo.ts';

const reason = missing('docker-registry', 'skopeo');

describe.skipIf(reason !== undefined)(titled('airgap mirror when something dies', reason), () => {
  let source: DockerRegistry;
  let target: DockerRegistry;
  let images: ListedImage[];
  let folder: string;
  const args = () => ['mirror', 'images.txt', '--to', target.url, '--source-endpoint', `*=${source.url}`];

  beforeAll(async () => {
    source = await startDockerRegistry();
    images = await seedRegistry(source, { layerBytes: 4_000_000 });
  });
  afterAll(() => source?.stop());
  beforeEach(async () => {
    target = await startDockerRegistry();
    folder = await mkdtemp(join(tmpdir(), 'airgap-faults-'));
    await writeFile(join(folder, 'images.txt'), images.map(({ line }) => `${line}\n`).join(''));
    await source.forget();
  });
  afterEach(async () => {
    await target.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Waits until the target has taken some blobs. */
  async function untilHalfDone(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const taken = (await target.log()).filter(({ method, status }) => method === 'PUT' && status === 201);
      if (taken.length >= 10) return;
      await wait(20);
    }
    throw new Error('the target took nothing');
  }

  /** Each tag that is there has everything it reaches. */
  async function expectNothingHalfMade(): Promise<void> {
    for (const { repository, tags } of images) {
      for (const [tag, digest] of tags) {
        const head = await fetch(`${target.url}/v2/${repository}/manifests/${tag}`, { headers: { accept: '*/*' } });
        if (head.status === 404) continue;
        expect((await manifestDigests(`${target.host}/${repository}`, tag))[0]).toBe(digest);
      }
    }
  }

  async function expectNextRunCompletes(): Promise<void> {
    const next = await airgap(args(), { cwd: folder });
    expect(next, next.stdout + next.stderr).toMatchObject({ status: 0 });
    expect(await airgap(['verify', '--deep'], { cwd: folder })).toMatchObject({ status: 0 });
  }

  it('the target is killed and comes back: the run goes on or says so, and the next one completes', async () => {
    const running = airgap(args(), { cwd: folder });
    await untilHalfDone();
    await target.kill();
    await wait(300);
    await target.restart();
    const result = await running;
    expect([0, 4, 6], result.stderr).toContain(result.status);
    await expectNothingHalfMade();
    await expectNextRunCompletes();
  });

  it('the program is killed: what arrived is not fetched again', async () => {
    const child = spawn(process.execPath, [airgapProgram, ...args(), '--quiet'], { cwd: folder, stdio: 'ignore' });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    await untilHalfDone();
    child.kill('SIGKILL');
    await gone;
    await expectNothingHalfMade();
    const placed = (await target.log()).flatMap(({ method, path, status }) => {
      const digest = /[?&]digest=(sha256:[0-9a-f]{64})/.exec(path)?.[1];
      return method === 'PUT' && status === 201 && digest !== undefined ? [digest] : [];
    });
    await source.forget();
    await expectNextRunCompletes();
    const again = blobReads(await source.log());
    expect(placed.filter((digest) => again.has(digest))).toEqual([]);
  });
});
