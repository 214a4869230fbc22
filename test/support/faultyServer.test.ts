import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { actions, fault, quirks, startUpstream, type Upstream, type UpstreamOptions } from './faultyServer.ts';
import { randomBytes } from './layers.ts';

const bytes = randomBytes('faulty', 200_000) as Uint8Array<ArrayBuffer>;
const blob: Descriptor = { mediaType: mediaTypes.octetStream, digest: digestOf(bytes), size: bytes.length };
const store = openMemory();
const path = `/v2/a/b/blobs/${blob.digest}`;
let upstream: Upstream;

beforeAll(async () => {
  await store.repository({ registry: 'localhost', repository: 'a/b' }).push(blob, contentOfBytes(blob, bytes));
});
afterEach(() => upstream.close());

async function start(options: Omit<UpstreamOptions, 'store'>): Promise<void> {
  upstream = await startUpstream({ store, ...options });
}

/** What a client got before the answer ended or broke. */
async function get(
  target = path,
  init: RequestInit = {},
): Promise<{ status: number; body: Buffer; broken: boolean; headers: Headers }> {
  const chunks: Uint8Array[] = [];
  let status = 0;
  let headers = new Headers();
  try {
    const answer = await fetch(new URL(target, upstream.url), init);
    status = answer.status;
    headers = answer.headers;
    for await (const chunk of answer.body ?? []) chunks.push(chunk);
    return { status, body: Buffer.concat(chunks), broken: false, headers };
  } catch {
    return { status, body: Buffer.concat(chunks), broken: true, headers };
  }
}

