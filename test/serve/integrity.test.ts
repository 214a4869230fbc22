import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type RunningServer, type ServeProblem, serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import type { FetchOptions, Source } from '../../src/store/store.ts';
import { replaced } from '../support/replaced.ts';
import { seedImage } from '../support/seedImages.ts';

const size = 3_000_000;
let folder: string;
let store: Source;
let server: RunningServer;
let layer: Descriptor;
let manifest: Descriptor;
let problems: ServeProblem[];
/** Every fetch of a blob from its first byte, by digest: those for checking and those for sending. */
let fetched: string[];

function pathOf({ digest }: Descriptor): string {
  return join(folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
}

function ask(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`${server.url}/v2/big/one/${path}`, init);
}

/** The same store; `around` runs before a blob is opened. */
function watched(behind: Source, around: (options: FetchOptions) => Promise<void> = async () => {}): Source {
  const repository: Source['repository'] = (name) => {
    const one = behind.repository(name);
    return replaced(one, {
      fetch: async (descriptor, options = {}) => {
        if (options.offset === undefined) fetched.push(descriptor.digest);
        await around(options);
        return one.fetch(descriptor, options);
      },
    });
  };
  return replaced(behind, { repository });
}

async function serveFolder(): Promise<[Source, RunningServer]> {
  const reader = await openLayout(folder, { readOnly: true });
  return [reader, await serveStore(reader, { graceMs: 100 })];
}

/** Writes other bytes over some in the middle; the file keeps its size, and its time of change where asked. */
async function damage(descriptor: Descriptor, { keepTime = false } = {}): Promise<void> {
  const before = await stat(pathOf(descriptor));
  const file = await open(pathOf(descriptor), 'r+');
  await file.write(Buffer.from('not what it was'), 0, 15, Math.floor(descriptor.size / 2));
  await file.close();
  if (keepTime) await utimes(pathOf(descriptor), before.atime, before.mtime);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-integrity-'));
  const target = await openLayout(folder, { create: true });
  const image = await seedImage(target, 'ghcr.io/big/one:1', { layerBytes: size, platforms: ['linux/amd64'] });
  await target.close();
  layer = image.blobs.reduce((one, other) => (one.size > other.size ? one : other));
  manifest = image.manifests[0]?.descriptor ?? image.root;
  problems = [];
  fetched = [];
  store = await openLayout(folder, { readOnly: true });
  server = await serveStore(watched(store), { graceMs: 50, onProblem: (problem) => problems.push(problem) });
});

