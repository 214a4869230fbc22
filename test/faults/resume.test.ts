/** A process that dies in the middle of a large layer, and the next one: the program itself, killed with SIGKILL. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseReference } from '../../src/oci/reference.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import { verifiedContent } from '../../src/store/verified.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedImage } from '../support/seedImages.ts';
import { type SlowUpstream, startSlowUpstream } from './slow-upstream.ts';

const program = fileURLToPath(new URL('../../dist/bin/airgap.js', import.meta.url));
const mebibyte = 1024 * 1024;

interface Subject {
  readonly reference: string;
  readonly layerBytes: number;
}

/** For what is measured. */
const large: Subject = { reference: 'ghcr.io/team/large:1', layerBytes: 96 * mebibyte };
/** Just large enough to be sent in parts, for what must only come out right. */
const medium: Subject = { reference: 'ghcr.io/team/medium:1', layerBytes: 40 * mebibyte };

const images = new Map<Subject, SeededImage>();
let upstream: SlowUpstream;
let folder: string;

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('The program is not built: npm run build');
  const source = openMemory();
  for (const subject of [large, medium]) {
    const { reference, layerBytes } = subject;
    images.set(subject, await seedImage(source, reference, { layerBytes, compression: 'none' }));
  }
  upstream = await startSlowUpstream(source, { registry: 'ghcr.io', bytesPerSecond: 60_000_000 });
});

afterAll(() => upstream.close());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-resume-'));
  upstream.forget();
  return () => rm(folder, { recursive: true, force: true });
});

