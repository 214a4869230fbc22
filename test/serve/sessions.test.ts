import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { serveStore } from '../../src/serve/open.ts';
import { openTinyDisk, tinyDisksWork } from '../faults/small-disk.ts';
import { randomBytes } from '../support/layers.ts';
import { refusalOf, startRegistry, type TestRegistry } from './registry.ts';

let registry: TestRegistry;
afterEach(() => registry.close());

async function start(): Promise<string> {
  const answer = await registry.ask('/v2/a/b/blobs/uploads/', { method: 'POST' });
  return answer.headers.get('location') ?? '';
}

/** Sends the head and a part of a body, and keeps the connection open. */
async function sendPart(
  location: string,
  options: { length: number; bytes: Uint8Array; method?: string },
): Promise<Socket> {
  const { length, bytes, method = 'PATCH' } = options;
  const socket = connect(registry.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.write(`${method} ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  return socket;
}

async function offsetOf(location: string): Promise<number> {
  const answer = await registry.ask(location);
  return Number(answer.headers.get('range')?.slice(2)) + 1;
}

const partialsOf = async () =>
  (await readdir(join(registry.directory, '.airgap-partial'))).filter((name) => name !== 'lock');

describe.each(['memory', 'layout'] as const)('upload sessions over %s', (kind) => {
  it('keep what came before a connection was cut, in a PATCH or in the last PUT', async () => {
    registry = await startRegistry(kind);
    const bytes = randomBytes('cut twice', 300_000) as Uint8Array<ArrayBuffer>;
    const location = await start();
    const first = await sendPart(location, { length: 200_000, bytes: bytes.subarray(0, 100_000) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    first.destroy();
    await expect.poll(() => offsetOf(location)).toBe(100_000);
    const target = `${location}?digest=${digestOf(bytes)}`;
    const second = await sendPart(target, { length: 200_000, bytes: bytes.subarray(100_000, 150_000), method: 'PUT' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    second.destroy();
    await expect.poll(() => offsetOf(location)).toBe(150_000);
    const done = await registry.ask(target, { method: 'PUT', body: bytes.subarray(150_000) });
    expect(done.status).toBe(201);
    const pulled = await registry.ask(`/v2/a/b/blobs/${digestOf(bytes)}`);
    expect(Buffer.from(await pulled.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('expire when nobody touches them, and not while bytes come', async () => {
    registry = await startRegistry(kind, { uploadExpiryMs: 150 });
    const idle = await start();
    await registry.ask(idle, { method: 'PATCH', body: 'some bytes' });
    const busy = await start();
    const socket = await sendPart(busy, { length: 10, bytes: Buffer.from('01234') });
    await expect.poll(async () => (await registry.ask(idle.replace(/[^/]+$/, 'x'))).status).toBe(404);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await refusalOf(await registry.ask(idle))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    if (kind === 'layout') expect(await partialsOf()).toHaveLength(1);
    socket.write('56789');
    await expect.poll(() => offsetOf(busy)).toBe(10);
    socket.destroy();
  });

  it('take a digest of the other kind, announced or not, and refuse one that is not known', async () => {
    registry = await startRegistry(kind);
    const bytes = Buffer.from('hashed with sha512');
    const digest = digestOf(bytes, 'sha512');
    for (const query of ['', '?digest-algorithm=sha512', '?digest-algorithm=sha256']) {
      const started = await registry.ask(`/v2/a/b/blobs/uploads/${query}`, { method: 'POST' });
      const location = started.headers.get('location') ?? '';
      await registry.ask(location, { method: 'PATCH', body: bytes.subarray(0, 5) });
      const done = await registry.ask(`${location}?digest=${digest}`, { method: 'PUT', body: bytes.subarray(5) });
      expect([done.status, done.headers.get('docker-content-digest')], query).toEqual([201, digest]);
      expect(await (await registry.ask(`/v2/a/b/blobs/${digest}`)).text()).toBe(bytes.toString());
    }
    const unknown = await registry.ask('/v2/a/b/blobs/uploads/?digest-algorithm=md5', { method: 'POST' });
    expect(await refusalOf(unknown)).toEqual([400, 'DIGEST_INVALID']);
  });

  it('take the empty blob however it is pushed', async () => {
    registry = await startRegistry(kind);
    const digest = digestOf(new Uint8Array());
    const single = await registry.ask(`/v2/a/one/blobs/uploads/?digest=${digest}`, { method: 'POST' });
    const put = await registry.ask(`${await start()}?digest=${digest}`, { method: 'PUT' });
    expect([single.status, put.status]).toEqual([201, 201]);
    const pulled = await registry.ask(`/v2/a/b/blobs/${digest}`);
    expect([pulled.status, pulled.headers.get('content-length')]).toEqual([200, '0']);
  });
});

describe('upload sessions over a layout', () => {
  it('end once: the last PUT sent twice, as after an answer that did not come in time, leaves the blob whole', async () => {
    registry = await startRegistry('layout');
    for (const [round, delayMs] of [0, 1, 2, 4].entries()) {
      const bytes = Buffer.alloc(6_000_000, round + 1);
      const digest = digestOf(bytes);
      const location = await start();
      await registry.ask(location, { method: 'PATCH', body: bytes });
      const finish = async () => {
        const answer = await registry.ask(`${location}?digest=${digest}`, { method: 'PUT' });
        await answer.arrayBuffer();
        return answer.status;
      };
      const first = finish();
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const second = finish();
      const answers = [await first, await second].sort();
      expect(answers).toEqual([201, 404]);
      const late = await registry.ask(location, { method: 'PATCH', body: 'more' });
      expect(await refusalOf(late)).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
      const blob = await readFile(join(registry.directory, 'blobs', 'sha256', digest.slice(7)));
      expect(blob.equals(bytes)).toBe(true);
      expect(await partialsOf()).toEqual([]);
    }
  });

  it('let one request write at a time: no two write into each other', async () => {
    registry = await startRegistry('layout');
    const location = await start();
    const hanging = await sendPart(location, { length: 1_000_000, bytes: Buffer.alloc(1_000, 9) });
    await new Promise((resolve) => setTimeout(resolve, 30));
    const sent = [1, 2, 3, 4].map((value) =>
      registry.ask(location, { method: 'PATCH', body: Buffer.alloc(50_000, value) }),
    );
    const answered = (await Promise.allSettled(sent)).filter(({ status }) => status === 'fulfilled');
    hanging.destroy();
    expect(answered.length).toBeGreaterThan(0);
    const kept = await offsetOf(location);
    const [name = ''] = await partialsOf();
    const bytes = await readFile(join(registry.directory, '.airgap-partial', name));
    expect(bytes.length).toBe(kept);
    const runs = [...bytes].filter((byte, at) => byte !== bytes[at - 1]);
    expect(runs).toEqual([...new Set(runs)]);
    expect(kept).toBeGreaterThanOrEqual(1_000 + 50_000 * answered.length);
  });

  it('are files of the layout that end as blobs, and are gone after the end, a cancel, a wrong digest and close()', async () => {
    registry = await startRegistry('layout');
    const bytes = Buffer.from('becomes a blob');
    const location = await start();
    expect(await partialsOf()).toEqual([]);
    await registry.ask(location, { method: 'PATCH', body: bytes });
    expect(await partialsOf()).toEqual([expect.stringMatching(/^upload-/)]);
    await registry.ask(`${location}?digest=${digestOf(bytes)}`, { method: 'PUT' });
    expect(await partialsOf()).toEqual([]);
    const cancelled = await start();
    await registry.ask(cancelled, { method: 'PATCH', body: bytes });
    await registry.ask(cancelled, { method: 'DELETE' });
    const wrong = await start();
    await registry.ask(`${wrong}?digest=${digestOf(Buffer.from('x'))}`, { method: 'PUT', body: bytes });
    expect(await partialsOf()).toEqual([]);
    const twice = await start();
    const again = await registry.ask(`${twice}?digest=${digestOf(bytes)}`, { method: 'PUT', body: bytes });
    expect([again.status, await partialsOf()]).toEqual([201, []]);
    await registry.ask(await start(), { method: 'PATCH', body: bytes });
    const { directory, store } = registry;
    await store.close();
    expect(existsSync(join(directory, 'blobs', 'sha256', digestOf(bytes).slice(7)))).toBe(true);
  });

  it('are so many at most, and those nobody touches make room first', async () => {
    registry = await startRegistry('layout');
    const first = await start();
    await registry.ask(first, { method: 'PATCH', body: 'some bytes' });
    const busy = await start();
    const socket = await sendPart(busy, { length: 10, bytes: Buffer.from('01234') });
    await expect.poll(partialsOf).toHaveLength(2);
    for (let round = 0; round < 30; round += 1) await Promise.all(Array.from({ length: 40 }, start));
    expect(await refusalOf(await registry.ask(first))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    expect(await partialsOf()).toHaveLength(1);
    const metrics = await (await registry.ask('/metrics')).text();
    expect(metrics).toMatch(/uploads[a-z_]* 1000\n/);
    socket.write('56789');
    await expect.poll(() => offsetOf(busy)).toBe(10);
    socket.destroy();
  });

  it.skipIf(!tinyDisksWork())('that fill the disk are answered 507 and leave it free for others', async () => {
    registry = await startRegistry('layout');
    const disk = await openTinyDisk();
    const server = await serveStore(disk, { writable: true, graceMs: 100 });
    const ask = (path: string, init: RequestInit) => fetch(new URL(path, server.url), init);
    const large = new Uint8Array(3_000_000);
    for (const ending of ['PATCH', 'PUT'] as const) {
      const started = await ask('/v2/a/b/blobs/uploads/', { method: 'POST' });
      const location = started.headers.get('location') ?? '';
      const full = await ask(`${location}?digest=${digestOf(large)}`, { method: ending, body: large });
      expect([ending, full.status]).toEqual([ending, 507]);
      expect((await ask(location, { method: 'GET' })).status).toBe(404);
      const bytes = randomBytes(`fits beside ${ending}`, 300_000) as Uint8Array<ArrayBuffer>;
      const other = await ask(`/v2/a/b/blobs/uploads/?digest=${digestOf(bytes)}`, { method: 'POST', body: bytes });
      expect(other.status).toBe(201);
    }
    await server.close();
    await disk.close();
  });
});
