import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../../src/errors.ts';
import type { ReopenableContent, UploadState } from '../../../src/store/store.ts';
import { contentOfBytes, reopenable } from '../../../src/store/verified.ts';
import { startUploads } from './fake-uploads.ts';
import { blobOf, errorOf, openRepository, openStore, patternBytes, refuse } from './loopback-server.ts';

const kib = 1024;
const small = patternBytes(40 * kib);
const large = patternBytes(700 * kib, 7);
const inParts = { monolithicLimitBytes: 64 * kib, chunkBytes: 256 * kib };

/** Content that comes in pieces of odd length and remembers where it was opened. */
function pieces(bytes: Buffer, opened: number[] = []): ReopenableContent {
  return reopenable(blobOf(bytes), async function* (offset) {
    opened.push(offset);
    for (let at = offset; at < bytes.length; at += 10_007) yield bytes.subarray(at, at + 10_007);
  });
}

describe('push() of a small blob', () => {
  it('takes one POST and one PUT with the body', async () => {
    const registry = await startUploads();
    const result = await openRepository(registry).push(blobOf(small), pieces(small));
    expect(result).toEqual({ startedAt: 0 });
    expect(registry.blobs.get(blobOf(small).digest)?.equals(small)).toBe(true);
    expect(registry.log()).toEqual(['POST /v2/team/app/blobs/uploads/', 'PUT /v2/team/app/blobs/uploads/s1']);
    expect(registry.requests[1]?.headers).toMatchObject({
      'content-length': String(small.length),
      'content-type': 'application/octet-stream',
    });
    expect(registry.requests[0]?.headers['content-length']).toBe('0');
  });

  it('handles the empty blob', async () => {
    const registry = await startUploads();
    const empty = Buffer.alloc(0);
    await openRepository(registry).push(blobOf(empty), contentOfBytes(blobOf(empty), empty));
    expect(registry.blobs.get(blobOf(empty).digest)?.equals(empty)).toBe(true);
  });

  it('streams what is too large to be held, still in one PUT', async () => {
    const registry = await startUploads();
    const bytes = patternBytes(1500 * kib);
    await openRepository(registry).push(blobOf(bytes), pieces(bytes));
    expect(registry.blobs.get(blobOf(bytes).digest)?.equals(bytes)).toBe(true);
    expect(registry.requests).toHaveLength(2);
  });

  it.each([
    ['relative', (path: string) => path],
    ['absolute', (path: string, host: string) => `http://${host}${path}`],
    ['with a query', (path: string) => `${path}?_state=a%2Bb%20c&x=%2F`],
    ['relative to the request', (path: string) => path.slice(path.lastIndexOf('/') + 1)],
  ])('follows a Location that is %s and keeps its query as written', async (_name, location) => {
    const registry = await startUploads({ location });
    await openRepository(registry).push(blobOf(small), pieces(small));
    expect(registry.blobs.size).toBe(1);
    const sent = registry.requests[1]?.url ?? '';
    expect(sent.endsWith(`digest=${encodeURIComponent(blobOf(small).digest)}`)).toBe(true);
    if (_name === 'with a query') expect(sent).toContain('?_state=a%2Bb%20c&x=%2F&digest=');
  });

  it.each([
    ['another host', () => 'http://192.0.2.1/upload'],
    ['another port', () => 'http://127.0.0.1:1/upload'],
    ['another scheme', (path: string, host: string) => `https://${host}${path}`],
  ])('refuses a Location on %s', async (_name, location) => {
    const registry = await startUploads({ location });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', end: 'target', host: registry.host, retryable: false });
    expect(error.hint).toContain(registry.root.origin);
    expect(registry.requests).toHaveLength(1);
  });

  it('reports a missing Location', async () => {
    const registry = await startUploads({ location: () => '' });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  it('calls content the registry finds different ERR_DIGEST_MISMATCH, to be tried again', async () => {
    const registry = await startUploads();
    const wrong = { ...blobOf(small), digest: blobOf(large).digest };
    const content = { open: () => pieces(small).open(0) };
    const error = await errorOf(openRepository(registry).push(wrong, content));
    expect(error).toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
      retryable: true,
      status: 400,
      digest: wrong.digest,
      reference: `${registry.host}/team/app@${wrong.digest}`,
    });
    expect(registry.blobs.size).toBe(0);
  });

  it('sends nothing of content that proves wrong, and cancels the session', async () => {
    const registry = await startUploads();
    const wrong = { ...blobOf(large), digest: blobOf(small).digest };
    const content = reopenable(wrong, () => pieces(large).open(0));
    const error = await errorOf(openRepository(registry, inParts).push(wrong, content));
    expect(error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', end: undefined });
    expect(registry.blobs.size).toBe(0);
    expect(registry.sessions.size).toBe(0);
    expect(registry.log().at(-1)).toMatch(/^DELETE/);
  });

  it.each([
    [507, 'UNKNOWN', 'whatever'],
    [500, 'UNKNOWN', 'write /var/lib/registry: no space left on device'],
  ])('calls a full disk (%i) ERR_NO_SPACE', async (status, code, message) => {
    const registry = await startUploads({ complete: refuse(status, code, message) });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ code: 'ERR_NO_SPACE', retryable: false, end: 'target', status });
    expect(error.hint).toBeDefined();
  });

  it('leaves a 500 to be tried again', async () => {
    const registry = await startUploads({ complete: refuse(500, 'UNKNOWN') });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ retryable: true, end: 'target', status: 500 });
  });

  it('does not cancel an upload whose answer got lost', async () => {
    const registry = await startUploads({ complete: { status: 201, cutAfter: 0 } });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', retryable: true, end: 'target' });
    expect(registry.log().some((line) => line.startsWith('DELETE'))).toBe(false);
  });

  it('passes on what the content failed with', async () => {
    const registry = await startUploads();
    const content = reopenable(blobOf(large), async function* () {
      yield large.subarray(0, 1000);
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot fetch', { end: 'source', retryable: true });
    });
    const error = await errorOf(openRepository(registry).push(blobOf(large), content));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', end: 'source' });
    expect(registry.blobs.size).toBe(0);
  });

  it('stops when its signal is aborted', async () => {
    const registry = await startUploads();
    const abort = new AbortController();
    const content = reopenable(blobOf(large), async function* () {
      yield large.subarray(0, 1000);
      abort.abort();
      yield large.subarray(1000);
    });
    const push = openRepository(registry, inParts).push(blobOf(large), content, { signal: abort.signal });
    expect(await errorOf(push)).toMatchObject({ code: 'ERR_INTERRUPTED' });
    expect(registry.blobs.size).toBe(0);
  });
});

