import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { errorOf, manifestOf, openRepository, openStore, type Reply, refuse, startServer } from './loopback-server.ts';

const { bytes, descriptor } = manifestOf();
const created: Reply = { status: 201, headers: { 'docker-content-digest': descriptor.digest } };

describe('pushManifest()', () => {
  it('puts the bytes as they are, by digest or by tag', async () => {
    const server = await startServer(() => created);
    const repository = openRepository(server);
    await repository.pushManifest(descriptor, bytes);
    await repository.pushManifest(descriptor, bytes, { tag: parseTag('v1') });
    expect(server.log()).toEqual([`PUT /v2/team/app/manifests/${descriptor.digest}`, 'PUT /v2/team/app/manifests/v1']);
    for (const request of server.requests) {
      expect(request.body.equals(bytes)).toBe(true);
      expect(request.headers['content-type']).toBe(descriptor.mediaType);
    }
  });

  it('repeats after 500 and after a lost answer', async () => {
    const replies: Reply[] = [{ status: 500 }, { status: 201, cutAfter: 0 }];
    const server = await startServer(() => replies.shift() ?? created);
    await openRepository(server, { http: { retries: 3 } }).pushManifest(descriptor, bytes);
    expect(server.requests).toHaveLength(3);
  });

  it('does not repeat on a full disk', async () => {
    const server = await startServer(() => refuse(500, 'UNKNOWN', 'no space left on device'));
    const error = await errorOf(openRepository(server, { http: { retries: 3 } }).pushManifest(descriptor, bytes));
    expect(error).toMatchObject({ code: 'ERR_NO_SPACE', end: 'target' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    [400, 'MANIFEST_BLOB_UNKNOWN'],
    [404, 'BLOB_UNKNOWN'],
    [404, 'MANIFEST_UNKNOWN'],
    [404, 'UNKNOWN'],
  ])('calls a missing child (%i %s) worth another try', async (status, code) => {
    const server = await startServer(() => refuse(status, code));
    expect(await errorOf(openRepository(server).pushManifest(descriptor, bytes))).toMatchObject({
      code: 'ERR_PROTOCOL',
      retryable: true,
      status,
      end: 'target',
      host: server.host,
      reference: `${server.host}/team/app@${descriptor.digest}`,
    });
  });

  it('sees the missing child behind another code, as distribution 2.8 writes it', async () => {
    const errors = [{ code: 'DIGEST_INVALID' }, { code: 'MANIFEST_BLOB_UNKNOWN' }];
    const server = await startServer(() => ({ status: 400, body: JSON.stringify({ errors }) }));
    expect(await errorOf(openRepository(server).pushManifest(descriptor, bytes))).toMatchObject({ retryable: true });
  });

  it('calls a refused manifest final', async () => {
    const server = await startServer(() => refuse(400, 'MANIFEST_INVALID'));
    expect(await errorOf(openRepository(server).pushManifest(descriptor, bytes))).toMatchObject({
      code: 'ERR_PROTOCOL',
      retryable: false,
      message: expect.stringContaining('MANIFEST_INVALID'),
    });
  });

  it('notices a registry that stored something else', async () => {
    const other = digestOf(Buffer.from('x'));
    const server = await startServer(() => ({ status: 201, headers: { 'docker-content-digest': other } }));
    const error = await errorOf(openRepository(server).pushManifest(descriptor, bytes, { tag: parseTag('v1') }));
    expect(error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', digest: descriptor.digest });
    expect(error.message).toContain(other);
    expect(error.message).toContain(descriptor.digest);
  });

  it('does not send bytes that are not those of the descriptor', async () => {
    const server = await startServer(() => created);
    const wrong = manifestOf('two').bytes;
    expect(await errorOf(openRepository(server).pushManifest(descriptor, wrong))).toMatchObject({
      code: 'ERR_DIGEST_MISMATCH',
    });
    expect(server.requests).toEqual([]);
  });
});

describe('acceptsSparseIndex()', () => {
  const name = (host: string) => ({ registry: host, repository: 'team/app' });

  it('puts an incomplete index by digest only, and deletes it', async () => {
    const server = await startServer((request) => ({ status: request.method === 'PUT' ? 201 : 202 }));
    const store = openStore(server);
    expect(await store.acceptsSparseIndex?.(name(server.host))).toBe(true);
    const digest = digestOf(server.requests[0]?.body ?? Buffer.alloc(0));
    expect(server.log()).toEqual([`PUT /v2/team/app/manifests/${digest}`, `DELETE /v2/team/app/manifests/${digest}`]);
  });

  it.each([400, 404, 422, 412])('is false after %i, and asked once', async (status) => {
    const server = await startServer(() => ({ status }));
    const store = openStore(server);
    expect(await store.acceptsSparseIndex?.(name(server.host))).toBe(false);
    expect(await store.acceptsSparseIndex?.({ ...name(server.host), repository: 'other' })).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  it('does not know, and writes nothing, when it may not write', async () => {
    const server = await startServer(() => ({ status: 201 }));
    expect(await openStore(server).acceptsSparseIndex?.(name(server.host), { mayWrite: false })).toBeUndefined();
    expect(server.requests).toEqual([]);
  });

  it('is true even where deleting is not allowed', async () => {
    const server = await startServer((request) => ({ status: request.method === 'PUT' ? 201 : 405 }));
    expect(await openStore(server).acceptsSparseIndex?.(name(server.host))).toBe(true);
  });

  it('reports that pushing is not allowed at all', async () => {
    const server = await startServer(() => ({ status: 403 }));
    const answer = openStore(server).acceptsSparseIndex?.(name(server.host));
    expect(await errorOf(Promise.resolve(answer))).toMatchObject({ code: 'ERR_DENIED', end: 'target' });
  });
});