describe('startUpstream()', () => {
  it('passes on what no fault meets, and counts it by digest', async () => {
    await start({});
    expect((await get()).body.equals(bytes)).toBe(true);
    const part = await get(path, { headers: { range: 'bytes=0-99' } });
    expect([part.status, part.body.length]).toEqual([206, 100]);
    expect(upstream.log.blobBytes().get(blob.digest)).toBe(bytes.length + 100);
    expect(upstream.log.blobFetches().get(blob.digest)).toBe(2);
    expect(upstream.log.find({ method: 'GET', path: /blobs/ })).toHaveLength(2);
  });

  it('answers a status as often as asked, after as many as asked', async () => {
    const twice = fault({ path: /blobs/, times: 2, skip: 1 }, actions.status(429, { headers: { 'retry-after': '1' } }));
    await start({ faults: [twice] });
    const seen = [];
    for (let round = 0; round < 4; round += 1) seen.push((await get()).status);
    expect(seen).toEqual([200, 429, 429, 200]);
  });

  it.each([
    ['cutAfter', actions.cutAfter(70_000)],
    ['finAfter', actions.finAfter(70_000)],
  ])('ends an answer early: %s', async (_, action) => {
    await start({ faults: [fault({ times: 1 }, action)] });
    expect(await get()).toMatchObject({ status: 200, broken: true });
    expect(upstream.log.blobBytes().get(blob.digest)).toBe(70_000);
    expect((await get()).broken).toBe(false);
  });

  it('breaks before an answer, with nonsense, and never', async () => {
    await start({
      faults: [
        fault({ times: 1 }, actions.resetAtOnce),
        fault({ times: 1 }, actions.malformedHead),
        fault({ times: 1 }, actions.silence),
        fault({ times: 1 }, actions.stallAfter(10)),
      ],
    });
    expect(await get()).toMatchObject({ status: 0, broken: true });
    expect(await get()).toMatchObject({ status: 0, broken: true });
    expect(await get(path, { signal: AbortSignal.timeout(100) })).toMatchObject({ status: 0, broken: true });
    const stalled = await get(path, { signal: AbortSignal.timeout(200) });
    expect([stalled.status, stalled.broken, stalled.body.length]).toEqual([200, true, 10]);
  });

  it('changes a byte, ranges and headers', async () => {
    await start({ faults: [fault({ times: 1 }, actions.flipByte(150_000))] });
    const flipped = (await get()).body;
    expect([...flipped].filter((byte, at) => byte !== bytes[at])).toHaveLength(1);
    upstream.faults.add(quirks.rangeIgnored);
    expect((await get(path, { headers: { range: 'bytes=0-9' } })).status).toBe(200);
    upstream.faults.clear();
    upstream.faults.add(quirks.wrongContentRange);
    const wrong = await get(path, { headers: { range: 'bytes=0-9' } });
    expect([wrong.status, wrong.headers.get('content-range')]).toEqual([206, 'bytes 1-2/3']);
    upstream.faults.clear();
    upstream.faults.add(quirks.noContentLength);
    const chunked = await get();
    expect([chunked.headers.get('content-length'), chunked.body.length]).toEqual([null, bytes.length]);
    upstream.faults.clear();
    upstream.faults.add(quirks.headRefused, quirks.noDigestHeader);
    expect((await get(path, { method: 'HEAD' })).status).toBe(405);
    expect((await get()).headers.get('docker-content-digest')).toBeNull();
  });

  it('asks for tokens that end, and for scopes', async () => {
    await start({ tokens: { lifetimeMs: 150 } });
    const refused = await get();
    const challenge = refused.headers.get('www-authenticate') ?? '';
    expect([refused.status, challenge]).toEqual([
      401,
      `Bearer realm="${upstream.url}/token",service="test",scope="repository:a/b:pull"`,
    ]);
    const token = async (scope: string) =>
      (JSON.parse((await get(`/token?service=test&scope=${scope}`)).body.toString()) as { token: string }).token;
    const authorization = `Bearer ${await token('repository:a/b:pull')}`;
    expect((await get(path, { headers: { authorization } })).status).toBe(200);
    const other = `Bearer ${await token('repository:x/y:pull')}`;
    expect((await get(path, { headers: { authorization: other } })).headers.get('www-authenticate')).toContain(
      'insufficient_scope',
    );
    await new Promise((resolve) => setTimeout(resolve, 160));
    expect((await get(path, { headers: { authorization } })).status).toBe(401);
    expect(upstream.guard.issued).toBe(2);
    expect(upstream.log.find({ at: 'tokens' })).toHaveLength(2);
  });

  it('redirects blobs to another origin that takes no credentials and no old URL', async () => {
    await start({ redirectBlobs: { expiresMs: 150 } });
    expect((await get()).body.equals(bytes)).toBe(true);
    expect(upstream.log.find({ at: 'blobHost' })).toMatchObject([{ status: 200, sent: bytes.length }]);
    const { headers } = await get(path, { redirect: 'manual' });
    const location = headers.get('location') ?? '';
    expect((await get(location, { headers: { authorization: 'Bearer x' } })).status).toBe(400);
    await new Promise((resolve) => setTimeout(resolve, 160));
    expect((await get(location)).status).toBe(403);
  });

  it('breaks uploads on their way and loses answers', async () => {
    const target = openMemory();
    await start({});
    await upstream.close();
    upstream = await startUpstream({
      store: target,
      serve: { writable: true },
      faults: [
        fault({ method: 'PATCH', times: 1 }, actions.cutUpload(50_000)),
        fault({ method: 'PUT', times: 1 }, actions.loseAnswer),
        quirks.mountRefused,
        quirks.singlePostIgnored,
      ],
    });
    const begun = await get(`/v2/x/y/blobs/uploads/?mount=${blob.digest}&from=a/b`, { method: 'POST' });
    const location = begun.headers.get('location') ?? '';
    expect(begun.status).toBe(202);
    expect((await get(location, { method: 'PATCH', body: bytes })).broken).toBe(true);
    const told = await get(location);
    expect(told.headers.get('range')).toBe('0-49999');
    const rest = {
      method: 'PATCH',
      body: bytes.subarray(50_000),
      headers: { 'content-range': `50000-${bytes.length - 1}` },
    };
    expect((await get(location, rest)).status).toBe(202);
    expect((await get(`${location}?digest=${blob.digest}`, { method: 'PUT' })).broken).toBe(true);
    expect((await get(`/v2/x/y/blobs/${blob.digest}`)).body.equals(bytes)).toBe(true);
    expect((await get(`/v2/x/y/blobs/uploads/?digest=${blob.digest}`, { method: 'POST', body: bytes })).status).toBe(
      202,
    );
  });

  it('goes away and comes back on the same port', async () => {
    await start({});
    await upstream.stop();
    expect((await get()).status).toBe(0);
    await upstream.start();
    expect((await get()).status).toBe(200);
  });
});