describe.each([
  ['collected', {}],
  ['streamed', { partMemoryBytes: 0 }],
])('push() of a large blob, parts %s', (way, memory) => {
  const settings = { ...inParts, ...memory };
  const collected = way === 'collected';

  it('sends parts with Content-Range and Content-Length, then an empty PUT, and tells how far it got', async () => {
    const registry = await startUploads();
    const states: (UploadState | undefined)[] = [];
    const opened: number[] = [];
    await openRepository(registry, settings).push(blobOf(large), pieces(large, opened), {
      onState: (state) => states.push(state),
    });
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
    const sent = registry.requests.filter((request) => request.method === 'PATCH');
    expect(sent.map((request) => request.headers['content-range'])).toEqual([
      '0-262143',
      '262144-524287',
      `524288-${large.length - 1}`,
    ]);
    expect(sent.map((request) => Number(request.headers['content-length']))).toEqual(
      sent.map(({ body }) => body.length),
    );
    expect(registry.requests.at(-1)).toMatchObject({ method: 'PUT', headers: { 'content-length': '0' } });
    expect(states.map((state) => state?.offset)).toEqual([262_144, 524_288, large.length, undefined]);
    expect(states[0]?.location).toBe(`${registry.root.origin}/v2/team/app/blobs/uploads/s1`);
    expect(opened).toEqual([0]);
  });

  it('sends again what a registry did not keep', async () => {
    const registry = await startUploads({ keep: 200 * kib });
    const states: (number | undefined)[] = [];
    await openRepository(registry, settings).push(blobOf(large), pieces(large), {
      onState: (state) => states.push(state?.offset),
    });
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
    expect(states).toEqual([200 * kib, 400 * kib, 600 * kib, 700 * kib, undefined]);
  });

  it('takes a registry at its word that says nothing about the range', async () => {
    const registry = await startUploads({ silent: true });
    await openRepository(registry, settings).push(blobOf(large), pieces(large));
    expect(registry.blobs.size).toBe(1);
  });

  it('distrusts a range beyond what was sent', async () => {
    const registry = await startUploads({ range: '0-999999999' });
    const error = await errorOf(openRepository(registry, settings).push(blobOf(large), pieces(large)));
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', retryable: true, end: 'target' });
  });

  it('keeps parts at the minimum the registry sets', async () => {
    const registry = await startUploads({ minimum: 400 * kib });
    await openRepository(registry, settings).push(blobOf(large), pieces(large));
    const lengths = registry.requests.filter(({ method }) => method === 'PATCH').map(({ body }) => body.length);
    expect(lengths).toEqual([400 * kib, 300 * kib]);
  });

  it.each([405, 501, 404])('goes on whole when the first PATCH is answered %i, and remembers it', async (status) => {
    const registry = await startUploads({ patch: { status } });
    const repository = openRepository(registry, settings);
    const opened: number[] = [];
    await repository.push(blobOf(large), pieces(large, opened));
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
    expect(opened).toEqual(collected ? [0] : [0, 0]);
    const before = registry.requests.length;
    await repository.push(blobOf(large), pieces(large));
    expect(registry.log().slice(before)).toEqual([expect.stringMatching(/^POST/), expect.stringMatching(/^PUT/)]);
  });

  it('makes parts smaller after 413, down to 1 MiB, and remembers the size', async () => {
    const bytes = patternBytes(5 * 1024 * kib);
    const registry = await startUploads({ bodyLimit: 1100 * kib });
    const repository = openRepository(registry, { ...settings, chunkBytes: 4 * 1024 * kib });
    await repository.push(blobOf(bytes), pieces(bytes));
    expect(registry.blobs.get(blobOf(bytes).digest)?.equals(bytes)).toBe(true);
    const before = registry.requests.length;
    await repository.push(blobOf(bytes), pieces(bytes));
    const lengths = registry.requests
      .slice(before)
      .flatMap(({ method, body }) => (method === 'PATCH' ? [body.length] : []));
    expect(lengths).toEqual(Array.from({ length: 5 }, () => 1024 * kib));
  });

  it('gives up with a hint when even small parts are too large', async () => {
    const registry = await startUploads({ bodyLimit: 10 * kib });
    const error = await errorOf(openRepository(registry, settings).push(blobOf(large), pieces(large)));
    expect(error).toMatchObject({
      status: 413,
      retryable: false,
      hint: expect.stringContaining('client_max_body_size'),
    });
  });

  it('goes on where an earlier attempt stopped, as the session says', async () => {
    const registry = await startUploads();
    registry.sessions.set('old', large.subarray(0, 300 * kib));
    const opened: number[] = [];
    const resume = { location: `${registry.root.origin}/v2/team/app/blobs/uploads/old`, offset: 1 };
    const result = await openRepository(registry, settings).push(blobOf(large), pieces(large, opened), { resume });
    expect(result.startedAt).toBe(300 * kib);
    expect(opened).toEqual([300 * kib]);
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
    expect(registry.log()[0]).toBe('GET /v2/team/app/blobs/uploads/old');
  });

  it('only completes what has arrived whole', async () => {
    const registry = await startUploads();
    registry.sessions.set('old', large);
    const opened: number[] = [];
    const resume = { location: `${registry.root.origin}/v2/team/app/blobs/uploads/old`, offset: large.length };
    const result = await openRepository(registry, settings).push(blobOf(large), pieces(large, opened), { resume });
    expect(result.startedAt).toBe(large.length);
    expect(opened).toEqual([]);
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
  });

  it.each([
    ['is gone', 'gone', undefined],
    ['has no bytes', 'fresh', Buffer.alloc(0)],
    ['has more bytes than the blob', 'long', Buffer.concat([large, large])],
  ])('starts at 0 when the session %s', async (_name, id, bytes) => {
    const registry = await startUploads();
    if (bytes !== undefined) registry.sessions.set(id, bytes);
    const states: (UploadState | undefined)[] = [];
    const resume = { location: `${registry.root.origin}/v2/team/app/blobs/uploads/${id}`, offset: 5 };
    const options = { resume, onState: (state: UploadState | undefined) => states.push(state) };
    const result = await openRepository(registry, settings).push(blobOf(large), pieces(large), options);
    expect(result.startedAt).toBe(0);
    expect(states[0]).toBeUndefined();
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
    expect(registry.sessions.size).toBe(0);
  });

  it('never asks another host for a session', async () => {
    const registry = await startUploads();
    const other = await startUploads();
    other.sessions.set('old', large.subarray(0, 300 * kib));
    const resume = { location: `${other.root.origin}/v2/team/app/blobs/uploads/old`, offset: 300 * kib };
    const result = await openRepository(registry, settings).push(blobOf(large), pieces(large), { resume });
    expect(result.startedAt).toBe(0);
    expect(other.requests).toEqual([]);
  });

  it('forgets a session whose bytes turn out wrong', async () => {
    const registry = await startUploads();
    registry.sessions.set('old', patternBytes(300 * kib, 99));
    const states: (UploadState | undefined)[] = [];
    const resume = { location: `${registry.root.origin}/v2/team/app/blobs/uploads/old`, offset: 300 * kib };
    const error = await errorOf(
      openRepository(registry, settings).push(blobOf(large), pieces(large), {
        resume,
        onState: (state) => states.push(state),
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', retryable: true });
    expect(states.at(-1)).toBeUndefined();
  });

  it('keeps the session when the registry fails in the middle, and goes on with it', async () => {
    const registry = await startUploads();
    const repository = openRepository(registry, settings);
    let state: UploadState | undefined;
    const onState = (next: UploadState | undefined) => {
      state = next;
      registry.behaviour.patch = next?.offset === 256 * kib ? { status: 500 } : undefined;
    };
    const error = await errorOf(repository.push(blobOf(large), pieces(large), { onState }));
    expect(error).toMatchObject({ retryable: true, end: 'target', status: 500 });
    expect(state?.offset).toBe(256 * kib);
    registry.behaviour.patch = undefined;
    const opened: number[] = [];
    const result = await repository.push(blobOf(large), pieces(large, opened), { resume: state });
    expect(result.startedAt).toBe(256 * kib);
    expect(opened).toEqual([256 * kib]);
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
  });

  it('reports a session that vanished in the middle as worth another try', async () => {
    const registry = await startUploads();
    const states: (UploadState | undefined)[] = [];
    const onState = (state: UploadState | undefined) => {
      states.push(state);
      registry.sessions.clear();
    };
    const error = await errorOf(openRepository(registry, settings).push(blobOf(large), pieces(large), { onState }));
    expect(error).toMatchObject({ code: 'ERR_PROTOCOL', status: 404, retryable: true });
    expect(states.at(-1)).toBeUndefined();
  });
});

describe('push() where content breaks off', () => {
  it('saves collected bytes before it fails, so that a registry with stateful locations can go on', async () => {
    const registry = await startUploads({ statefulLocation: true });
    const repository = openRepository(registry, inParts);
    let state: UploadState | undefined;
    const broken = reopenable(blobOf(large), async function* () {
      yield large.subarray(0, 400 * kib);
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot fetch', { end: 'source', retryable: true });
    });
    const onState = (next: UploadState | undefined) => {
      state = next;
    };
    expect(await errorOf(repository.push(blobOf(large), broken, { onState }))).toMatchObject({ end: 'source' });
    // The last chunk is held back by verification, so less than 400 KiB came out.
    const opened: number[] = [];
    expect(state?.offset).toBeUndefined();
    const chunked = reopenable(blobOf(large), async function* (offset) {
      for (let at = offset; at < 400 * kib; at += 8 * kib) yield large.subarray(at, at + 8 * kib);
      throw new AirgapError('ERR_UNREACHABLE', 'Cannot fetch', { end: 'source', retryable: true });
    });
    expect(await errorOf(repository.push(blobOf(large), chunked, { onState }))).toMatchObject({ end: 'source' });
    expect(state?.offset).toBe(392 * kib);
    const result = await repository.push(blobOf(large), pieces(large, opened), { resume: state });
    expect(result.startedAt).toBe(392 * kib);
    expect(opened).toEqual([392 * kib]);
    expect(registry.blobs.get(blobOf(large).digest)?.equals(large)).toBe(true);
  });
});

describe('push() where bodies in PUT are refused', () => {
  it.each([405, 501])('sends parts after %i, and remembers it', async (status) => {
    const registry = await startUploads({ putWithBody: { status } });
    const repository = openRepository(registry);
    await repository.push(blobOf(small), pieces(small));
    expect(registry.blobs.get(blobOf(small).digest)?.equals(small)).toBe(true);
    const before = registry.requests.length;
    await repository.push(blobOf(small), pieces(small));
    expect(
      registry
        .log()
        .slice(before)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['POST', 'PATCH', 'PUT']);
  });

  it('sends parts after 413, and larger blobs in parts at once', async () => {
    const bytes = patternBytes(3 * 1024 * kib);
    const registry = await startUploads({ bodyLimit: 2 * 1024 * kib });
    const repository = openRepository(registry);
    await repository.push(blobOf(bytes), pieces(bytes));
    expect(registry.blobs.get(blobOf(bytes).digest)?.equals(bytes)).toBe(true);
    const before = registry.requests.length;
    await repository.push(blobOf(bytes), pieces(bytes));
    expect(
      registry
        .log()
        .slice(before)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['POST', 'PATCH', 'PATCH', 'PATCH', 'PUT']);
    await repository.push(blobOf(small), pieces(small));
    expect(
      registry
        .log()
        .slice(-2)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['POST', 'PUT']);
  });

  it('says so when neither way is open', async () => {
    const registry = await startUploads({ putWithBody: { status: 405 }, patch: { status: 405 } });
    const error = await errorOf(openRepository(registry).push(blobOf(small), pieces(small)));
    expect(error).toMatchObject({ code: 'ERR_UNSUPPORTED', end: 'target', retryable: false });
  });

  it('tries parts when whole bodies were cut twice without an answer', async () => {
    const bytes = patternBytes(3 * 1024 * kib);
    const registry = await startUploads({ putWithBody: { status: 413, cutAfter: 0 } });
    const repository = openRepository(registry);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await errorOf(repository.push(blobOf(bytes), pieces(bytes)))).toMatchObject({ retryable: true });
    }
    await repository.push(blobOf(bytes), pieces(bytes));
    expect(registry.blobs.get(blobOf(bytes).digest)?.equals(bytes)).toBe(true);
  });
});

describe('push() and memory', () => {
  it('streams instead of waiting when all memory for parts is taken, and many at once all arrive', async () => {
    const registry = await startUploads();
    const store = openStore(registry, { ...inParts, partMemoryBytes: 1024 * kib });
    const blobs = Array.from({ length: 8 }, (_, index) => patternBytes(700 * kib, index + 20));
    const repository = store.repository({ registry: registry.host, repository: 'team/app' });
    await Promise.all(blobs.map((bytes) => repository.push(blobOf(bytes), pieces(bytes))));
    for (const bytes of blobs) expect(registry.blobs.get(blobOf(bytes).digest)?.equals(bytes)).toBe(true);
  });
});
