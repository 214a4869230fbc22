import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { collectGarbage } from '../../../src/store/layout/gc.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { randomBytes } from '../../support/layers.ts';

/** Kills in one run. Half of them hit pushes one after another, half of them several at once and removals. */
const rounds = 20;

let folder: string;
let program: string;

/** Built once: starting it must take less time than what it is killed in. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-killed-'));
  program = join(folder, 'server.mjs');
  const entry = fileURLToPath(new URL('./killed-server.ts', import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Child {
  readonly line: string;
  kill(): Promise<void>;
}

async function start(directory: string, task: 'serve' | 'gc'): Promise<Child> {
  const child: ChildProcess = spawn(process.execPath, [program, directory, task], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (text) => resolve(String(text).trim()));
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it said anything`)));
  });
  return {
    line,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** What was acknowledged, and what was asked for without an answer. */
interface Ledger {
  readonly tags: Map<string, Digest>;
  readonly removed: Set<string>;
  /** Tags whose last request got no answer: either state is right. */
  readonly open: Set<string>;
}

async function push(url: string, tag: string, ledger: Ledger): Promise<void> {
  const layer = randomBytes(`layer ${tag}`, 200_000);
  const upload = await (await ask(`${url}/v2/a/b/blobs/uploads/`, { method: 'POST' }, 202)).headers.get('location');
  for (let at = 0; at < 150_000; at += 50_000) {
    const body = layer.subarray(at, at + 50_000) as Uint8Array<ArrayBuffer>;
    await ask(`${url}${upload}`, { method: 'PATCH', body }, 202);
  }
  const rest = layer.subarray(150_000) as Uint8Array<ArrayBuffer>;
  await ask(`${url}${upload}?digest=${digestOf(layer)}`, { method: 'PUT', body: rest }, 201);
  const config = Buffer.from(JSON.stringify({ tag }));
  const query = `?digest=${digestOf(config)}`;
  await ask(`${url}/v2/a/b/blobs/uploads/${query}`, { method: 'POST', body: config }, 201);
  const document = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: mediaTypes.ociLayerGzip, digest: digestOf(layer), size: layer.length }],
  });
  ledger.open.add(tag);
  const headers = { 'content-type': mediaTypes.ociManifest };
  await ask(`${url}/v2/a/b/manifests/${tag}`, { method: 'PUT', body: document, headers }, 201);
  ledger.tags.set(tag, digestOf(Buffer.from(document)));
  ledger.open.delete(tag);
}

async function remove(url: string, tag: string, ledger: Ledger): Promise<void> {
  ledger.open.add(tag);
  ledger.tags.delete(tag);
  await ask(`${url}/v2/a/b/manifests/${tag}`, { method: 'DELETE' }, 202);
  ledger.removed.add(tag);
  ledger.open.delete(tag);
}

async function ask(url: string, init: RequestInit, status: number): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.status !== status) throw new Error(`${init.method} ${url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** Everything that can be seen is whole, and everything acknowledged can be seen. */
async function check(directory: string, ledger: Ledger): Promise<void> {
  for (const hex of await readdir(join(directory, 'blobs', 'sha256'))) {
    expect(digestOf(await readFile(join(directory, 'blobs', 'sha256', hex)))).toBe(`sha256:${hex}`);
  }
  const layout = await openLayout(directory);
  const repository = layout.repository({ registry: 'localhost', repository: 'a/b' });
  const tags: string[] = [];
  if (ledger.tags.size > 0) for await (const tag of repository.tags?.() ?? []) tags.push(tag);
  for (const [tag, digest] of ledger.tags) {
    const { descriptor, bytes } = await repository.manifest(parseTag(tag));
    expect(descriptor.digest, tag).toBe(digest);
    const { layers, config } = JSON.parse(Buffer.from(bytes).toString());
    for (const blob of [...layers, config]) expect(await repository.exists(blob), `${tag} ${blob.digest}`).toBe(true);
  }
  for (const tag of tags) expect(ledger.tags.has(tag) || ledger.open.has(tag), tag).toBe(true);
  expect((await readdir(join(directory, '.airgap-partial'))).filter((name) => name !== 'lock')).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/^upload-/)]),
  );
  await layout.close();
}

describe('a server that is killed while it is written to', () => {
  it(`loses nothing it acknowledged and shows nothing half done, ${rounds} times`, async () => {
    const directory = join(folder, 'layout');
    const ledger: Ledger = { tags: new Map(), removed: new Set(), open: new Set() };
    let cut = 0;
    for (let round = 0; round < rounds; round += 1) {
      const server = await start(directory, 'serve');
      // The moment comes from the round, so that every run kills at the same ones.
      const moment = randomBytes(`moment ${round}`, 1)[0] ?? 0;
      const busy = round % 2 === 0 ? [0] : [0, 1, 2];
      const work = busy.map(async (lane) => {
        for (let count = 0; ; count += 1) {
          await push(server.line, `r${round}-${lane}-${count}`, ledger);
          if (round % 4 === 3 && count % 2 === 1) await remove(server.line, `r${round}-${lane}-${count - 1}`, ledger);
        }
      });
      const ended = Promise.allSettled(work);
      await wait(moment);
      await server.kill();
      const broken = (await ended).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
      for (const { reason } of broken) expect(String(reason)).toMatch(/fetch failed|terminated|other side closed/);
      cut += broken.length;
      await check(directory, ledger);
    }
    expect(cut).toBeGreaterThanOrEqual(rounds);
    expect(ledger.tags.size).toBeGreaterThan(0);
    await collectGarbage(directory, { untagged: true, remove: true });
    await check(directory, ledger);
    expect(existsSync(join(directory, '.airgap-partial'))).toBe(false);
  }, 60_000);
});

describe('a collection of garbage that is killed', () => {
  it('leaves every name whole, and the next one finishes', async () => {
    const directory = join(folder, 'swept');
    const ledger: Ledger = { tags: new Map(), removed: new Set(), open: new Set() };
    for (let round = 0; round < 4; round += 1) {
      const server = await start(directory, 'serve');
      for (let count = 0; count < 8; count += 1) {
        await push(server.line, `r${round}-${count}`, ledger);
        if (count > 0) await remove(server.line, `r${round}-${count}`, ledger);
      }
      await server.kill();
      const collector = await start(directory, 'gc');
      await wait((randomBytes(`gc ${round}`, 1)[0] ?? 0) / 8);
      await collector.kill();
      await check(directory, ledger);
    }
    const { items } = await collectGarbage(directory, { untagged: true, remove: true });
    expect(items.every(({ kind }) => kind !== 'leftover')).toBe(true);
    await check(directory, ledger);
    expect((await collectGarbage(directory, { untagged: true })).items).toEqual([]);
    expect(await readdir(join(directory, 'blobs', 'sha256'))).toHaveLength(4 * 3);
  }, 60_000);
});
