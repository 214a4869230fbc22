/** The pull side on a real layout, sentence by sentence of the distribution-spec v1.1 ("Pull", "Content Discovery", "Error Codes"). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openLayout } from '../../src/store/layout/open.ts';
import type { Source } from '../../src/store/store.ts';
import type { SeededImage } from '../support/pile.ts';
import { type SeededSet, seedSet } from '../support/seedSet.ts';

let folder: string;
let store: Source;
let server: RunningServer;
let set: SeededSet;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'airgap-reading-'));
  const target = await openLayout(folder, { create: true });
  set = await seedSet(target);
  const { root, manifests } = seeded('registry.k8s.io/pause:3.10');
  const bytes = manifests.find(({ descriptor }) => descriptor.digest === root.digest)?.bytes ?? new Uint8Array();
  const tags = target.repository({ registry: 'quay.io', repository: 'many/tags' });
  for (const tag of ['b', 'A', 'a', 'c', '10', '9', '_', 'B']) {
    await tags.pushManifest(root, bytes, { tag: tag as never });
  }
  await target.close();
  store = await openLayout(folder, { readOnly: true });
  server = await serveStore(store, { graceMs: 100 });
});

afterAll(async () => {
  await server.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

function seeded(reference: string): SeededImage {
  const image = set.images.get(reference);
  if (image === undefined) throw new Error(`not seeded: ${reference}`);
  return image;
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${server.url}/v2/${path}`, init);
}

/** Everything an answer's head says that GET and HEAD must agree on. */
function headOf(answer: Response): Record<string, string> {
  const head = Object.fromEntries(answer.headers);
  const { date: _, connection: __, 'keep-alive': ___, ...rest } = head;
  return { status: String(answer.status), ...rest };
}

describe('manifests', () => {
  it('come by tag and by digest with the type they were stored with, and a digest that is theirs', async () => {
    for (const { reference, manifests, root } of set.images.values()) {
      const name = `${reference.registry.replace(':', '_')}/${reference.repository}`;
      const asked: string[] = manifests.map(({ descriptor }) => descriptor.digest);
      if (reference.tag !== undefined) asked.push(reference.tag);
      for (const what of asked) {
        const answer = await ask(`${name}/manifests/${what}`);
        const bytes = Buffer.from(await answer.arrayBuffer());
        const digest = what.startsWith('sha256:') ? what : root.digest;
        expect([answer.status, answer.headers.get('docker-content-digest')], name).toEqual([200, digest]);
        expect(digestOf(bytes)).toBe(digest);
        const stored = manifests.find(({ descriptor }) => descriptor.digest === digest);
        expect(answer.headers.get('content-type')).toBe(stored?.descriptor.mediaType);
        expect(answer.headers.get('content-length')).toBe(String(stored?.bytes.length));
      }
    }
  });

  it('have the same head by HEAD and by GET', async () => {
    const { root } = seeded('ghcr.io/siderolabs/kubelet:v1.37.1');
    for (const what of ['v1.37.1', root.digest]) {
      const path = `siderolabs/kubelet/manifests/${what}`;
      const [get, head] = [await ask(path), await ask(path, { method: 'HEAD' })];
      expect((await head.arrayBuffer()).byteLength).toBe(0);
      expect((await get.arrayBuffer()).byteLength).toBe(root.size);
      expect(headOf(head)).toEqual(headOf(get));
    }
  });

  it.each([
    [undefined],
    ['*/*'],
    ['application/json'],
    ['application/vnd.docker.distribution.manifest.v1+prettyjws'],
    [mediaTypes.ociManifest],
    ['text/html;q=0.9, */*;q=0'],
    ['nonsense'],
  ])('are given in their one form whatever Accept says: %s', async (accept) => {
    const answer = await ask('library/nginx/manifests/1.27', accept === undefined ? {} : { headers: { accept } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, mediaTypes.dockerList]);
    await answer.arrayBuffer();
  });

  it('are not sent again to who has them', async () => {
    const { root } = seeded('ghcr.io/siderolabs/kubelet:v1.37.1');
    for (const tag of [`"${root.digest}"`, `W/"${root.digest}"`, `"x", "${root.digest}"`]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask('siderolabs/kubelet/manifests/v1.37.1', { method, headers: { 'if-none-match': tag } });
        expect([answer.status, answer.headers.get('etag'), await answer.text()]).toEqual([304, `"${root.digest}"`, '']);
      }
    }
  });
});