afterEach(async () => {
  await server.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a blob that is asked for', () => {
  it('is hashed once for any number of clients and remembered', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(`blobs/${layer.digest}`)));
    for (const answer of answers) expect((await answer.arrayBuffer()).byteLength).toBe(layer.size);
    await (await ask(`blobs/${layer.digest}`)).arrayBuffer();
    expect(server.statistics()).toMatchObject({ blobsChecked: 1, blobsCorrupt: 0 });
    expect(fetched.filter((digest) => digest === layer.digest)).toHaveLength(12);
  });

  it('is checked by HEAD and by a range too, and read whole only once for both', async () => {
    expect((await ask(`blobs/${layer.digest}`, { method: 'HEAD' })).status).toBe(200);
    const part = await ask(`blobs/${layer.digest}`, { headers: { range: 'bytes=0-9' } });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
    expect(server.statistics().blobsChecked).toBe(1);
    expect(fetched).toEqual([layer.digest]);
  });

  it('is never served when it is corrupt: 500 with the digest and no path, told once, counted', async () => {
    await damage(layer);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const answer = await ask(`blobs/${layer.digest}`, { method });
      expect(answer.status).toBe(500);
      const text = await answer.text();
      if (method === 'HEAD') continue;
      expect(JSON.parse(text)).toMatchObject({ errors: [{ code: 'UNKNOWN', detail: { digest: layer.digest } }] });
      expect(text).not.toContain(folder);
    }
    const range = await ask(`blobs/${layer.digest}`, { headers: { range: 'bytes=0-9' } });
    expect([range.status, range.headers.get('content-range')]).toEqual([500, null]);
    expect(problems).toMatchObject([{ digest: layer.digest, kind: 'corrupt' }]);
    expect(problems[0]?.message).not.toContain(folder);
    expect(server.statistics()).toMatchObject({ blobsChecked: 1, blobsCorrupt: 1 });
  });

  it('is checked again when its file changed, also when its time was set back, and served again when it is right', async () => {
    const right = await ask(`blobs/${layer.digest}`);
    const bytes = Buffer.from(await right.arrayBuffer());
    await damage(layer, { keepTime: true });
    expect((await ask(`blobs/${layer.digest}`)).status).toBe(500);
    const file = await open(pathOf(layer), 'r+');
    await file.write(bytes, 0, bytes.length, 0);
    await file.close();
    const again = await ask(`blobs/${layer.digest}`);
    expect(Buffer.from(await again.arrayBuffer()).equals(bytes)).toBe(true);
    expect(server.statistics()).toMatchObject({ blobsChecked: 3, blobsCorrupt: 1 });
  });

  it('is refused when bytes are missing or were added', async () => {
    await truncate(pathOf(layer), layer.size - 1);
    expect((await ask(`blobs/${layer.digest}`)).status).toBe(500);
    await appendFile(pathOf(layer), 'xx');
    expect((await ask(`blobs/${layer.digest}`)).status).toBe(500);
    await truncate(pathOf(layer), 0);
    expect((await ask(`blobs/${layer.digest}`)).status).toBe(500);
    expect(problems).toHaveLength(3);
  });

  it.each([
    ['taken away', (path: string) => rm(path), 502],
    ['emptied', (path: string) => truncate(path, 0), 500],
  ] as const)(
    'is answered with an error, not with silence, when it is %s between check and first byte',
    async (_, harm, status) => {
      let opened = 0;
      const repository: Source['repository'] = (name) => {
        const one = store.repository(name);
        return replaced(one, {
          fetch: async (descriptor, options) => {
            const content = await one.fetch(descriptor, options);
            opened += 1;
            if (opened === 2) await harm(pathOf(layer));
            return content;
          },
        });
      };
      const own = await serveStore(replaced(store, { repository }), { graceMs: 50 });
      const answer = await fetch(`${own.url}/v2/big/one/blobs/${layer.digest}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/json']);
      expect(await answer.text()).not.toContain(folder);
      expect((await fetch(`${own.url}/healthz`)).status).toBe(200);
      await own.close();
    },
  );

  it('does not arrive whole when it is damaged while it is sent', async () => {
    let opened = 0;
    const repository: Source['repository'] = (name) => {
      const one = store.repository(name);
      const damaging = async function* (content: AsyncIterable<Uint8Array>) {
        for await (const chunk of content) {
          yield chunk;
          await damage(layer);
        }
      };
      return replaced(one, {
        fetch: async (descriptor, options) => {
          const content = await one.fetch(descriptor, options);
          opened += 1;
          return opened === 2 ? damaging(content) : content;
        },
      });
    };
    const own = await serveStore(replaced(store, { repository }), {
      graceMs: 50,
      onProblem: (problem) => problems.push(problem),
    });
    const answer = await fetch(`${own.url}/v2/big/one/blobs/${layer.digest}`);
    expect(answer.status).toBe(200);
    await expect(answer.arrayBuffer()).rejects.toThrow();
    expect(problems).toMatchObject([{ kind: 'corrupt' }]);
    await own.close();
  });
});

describe('checks', () => {
  it('begin for the blobs of a manifest as soon as that is asked for', async () => {
    await (await ask('manifests/1')).arrayBuffer();
    await (await ask(`manifests/${manifest.digest}`)).arrayBuffer();
    await expect.poll(() => server.statistics().blobsChecked, { timeout: 5000 }).toBeGreaterThan(0);
    await expect.poll(() => fetched).toContain(layer.digest);
    await (await ask(`blobs/${layer.digest}`)).arrayBuffer();
    const checks = server.statistics().blobsChecked;
    await (await ask(`manifests/${manifest.digest}`)).arrayBuffer();
    await (await ask(`blobs/${layer.digest}`)).arrayBuffer();
    expect(server.statistics().blobsChecked).toBe(checks);
  });

  it('go on while somebody waits and stop when nobody does', async () => {
    let stopped = 0;
    let entered = 0;
    const slow = await serveStore(
      watched(store, async ({ signal }) => {
        entered += 1;
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, entered === 1 ? 400 : 0);
          signal?.addEventListener('abort', () => {
            stopped += 1;
            clearTimeout(timer);
            reject(signal.reason);
          });
        });
      }),
      { graceMs: 50 },
    );
    const url = `${slow.url}/v2/big/one/blobs/${layer.digest}`;
    const leaving = AbortSignal.timeout(100);
    const [left, stayed] = await Promise.allSettled([fetch(url, { signal: leaving }), fetch(url)]);
    expect([left.status, stayed.status]).toEqual(['rejected', 'fulfilled']);
    expect([stopped, slow.statistics().blobsChecked]).toEqual([0, 1]);
    await slow.close();
    entered = 0;
    const lone = await serveStore(
      watched(store, ({ signal }) => {
        return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
      }),
      { graceMs: 50 },
    );
    await expect(
      fetch(`${lone.url}/v2/big/one/blobs/${layer.digest}`, { signal: AbortSignal.timeout(100) }),
    ).rejects.toThrow();
    await expect.poll(() => lone.statistics().inFlight).toBe(0);
    expect(lone.statistics()).toMatchObject({ blobsChecked: 0, blobsCorrupt: 0 });
    await lone.close();
  });
});

describe('small blobs', () => {
  it('are checked and served while every check of large ones is stuck, and those that gave up take no slot', async () => {
    const target = await openLayout(join(folder, 'mixed'), { create: true });
    const large: Descriptor[] = [];
    for (const name of ['a', 'b', 'c']) {
      const { blobs } = await seedImage(target, `ghcr.io/${name}/large:1`, {
        layers: [name],
        layerBytes: 5_000_000,
        platforms: ['linux/amd64'],
      });
      large.push(blobs.reduce((one, other) => (one.size > other.size ? one : other)));
    }
    const { blobs } = await seedImage(target, 'ghcr.io/small/one:1', { layerBytes: 1000, platforms: ['linux/amd64'] });
    let isStuck = true;
    const repository: Source['repository'] = (name) => {
      const one = target.repository(name);
      return replaced(one, {
        fetch: async (descriptor, options) => {
          if (isStuck && descriptor.size > 4_500_000) {
            await new Promise((_, reject) =>
              options?.signal?.addEventListener('abort', () => reject(new Error('left'))),
            );
          }
          return one.fetch(descriptor, options);
        },
      });
    };
    const own = await serveStore(replaced<Source>(target, { repository }), { graceMs: 50 });
    const leave = new AbortController();
    const waiting = large.map((blob, index) =>
      fetch(`${own.url}/v2/${'abc'.charAt(index)}/large/blobs/${blob.digest}`, { signal: leave.signal }),
    );
    await expect.poll(() => own.statistics().inFlight).toBe(3);
    for (const { digest, size: expected } of blobs) {
      const answer = await fetch(`${own.url}/v2/small/one/blobs/${digest}`);
      expect((await answer.arrayBuffer()).byteLength).toBe(expected);
    }
    leave.abort();
    await Promise.allSettled(waiting);
    await expect.poll(() => own.statistics().inFlight).toBe(0);
    isStuck = false;
    for (const [index, { digest }] of large.entries()) {
      expect(
        (await fetch(`${own.url}/v2/${'abc'.charAt(index)}/large/blobs/${digest}`, { method: 'HEAD' })).status,
      ).toBe(200);
    }
    await own.close();
    await target.close();
  });
});

describe('a manifest', () => {
  it('that is wrong on disk is answered 500 and told once', async () => {
    await (await ask(`manifests/${manifest.digest}`)).arrayBuffer();
    const file = await open(pathOf(manifest), 'r+');
    await file.write(Buffer.from(' '), 0, 1, manifest.size - 1);
    await file.close();
    for (let round = 0; round < 2; round += 1) {
      const answer = await ask(`manifests/${manifest.digest}`);
      expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining(manifest.digest)]);
    }
    expect(problems).toMatchObject([{ digest: manifest.digest, kind: 'corrupt' }]);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 100)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('  ')])],
    ['something else', () => Buffer.from('{"schemaVersion":2}')],
  ])(
    'that is %s when it is first read is 500 to GET and HEAD, and is served again once it is repaired',
    async (_, damaged) => {
      const right = await readFile(pathOf(manifest));
      await writeFile(pathOf(manifest), damaged(right));
      for (const name of ['1', manifest.digest]) {
        for (const method of ['HEAD', 'GET'])
          expect((await ask(`manifests/${name}`, { method })).status, `${method} ${name}`).toBe(500);
      }
      expect((await ask('manifests/other')).status).toBe(404);
      expect(problems).toMatchObject([{ digest: manifest.digest, kind: 'corrupt' }]);
      await writeFile(pathOf(manifest), right);
      const answer = await ask('manifests/1');
      expect([answer.status, Buffer.from(await answer.arrayBuffer()).equals(right)]).toEqual([200, true]);
    },
  );

  it('of an index that was damaged, or was so itself, is found by its digest once that is repaired', async () => {
    const target = await openLayout(folder);
    const { root, manifests } = await seedImage(target, 'ghcr.io/big/one:2', {
      platforms: ['linux/amd64', 'linux/arm64'],
    });
    const child = manifests.find(({ descriptor }) => descriptor.digest !== root.digest)?.descriptor ?? root;
    await target.close();
    for (const damaged of [root, child]) {
      const right = await readFile(pathOf(damaged));
      await writeFile(pathOf(damaged), right.subarray(1));
      const [reader, own] = await serveFolder();
      const statusOf = async (name: string) => (await fetch(`${own.url}/v2/big/one/manifests/${name}`)).status;
      expect(await statusOf(child.digest)).toBe(damaged === root ? 404 : 500);
      await writeFile(pathOf(damaged), right);
      expect([await statusOf('2'), await statusOf(child.digest)]).toEqual([200, 200]);
      await own.close();
      await reader.close();
    }
  });

  it('is never served as a type that the index of somebody else made up', async () => {
    const index = await readFile(join(folder, 'index.json'), 'utf8');
    for (const type of ['text/html', 'a/b\\r\\nx: y', 'a/\u00e4']) {
      await writeFile(join(folder, 'index.json'), index.replaceAll(/"mediaType":"[^"]*"/g, `"mediaType":"${type}"`));
      const answer = await ask('manifests/1');
      expect([answer.status, answer.headers.get('content-type')], type).toEqual([200, manifest.mediaType]);
    }
  });
});

describe('what is damaged on disk', () => {
  it('is whole again when it is pushed again', async () => {
    const target = await openLayout(folder);
    const own = await serveStore(target, { writable: true, graceMs: 100 });
    const right = { layer: await readFile(pathOf(layer)), manifest: await readFile(pathOf(manifest)) };
    await damage(layer);
    await damage(manifest);
    const base = `${own.url}/v2/ghcr.io/big/one`;
    expect((await fetch(`${base}/blobs/${layer.digest}`)).status).toBe(500);
    expect((await fetch(`${base}/manifests/1`)).status).toBe(500);
    const push = { method: 'POST', body: new Uint8Array(right.layer) };
    expect((await fetch(`${base}/blobs/uploads/?digest=${layer.digest}`, push)).status).toBe(201);
    const put = {
      method: 'PUT',
      body: new Uint8Array(right.manifest),
      headers: { 'content-type': manifest.mediaType },
    };
    expect((await fetch(`${base}/manifests/1`, put)).status).toBe(201);
    const pulled = await fetch(`${base}/blobs/${layer.digest}`);
    expect(Buffer.from(await pulled.arrayBuffer()).equals(right.layer)).toBe(true);
    expect((await fetch(`${base}/manifests/1`)).status).toBe(200);
    await own.close();
    await target.close();
  });
});