function start(subject: Subject, to: string): { readonly child: ChildProcess; readonly ended: Promise<number | null> } {
  const child = spawn(
    process.execPath,
    [program, 'mirror', subject.reference, '--source-endpoint', `ghcr.io=${upstream.url}`, '--to', to, '--quiet'],
    { cwd: folder, env: { PATH: process.env.PATH ?? '', HOME: folder }, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return { child, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

async function killAt(share: number, subject: Subject, to: string): Promise<void> {
  const { child, ended } = start(subject, to);
  await upstream.until(share * subject.layerBytes);
  child.kill('SIGKILL');
  expect(await ended).toBeNull();
}

async function finish(subject: Subject, to: string): Promise<number> {
  upstream.forget();
  expect(await start(subject, to).ended).toBe(0);
  return upstream.crossed;
}

/** The image stands in the target's repository of the same path, every byte of it. */
async function expectWhole(subject: Subject, target: Target, registry: string): Promise<void> {
  const image = images.get(subject);
  const { tag, repository } = parseReference(subject.reference);
  if (tag === undefined || image === undefined) throw new Error('there is no such image');
  const store = target.repository({ registry, repository });
  expect((await store.resolve(tag)).digest).toBe(image.root.digest);
  for (const blob of image.blobs) {
    let bytes = 0;
    for await (const chunk of verifiedContent(blob, await store.fetch(blob))) bytes += chunk.byteLength;
    expect(bytes).toBe(blob.size);
  }
}

describe('a run after one that was killed at 60 % of a layer, into a registry', () => {
  let store: Target;
  let server: RunningServer;

  beforeEach(async () => {
    store = openMemory();
    server = await serveStore(store, { writable: true, registry: 'target', graceMs: 100 });
    return () => server.close();
  });

  const uploads = () => join(folder, 'airgap.lock.uploads.json');

  /** One upload is remembered after the kill; its entry is replaced by what `change` makes of it. */
  async function tamper(change: (entry: Record<string, unknown>) => Record<string, unknown>): Promise<void> {
    const state: { uploads: Record<string, unknown>[] } = JSON.parse(await readFile(uploads(), 'utf8'));
    expect(state.uploads).toHaveLength(1);
    await writeFile(uploads(), JSON.stringify({ ...state, uploads: state.uploads.map(change) }));
  }

  /** An upload session at the target that holds bytes of something else. */
  async function foreignSession(): Promise<string> {
    const opened = await fetch(`${server.url}/v2/team/medium/blobs/uploads/`, { method: 'POST' });
    const location = new URL(opened.headers.get('location') ?? '', server.url).href;
    await fetch(location, { method: 'PATCH', body: Buffer.alloc(3_000_000, 7) });
    return location;
  }

  it('goes on where the target says it is: at most 45 % of the layer cross again', async () => {
    await killAt(0.6, large, server.url);
    const names: unknown[] = [];
    for await (const name of store.catalog?.() ?? []) names.push(name);
    expect(names).toEqual([]);
    const again = await finish(large, server.url);
    expect(again).toBeLessThanOrEqual(0.45 * large.layerBytes);
    expect(again).toBeGreaterThanOrEqual(0.35 * large.layerBytes);
    await expectWhole(large, store, 'target');
    expect(existsSync(uploads())).toBe(false);
  });

  it('is not led astray by a state file that is cut off', async () => {
    await killAt(0.6, medium, server.url);
    const text = await readFile(uploads(), 'utf8');
    await writeFile(uploads(), text.slice(0, text.length / 2));
    await finish(medium, server.url);
    await expectWhole(medium, store, 'target');
  });

  it('asks the target how far it is, whatever offset the state file claims', async () => {
    await killAt(0.6, medium, server.url);
    await tamper((entry) => ({ ...entry, offset: medium.layerBytes - 1 }));
    // What was killed on its way: the part that was being sent and the one that was being collected, of 4 MiB each.
    const lost = 2 * 4 * 1024 * 1024 + 64 * 1024;
    expect(await finish(medium, server.url)).toBeLessThanOrEqual(0.4 * medium.layerBytes + lost);
    await expectWhole(medium, store, 'target');
  });

  it('starts again when the state file names a session that holds other bytes', async () => {
    await killAt(0.3, medium, server.url);
    const location = await foreignSession();
    await tamper((entry) => ({ ...entry, location, offset: 3_000_000 }));
    await finish(medium, server.url);
    await expectWhole(medium, store, 'target');
  });

  it.each([
    ['of another host', 'http://127.0.0.1:9/v2/team/medium/blobs/uploads/1'],
    ['that is gone', '/v2/team/medium/blobs/uploads/00000000-0000-0000-0000-000000000000'],
    ['of another repository', '/v2/other/blobs/uploads/00000000-0000-0000-0000-000000000000'],
  ])('starts again when the state file names a session %s', async (_name, location) => {
    await killAt(0.4, medium, server.url);
    await tamper((entry) => ({ ...entry, location }));
    await finish(medium, server.url);
    await expectWhole(medium, store, 'target');
  });
});

describe('a run after one that was killed at 60 % of a layer, into a layout', () => {
  const partials = () => join(folder, 'mirror', '.airgap-partial');

  async function openPartial() {
    const name = (await readdir(partials())).find((entry) => entry.startsWith('sha256-'));
    if (name === undefined) throw new Error('no partial file was left');
    return open(join(partials(), name), 'r+');
  }

  it('goes on with the partial file: at most 45 % of the layer cross again', async () => {
    await killAt(0.6, large, 'oci:mirror');
    const again = await finish(large, 'oci:mirror');
    expect(again).toBeLessThanOrEqual(0.45 * large.layerBytes);
    await expectWhole(large, await openLayout(join(folder, 'mirror'), { readOnly: true }), 'ghcr.io');
  });

  it('notices a partial file whose bytes are wrong, and starts again', async () => {
    await killAt(0.3, medium, 'oci:mirror');
    const file = await openPartial();
    await file.write(Buffer.from([1, 2, 3, 4]), 0, 4, 1000);
    await file.close();
    const again = await finish(medium, 'oci:mirror');
    expect(again).toBeGreaterThanOrEqual(medium.layerBytes);
    await expectWhole(medium, await openLayout(join(folder, 'mirror'), { readOnly: true }), 'ghcr.io');
  });
});