describe('blobs', () => {
  const blob = () => {
    const [first] = seeded('ghcr.io/siderolabs/installer:v1.14.4').blobs;
    if (first === undefined) throw new Error('no blob was seeded');
    return { ...first, path: `siderolabs/installer/blobs/${first.digest}` };
  };

  it('have the same head by HEAD and by GET, and HEAD knows no ranges', async () => {
    const { path, size } = blob();
    const [get, head] = [await ask(path), await ask(path, { method: 'HEAD', headers: { range: 'bytes=0-3' } })];
    expect((await get.arrayBuffer()).byteLength).toBe(size);
    expect(headOf(head)).toEqual(headOf(get));
    const unsatisfiable = await ask(path, { method: 'HEAD', headers: { range: `bytes=${size}-` } });
    expect(unsatisfiable.status).toBe(200);
  });

  it('come in the range that was asked for, and whole where a range means nothing', async () => {
    const { path, size, digest } = blob();
    const whole = Buffer.from(await (await ask(path)).arrayBuffer());
    const cases: [Record<string, string>, number, number, number][] = [
      [{ range: 'bytes=0-0' }, 206, 0, 1],
      [{ range: `bytes=${size - 1}-` }, 206, size - 1, size],
      [{ range: `bytes=-${size + 10}` }, 206, 0, size],
      [{ range: 'bytes=3-5', 'if-range': `"${digest}"` }, 206, 3, 6],
      [{ range: 'bytes=3-5', 'if-range': `W/"${digest}"` }, 200, 0, size],
      [{ range: 'bytes=3-5', 'if-range': 'Sat, 31 Jan 2026 12:00:00 GMT' }, 200, 0, size],
      [{ range: 'bytes=0-1, 4-5' }, 200, 0, size],
      [{ range: 'bytes=5-3' }, 200, 0, size],
      [{ range: 'bytes=-' }, 200, 0, size],
      [{ range: 'lines=1-2' }, 200, 0, size],
      [{ range: 'bytes=a-b' }, 200, 0, size],
    ];
    for (const [headers, status, start, end] of cases) {
      const answer = await ask(path, { headers });
      expect([answer.status, answer.headers.get('content-length')], JSON.stringify(headers)).toEqual([
        status,
        String(end - start),
      ]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(whole.subarray(start, end))).toBe(true);
      expect(answer.headers.get('content-range')).toBe(status === 206 ? `bytes ${start}-${end - 1}/${size}` : null);
    }
  });

  it('answer 416 with the size and an error body where no byte is in the range', async () => {
    const { path, size } = blob();
    for (const range of [`bytes=${size}-`, `bytes=${size + 5}-${size + 9}`, 'bytes=-0']) {
      const answer = await ask(path, { headers: { range } });
      expect([answer.status, answer.headers.get('content-range')], range).toEqual([416, `bytes */${size}`]);
      expect(await answer.json()).toMatchObject({
        errors: [{ code: expect.any(String), message: expect.any(String) }],
      });
    }
  });

  it('are not sent again to who has them, a range neither', async () => {
    const { path, digest } = blob();
    const answer = await ask(path, { headers: { 'if-none-match': `"${digest}"`, range: 'bytes=0-3' } });
    expect([answer.status, await answer.text()]).toEqual([304, '']);
    expect((await ask(path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });
});

describe('tags', () => {
  const list = async (query: string) => {
    const answer = await ask(`many/tags/tags/list${query}`);
    const { tags } = (await answer.json()) as { tags: string[] };
    return { tags, link: answer.headers.get('link') };
  };

  it('are in one order, from any place on, in pages of any size', async () => {
    const { tags: all, link } = await list('');
    expect([all.length, link]).toEqual([8, null]);
    for (let n = 1; n <= 9; n += 1) {
      const paged: string[] = [];
      for (let query: string | undefined = `?n=${n}`; query !== undefined; ) {
        const page = await list(query);
        expect(page.tags.length).toBeLessThanOrEqual(n);
        paged.push(...page.tags);
        query = /^<\/v2\/many\/tags\/tags\/list(\?[^>]+)>; rel="next"$/.exec(page.link ?? '')?.[1];
      }
      expect(paged).toEqual(all);
    }
    for (const [index, last] of all.entries()) expect((await list(`?last=${last}`)).tags).toEqual(all.slice(index + 1));
  });

  it('begin after a tag that is not there, and none are listed for n=0, without a link', async () => {
    const { tags: all } = await list('');
    expect((await list('?last=bb')).tags).toEqual(all.filter((tag) => tag > 'bb'));
    expect(await list('?n=0')).toEqual({ tags: [], link: null });
    expect((await ask('many/tags/tags/list?n=-1')).status).toBe(400);
    expect((await ask('many/tags/tags/list?n=1&last=zzz')).status).toBe(200);
  });

  it('keep the ns of who asked in the link', async () => {
    const answer = await ask('siderolabs/kubelet/tags/list?n=1&ns=ghcr.io');
    expect(answer.headers.get('link')).toContain('ns=ghcr.io');
  });
});

describe('?ns=', () => {
  it('tells apart what has the same path in two registries, for manifests, blobs, tags and referrers', async () => {
    const [one, other] = ['ghcr.io/app/referred:1', 'quay.io/app/referred:1'].map(seeded);
    expect(one?.root.digest).not.toBe(other?.root.digest);
    for (const [ns, image] of [['ghcr.io', one] as const, ['quay.io', other] as const]) {
      const answer = await ask(`app/referred/manifests/1?ns=${ns}`);
      expect(answer.headers.get('docker-content-digest')).toBe(image?.root.digest);
      expect((await ask(`app/referred/tags/list?ns=${ns}`)).status).toBe(200);
      const blob = image?.blobs[0]?.digest;
      expect((await ask(`app/referred/blobs/${blob}?ns=${ns}`, { method: 'HEAD' })).status).toBe(200);
    }
    const listed = async (ns: string) => {
      const answer = await ask(`app/referred/referrers/${one?.root.digest}?ns=${ns}`);
      return ((await answer.json()) as { manifests: unknown[] }).manifests.length;
    };
    expect([await listed('ghcr.io'), await listed('quay.io')]).toEqual([2, 0]);
  });

  it('knows Docker Hub by each of its names, and never answers from another registry', async () => {
    for (const ns of ['docker.io', 'index.docker.io', 'registry-1.docker.io']) {
      expect((await ask(`library/nginx/manifests/1.27?ns=${ns}`)).status, ns).toBe(200);
    }
    expect((await ask('library/nginx/manifests/1.27?ns=ghcr.io')).status).toBe(404);
  });
});

describe('referrers', () => {
  it('are an index of what points at a manifest, with its type and annotations, filtered where asked', async () => {
    const { root } = seeded('ghcr.io/app/referred:1');
    const path = `ghcr.io/app/referred/referrers/${root.digest}`;
    const all = await ask(path);
    const { manifests, ...index } = (await all.json()) as { manifests: { digest: string; artifactType: string }[] };
    expect([all.headers.get('content-type'), all.headers.get('oci-filters-applied')]).toEqual([
      mediaTypes.ociIndex,
      null,
    ]);
    expect(index).toEqual({ schemaVersion: 2, mediaType: mediaTypes.ociIndex });
    for (const { artifactType } of manifests) {
      const filtered = await ask(`${path}?artifactType=${encodeURIComponent(artifactType)}`);
      expect(filtered.headers.get('oci-filters-applied')).toBe('artifactType');
      expect(await filtered.json()).toMatchObject({
        manifests: manifests.filter((one) => one.artifactType === artifactType),
      });
    }
    const none = await ask(`${path}?artifactType=application/nobody`);
    expect([none.status, none.headers.get('oci-filters-applied'), await none.json()]).toMatchObject([
      200,
      'artifactType',
      { manifests: [] },
    ]);
    expect((await ask('app/referred/referrers/sha256:abc')).status).toBe(400);
  });
});

describe('refusals', () => {
  it('are JSON with errors that have a code and a message, for every kind of path', async () => {
    const paths = [
      'a/manifests/x',
      `a/blobs/sha256:${'0'.repeat(64)}`,
      'a/tags/list',
      'A/tags/list',
      'a/blobs/sha256:1',
      'a/b/c',
    ];
    for (const path of paths) {
      const answer = await ask(path);
      expect(answer.headers.get('content-type')).toBe('application/json');
      const { errors } = (await answer.json()) as { errors: { code: string; message: string }[] };
      expect(errors).toHaveLength(1);
      expect(errors[0]?.code, path).toMatch(/^[A-Z_]+$/);
      expect(errors[0]?.message).not.toContain(folder);
    }
  });

  it('say 405 and what is possible for any other method', async () => {
    for (const path of ['', '_catalog', 'a/tags/list', 'a/manifests/x']) {
      const answer = await ask(path, { method: 'DELETE' });
      expect([answer.status, answer.headers.get('allow')], path).toEqual([405, 'GET, HEAD']);
      await answer.arrayBuffer();
    }
    expect((await fetch(`${server.url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});
