import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { type RunningServer, type ServedRequest, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedImage } from '../support/seedImages.ts';
import { type SeededSet, seedSet } from '../support/seedSet.ts';

const log: ServedRequest[] = [];
let server: RunningServer;
let set: SeededSet;

function seeded(reference: string): SeededImage {
  const image = set.images.get(reference);
  if (image === undefined) throw new Error(`not seeded: ${reference}`);
  return image;
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, init);
}

beforeAll(async () => {
  const store = openMemory();
  set = await seedSet(store);
  server = await serveStore(store, { onRequest: (request) => log.push(request) });
});

afterAll(() => server.close());

describe('serveStore() reading', () => {
  it('answers the base endpoint and healthz', async () => {
    const base = await ask('/v2/');
    expect(base.status).toBe(200);
    expect(base.headers.get('docker-distribution-api-version')).toBe('registry/2.0');
    expect(await (await ask('/healthz')).text()).toBe('ok\n');
  });

  it('serves a manifest by tag and digest with its own media type and exact bytes', async () => {
    const { root, manifests } = seeded('docker.io/library/nginx:1.27');
    for (const reference of ['1.27', root.digest]) {
      const answer = await ask(`/v2/library/nginx/manifests/${reference}`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe(mediaTypes.dockerList);
      expect(answer.headers.get('docker-content-digest')).toBe(root.digest);
      expect(Buffer.from(await answer.arrayBuffer())).toEqual(manifests.at(-1)?.bytes);
    }
  });

  it('answers HEAD like GET without the body, and 304 to the digest as ETag', async () => {
    const { root } = seeded('ghcr.io/siderolabs/kubelet:v1.37.1');
    const head = await ask('/v2/siderolabs/kubelet/manifests/v1.37.1', { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(root.size)]);
    expect(head.headers.get('docker-content-digest')).toBe(root.digest);
    const etag = head.headers.get('etag') ?? '';
    const again = await ask('/v2/siderolabs/kubelet/manifests/v1.37.1', { headers: { 'if-none-match': etag } });
    expect(again.status).toBe(304);
    const other = await ask('/v2/siderolabs/kubelet/manifests/v1.37.1', { headers: { 'if-none-match': '"x"' } });
    expect(other.status).toBe(200);
    expect((await other.arrayBuffer()).byteLength).toBe(root.size);
  });

  it('finds a repository by ns, by its full name and by its path alone', async () => {
    for (const path of ['siderolabs/kubelet', 'ghcr.io/siderolabs/kubelet']) {
      for (const query of ['', '?ns=ghcr.io']) {
        expect((await ask(`/v2/${path}/manifests/v1.37.1${query}`)).status, path + query).toBe(200);
      }
    }
    expect((await ask('/v2/siderolabs/kubelet/manifests/v1.37.1?ns=quay.io')).status).toBe(404);
    expect((await ask('/v2/library/nginx/manifests/1.27?ns=registry-1.docker.io')).status).toBe(200);
  });

  it('finds a registry with a port, by its name with an underscore and by its path alone', async () => {
    for (const path of ['mcr.local_5000/windows/server', 'windows/server']) {
      expect((await ask(`/v2/${path}/manifests/1`)).status, path).toBe(200);
    }
  });

  it('refuses a tag that means different images in two registries and names both', async () => {
    const answer = await ask('/v2/app/referred/manifests/1');
    expect(answer.status).toBe(404);
    expect(await answer.text()).toMatch(/ghcr\.io\/app\/referred, quay\.io\/app\/referred.*ns=/);
    for (const registry of ['ghcr.io', 'quay.io']) {
      const told = await ask(`/v2/app/referred/manifests/1?ns=${registry}`);
      expect(told.headers.get('docker-content-digest')).toBe(seeded(`${registry}/app/referred:1`).root.digest);
    }
    const { root } = seeded('quay.io/app/referred:1');
    expect((await ask(`/v2/app/referred/manifests/${root.digest}`)).status).toBe(200);
  });

  it('serves a blob whole, in ranges, and refuses a range beyond its end', async () => {
    const [blob] = seeded('ghcr.io/siderolabs/installer:v1.14.4').blobs;
    const path = `/v2/siderolabs/installer/blobs/${blob?.digest}`;
    const size = blob?.size ?? 0;
    const whole = Buffer.from(await (await ask(path)).arrayBuffer());
    expect(whole.length).toBe(size);
    const head = await ask(path, { method: 'HEAD' });
    expect([head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([String(size), 'bytes']);
    const ranges: [string, Buffer, string][] = [
      ['bytes=10-19', whole.subarray(10, 20), `bytes 10-19/${size}`],
      ['bytes=100-', whole.subarray(100), `bytes 100-${size - 1}/${size}`],
      ['bytes=-7', whole.subarray(-7), `bytes ${size - 7}-${size - 1}/${size}`],
      [`bytes=5-${size + 50}`, whole.subarray(5), `bytes 5-${size - 1}/${size}`],
    ];
    for (const [range, bytes, contentRange] of ranges) {
      const part = await ask(path, { headers: { range } });
      expect([part.status, part.headers.get('content-range')]).toEqual([206, contentRange]);
      expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes);
    }
    const beyond = await ask(path, { headers: { range: `bytes=${size}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${size}`]);
    expect((await ask(path, { headers: { range: 'bytes=1-2,4-5' } })).status).toBe(200);
    expect((await ask(path, { headers: { range: 'bytes=1-2', 'if-range': '"other"' } })).status).toBe(200);
  });

  it('pages tags and catalog and links to the next page', async () => {
    const first = await ask('/v2/siderolabs/kubelet/tags/list?n=1&ns=ghcr.io');
    const tags = ((await first.json()) as { tags: string[] }).tags;
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await ask(next);
    expect([...tags, ...((await second.json()) as { tags: string[] }).tags]).toEqual([
      expect.stringMatching(/^sha256-.*\.sig$/),
      'v1.37.1',
    ]);
    expect(second.headers.get('link')).toBeNull();
    const names: string[] = [];
    for (let path: string | undefined = '/v2/_catalog?n=4'; path !== undefined; ) {
      const page: Response = await ask(path);
      names.push(...((await page.json()) as { repositories: string[] }).repositories);
      path = /^<([^>]+)>/.exec(page.headers.get('link') ?? '')?.[1];
    }
    expect(names).toEqual([...new Set(names)].sort());
    expect(names).toContain('ghcr.io/siderolabs/kubelet');
    expect(names).toContain('mcr.local_5000/windows/server');
    expect((await ask('/v2/_catalog?n=x')).status).toBe(400);
  });

  it('lists referrers, filtered where asked, and none for what nothing points at', async () => {
    const { root } = seeded('ghcr.io/app/referred:1');
    const all = await ask(`/v2/ghcr.io/app/referred/referrers/${root.digest}`);
    expect(all.headers.get('content-type')).toBe(mediaTypes.ociIndex);
    expect(((await all.json()) as { manifests: unknown[] }).manifests).toHaveLength(2);
    const some = await ask(`/v2/app/referred/referrers/${root.digest}?artifactType=application/spdx%2Bjson`);
    expect(some.headers.get('oci-filters-applied')).toBe('artifactType');
    expect(await some.json()).toMatchObject({ manifests: [{ artifactType: 'application/spdx+json' }] });
    const none = await ask(`/v2/app/referred/referrers/sha256:${'0'.repeat(64)}`);
    expect([none.status, await none.json()]).toMatchObject([200, { schemaVersion: 2, manifests: [] }]);
  });

  it('answers what is not there with the codes of the specification', async () => {
    const nowhere = `sha256:${'0'.repeat(64)}`;
    const cases: [string, string, number, string][] = [
      ['GET', '/v2/siderolabs/kubelet/manifests/v9', 404, 'MANIFEST_UNKNOWN'],
      ['GET', '/v2/no/such/manifests/v9', 404, 'MANIFEST_UNKNOWN'],
      ['GET', `/v2/siderolabs/kubelet/blobs/${nowhere}`, 404, 'BLOB_UNKNOWN'],
      ['GET', '/v2/siderolabs/kubelet/blobs/sha256:abc', 400, 'DIGEST_INVALID'],
      ['GET', '/v2/no/such/tags/list', 404, 'NAME_UNKNOWN'],
      ['GET', '/v2/UPPER/tags/list', 400, 'NAME_INVALID'],
      ['GET', '/v2/a%2f..%2f..%2fb/manifests/x', 400, 'NAME_INVALID'],
      ['GET', '/v2/a/manifests/x?ns=%2f%2f', 400, 'NAME_INVALID'],
      ['GET', '/v1/search', 404, 'UNSUPPORTED'],
      ['DELETE', '/v2/siderolabs/kubelet/manifests/v1.37.1', 405, 'UNSUPPORTED'],
      ['DELETE', `/v2/siderolabs/kubelet/blobs/${nowhere}`, 405, 'UNSUPPORTED'],
      ['PUT', '/v2/siderolabs/kubelet/manifests/v1.37.1', 405, 'UNSUPPORTED'],
      ['POST', '/v2/siderolabs/kubelet/blobs/uploads/', 405, 'UNSUPPORTED'],
    ];
    for (const [method, path, status, code] of cases) {
      const answer = await ask(path, { method });
      expect([answer.status, await answer.json()], path).toMatchObject([status, { errors: [{ code }] }]);
    }
  });

  it('reports each request with its status and bytes', async () => {
    log.length = 0;
    const { root } = seeded('registry.k8s.io/pause:3.10');
    await (await ask('/v2/pause/manifests/3.10?ns=registry.k8s.io')).arrayBuffer();
    await expect.poll(() => log).toHaveLength(1);
    expect(log[0]).toMatchObject({
      method: 'GET',
      path: '/v2/pause/manifests/3.10?ns=registry.k8s.io',
      status: 200,
      bytes: root.size,
    });
  });
});

describe('serveStore() under bad clients', () => {
  it('goes on after clients that leave in the middle of an answer', async () => {
    const store = openMemory();
    const { blobs } = await seedImage(store, 'ghcr.io/big/one:1', { layerBytes: 8_000_000 });
    const own = await serveStore(store, { graceMs: 200 });
    const largest = blobs.reduce((one, other) => (one.size > other.size ? one : other));
    for (let round = 0; round < 5; round += 1) {
      await new Promise<void>((resolve) => {
        const request = httpRequest(`${own.url}/v2/big/one/blobs/${largest.digest}`, (answer) => {
          answer.once('data', () => request.destroy());
          answer.once('close', resolve);
          answer.on('error', () => {});
        });
        request.on('error', () => {});
        request.end();
      });
    }
    const whole = await fetch(`${own.url}/v2/big/one/blobs/${largest.digest}`);
    expect((await whole.arrayBuffer()).byteLength).toBe(largest.size);
    await own.close();
  });

  it('cuts a client that takes nothing and closes within the grace time', async () => {
    const store = openMemory();
    const { blobs } = await seedImage(store, 'ghcr.io/big/one:1', { layerBytes: 16_000_000 });
    const own = await serveStore(store, { graceMs: 100 });
    const largest = blobs.reduce((one, other) => (one.size > other.size ? one : other));
    const socket = connect(own.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`GET /v2/big/one/blobs/${largest.digest} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await new Promise((resolve) => socket.once('readable', resolve));
    const startedAt = performance.now();
    await own.close();
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    socket.destroy();
  });

  it('says when the port is taken', async () => {
    await expect(serveStore(openMemory(), { listen: { port: server.port } })).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      message: expect.stringContaining('the port is taken'),
    });
  });
});
