import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { randomBytes } from '../support/layers.ts';

const store = openMemory();
let server: RunningServer;

beforeAll(async () => {
  server = await serveStore(store, { writable: true, graceMs: 100 });
});
afterAll(() => server.close());

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(new URL(path, server.url), init);
}

async function startSession(name: string): Promise<string> {
  const started = await ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
  expect(started.status).toBe(202);
  return started.headers.get('location') ?? '';
}

async function pushBlob(name: string, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes);
  const location = await startSession(name);
  expect(
    (await ask(`${location}?digest=${digest}`, { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer> })).status,
  ).toBe(201);
  return digest;
}

async function code(answer: Response): Promise<[number, string | undefined]> {
  const body = (await answer.json()) as { errors: { code: string }[] };
  return [answer.status, body.errors[0]?.code];
}

function putManifest(path: string, document: unknown, mediaType: string = mediaTypes.ociManifest): Promise<Response> {
  return ask(path, { method: 'PUT', body: JSON.stringify(document), headers: { 'content-type': mediaType } });
}

describe('serveStore() taking blobs', () => {
  it('takes a blob in one request, in two, and in chunks', async () => {
    const bytes = randomBytes('blob', 5_000) as Uint8Array<ArrayBuffer>;
    const digest = digestOf(bytes);
    const single = await ask(`/v2/one/a/blobs/uploads/?digest=${digest}`, { method: 'POST', body: bytes });
    expect([single.status, single.headers.get('location')]).toEqual([201, `/v2/one/a/blobs/${digest}`]);
    await pushBlob('two/a', bytes);
    const location = await startSession('three/a');
    for (const [start, end] of [
      [0, 2_000],
      [2_000, 4_000],
    ] as const) {
      const range = { 'content-range': `${start}-${end - 1}` };
      const part = await ask(location, { method: 'PATCH', body: bytes.subarray(start, end), headers: range });
      expect([part.status, part.headers.get('range')]).toEqual([202, `0-${end - 1}`]);
    }
    const last = await ask(`${location}?digest=${digest}`, {
      method: 'PUT',
      body: bytes.subarray(4_000),
      headers: { 'content-range': '4000-4999' },
    });
    expect(last.status).toBe(201);
    for (const name of ['one/a', 'two/a', 'three/a']) {
      const got = await ask(`/v2/${name}/blobs/${digest}`);
      expect(Buffer.from(await got.arrayBuffer()).equals(bytes), name).toBe(true);
    }
    expect((await ask(location, { method: 'GET' })).status).toBe(404);
  });

  it('takes the empty blob', async () => {
    const digest = await pushBlob('empty/a', new Uint8Array());
    expect((await ask(`/v2/empty/a/blobs/${digest}`)).headers.get('content-length')).toBe('0');
  });

  it('refuses a chunk that does not follow and says how far it is', async () => {
    const location = await startSession('gap/a');
    await ask(location, { method: 'PATCH', body: '0123456789', headers: { 'content-range': '0-9' } });
    for (const range of ['0-9', '11-20', '10-15', 'x']) {
      const wrong = await ask(location, { method: 'PATCH', body: '0123456789', headers: { 'content-range': range } });
      expect([wrong.status, wrong.headers.get('range')], range).toEqual([416, '0-9']);
    }
    const told = await ask(location);
    expect([told.status, told.headers.get('range')]).toEqual([204, '0-9']);
  });

  it('makes nothing visible when the digest is wrong', async () => {
    const wrong = digestOf(Buffer.from('something else'));
    const location = await startSession('wrong/a');
    expect(await code(await ask(`${location}?digest=${wrong}`, { method: 'PUT', body: 'bytes' }))).toEqual([
      400,
      'DIGEST_INVALID',
    ]);
    expect((await ask(`/v2/wrong/a/blobs/${wrong}`, { method: 'HEAD' })).status).toBe(404);
    expect((await ask(`${location}?digest=none`, { method: 'PUT' })).status).toBe(404);
  });

  it('keeps what came before a client was cut off, so that it can go on', async () => {
    const bytes = randomBytes('resumed', 300_000) as Uint8Array<ArrayBuffer>;
    const location = await startSession('cut/a');
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    await new Promise<void>((resolve) => socket.write(bytes.subarray(0, 100_000), () => resolve()));
    await expect.poll(async () => (socket.bytesWritten > 100_000 ? 'sent' : 'not yet')).toBe('sent');
    socket.end();
    await new Promise((resolve) => socket.once('close', resolve).resume());
    const told = await ask(location);
    const offset = Number(told.headers.get('range')?.slice(2)) + 1;
    expect(offset).toBe(100_000);
    const done = await ask(`${location}?digest=${digestOf(bytes)}`, { method: 'PUT', body: bytes.subarray(offset) });
    expect(done.status).toBe(201);
  });

  it('forgets a session that is deleted, and knows none of another repository', async () => {
    const location = await startSession('gone/a');
    expect(await code(await ask(location.replace('gone', 'other')))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    expect((await ask(location, { method: 'DELETE' })).status).toBe(204);
    expect(await code(await ask(location))).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
  });

  it('mounts what another repository has and opens a session for what none has', async () => {
    const digest = await pushBlob('from/a', Buffer.from('mounted'));
    const mounted = await ask(`/v2/to/a/blobs/uploads/?mount=${digest}&from=from/a`, { method: 'POST' });
    expect([mounted.status, mounted.headers.get('docker-content-digest')]).toEqual([201, digest]);
    expect(await (await ask(`/v2/to/a/blobs/${digest}`)).text()).toBe('mounted');
    const refused = await ask(`/v2/to/b/blobs/uploads/?mount=${digest}&from=nobody/a`, { method: 'POST' });
    expect(refused.status).toBe(202);
    expect((await ask(`/v2/to/b/blobs/${digest}`)).status).toBe(404);
  });
});

describe('serveStore() taking manifests', () => {
  const image = async (name: string) => {
    const config = { mediaType: mediaTypes.ociConfig, digest: await pushBlob(name, Buffer.from('{}')), size: 2 };
    return { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] as unknown[] };
  };

  it('takes one by tag and by digest, with exactly its bytes', async () => {
    const document = await image('manifests/a');
    const digest = digestOf(Buffer.from(JSON.stringify(document)));
    const put = await putManifest('/v2/manifests/a/manifests/v1', document);
    expect([put.status, put.headers.get('docker-content-digest')]).toEqual([201, digest]);
    expect((await putManifest(`/v2/manifests/a/manifests/${digest}`, document)).status).toBe(201);
    expect(await (await ask('/v2/manifests/a/manifests/v1')).text()).toBe(JSON.stringify(document));
    const stored = await store.repository({ registry: 'localhost', repository: 'manifests/a' }).resolve(parseTag('v1'));
    expect(stored).toMatchObject({ digest, mediaType: mediaTypes.ociManifest });
  });

  it('refuses one whose blob or child is not here and names it', async () => {
    const document = await image('lacking/a');
    const absent = { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(Buffer.from('absent')), size: 6 };
    const blob = await putManifest('/v2/lacking/a/manifests/v1', { ...document, layers: [absent] });
    expect(await blob.text()).toContain(absent.digest);
    const index = {
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [{ ...absent, mediaType: mediaTypes.ociManifest }],
    };
    expect(await code(await putManifest('/v2/lacking/a/manifests/v1', index, mediaTypes.ociIndex))).toEqual([
      400,
      'MANIFEST_BLOB_UNKNOWN',
    ]);
    expect((await ask('/v2/lacking/a/manifests/v1')).status).toBe(404);
    const foreign = { ...absent, urls: ['https://x.invalid/'] };
    expect((await putManifest('/v2/lacking/a/manifests/v1', { ...document, layers: [foreign] })).status).toBe(201);
  });

  it('takes a sparse index only when asked to', async () => {
    const own = await serveStore(openMemory(), { writable: true, sparse: true });
    const child = { mediaType: mediaTypes.ociManifest, digest: digestOf(Buffer.from('absent')), size: 6 };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [child] });
    const put = await fetch(`${own.url}/v2/a/b/manifests/v1`, {
      method: 'PUT',
      body,
      headers: { 'content-type': mediaTypes.ociIndex },
    });
    expect(put.status).toBe(201);
    await own.close();
  });

  it('refuses a wrong digest, a foreign media type, no JSON, a bad tag and more than 4 MiB', async () => {
    const document = await image('bad/a');
    const wrong = digestOf(Buffer.from('x'));
    expect(await code(await putManifest(`/v2/bad/a/manifests/${wrong}`, document))).toEqual([400, 'DIGEST_INVALID']);
    expect(await code(await putManifest('/v2/bad/a/manifests/v1', document, 'text/html'))).toEqual([
      400,
      'MANIFEST_INVALID',
    ]);
    expect(await code(await putManifest('/v2/bad/a/manifests/v1', 'words'))).toEqual([400, 'MANIFEST_INVALID']);
    expect(await code(await putManifest('/v2/bad/a/manifests/-v1', document))).toEqual([404, 'MANIFEST_UNKNOWN']);
    const huge = { ...document, annotations: { x: 'x'.repeat(4 * 1024 * 1024) } };
    expect(await code(await putManifest('/v2/bad/a/manifests/v1', huge))).toEqual([413, 'SIZE_INVALID']);
  });

  it('says which subject it took, and lists new repositories at once', async () => {
    expect(JSON.stringify(await (await ask('/v2/_catalog')).json())).not.toContain('fresh/a');
    const document = await image('fresh/a');
    const subject = { mediaType: mediaTypes.ociManifest, digest: digestOf(Buffer.from('subject')), size: 7 };
    const put = await putManifest('/v2/fresh/a/manifests/v1', { ...document, subject });
    expect(put.headers.get('oci-subject')).toBe(subject.digest);
    expect(JSON.stringify(await (await ask('/v2/_catalog')).json())).toContain('fresh/a');
    expect(await (await ask(`/v2/fresh/a/referrers/${subject.digest}`)).json()).toMatchObject({
      manifests: [{ artifactType: mediaTypes.ociConfig }],
    });
  });
});
