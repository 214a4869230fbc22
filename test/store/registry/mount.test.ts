import { describe, expect, it } from 'vitest';
import { contentOfBytes } from '../../../src/store/verified.ts';
import { startUploads } from './fake-uploads.ts';
import {
  blobOf,
  closeAfterTest,
  errorOf,
  openRepository,
  openStore,
  patternBytes,
  startServer,
} from './loopback-server.ts';

const bytes = patternBytes(5000);
const blob = blobOf(bytes);

describe('mount()', () => {
  it('is true after 201', async () => {
    const server = await startServer(() => ({ status: 201 }));
    const from = { registry: server.host, repository: 'other/app' };
    expect(await openRepository(server).mount?.(blob, from)).toBe(true);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatchObject({ method: 'POST', path: '/v2/team/app/blobs/uploads/' });
    expect(Object.fromEntries(server.requests[0]?.query ?? [])).toEqual({ mount: blob.digest, from: 'other/app' });
  });

  it('asks the token for both repositories', async () => {
    const scopes: string[] = [];
    const server = await startServer((request) => {
      if (request.path === '/token') {
        const form = new URLSearchParams(request.body.toString());
        for (const entry of [...request.query.getAll('scope'), ...form.getAll('scope')])
          scopes.push(...entry.split(' '));
        return { status: 200, body: JSON.stringify({ token: 'abc', expires_in: 300 }) };
      }
      if (request.headers.authorization === 'Bearer abc') return { status: 201 };
      return { status: 401, headers: { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` } };
    });
    await openRepository(server).mount?.(blob, { registry: server.host, repository: 'other/app' });
    expect(scopes.sort()).toEqual(['repository:other/app:pull', 'repository:team/app:pull,push']);
  });

  it.each([400, 401, 403, 404, 500])('is false after %i, and tried again the next time', async (status) => {
    const server = await startServer(() => ({ status }));
    const repository = openRepository(server, { http: { retries: 0 } });
    const from = { registry: server.host, repository: 'other/app' };
    expect(await repository.mount?.(blob, from)).toBe(false);
    const before = server.requests.length;
    expect(await repository.mount?.(blob, from)).toBe(false);
    expect(server.requests.length).toBeGreaterThan(before);
  });

  it.each([405, 501])('is false after %i, and not tried again', async (status) => {
    const server = await startServer(() => ({ status }));
    const repository = openRepository(server);
    const from = { registry: server.host, repository: 'other/app' };
    expect(await repository.mount?.(blob, from)).toBe(false);
    expect(await repository.mount?.(blob, from)).toBe(false);
    expect(server.requests).toHaveLength(1);
  });

  it('is false for another registry without asking', async () => {
    const server = await startServer(() => ({ status: 201 }));
    expect(await openRepository(server).mount?.(blob, { registry: 'elsewhere.example', repository: 'a' })).toBe(false);
    expect(server.requests).toEqual([]);
  });

  it('is false after 202, and the push that follows uses the session', async () => {
    const registry = await startUploads();
    const repository = openRepository(registry);
    expect(await repository.mount?.(blob, { registry: registry.host, repository: 'other/app' })).toBe(false);
    await repository.push(blob, contentOfBytes(blob, bytes));
    expect(registry.log()).toEqual(['POST /v2/team/app/blobs/uploads/', 'PUT /v2/team/app/blobs/uploads/s1']);
    expect(registry.blobs.size).toBe(1);
  });

  it('leaves no session behind when nothing is pushed', async () => {
    const registry = await startUploads();
    const store = openStore(registry);
    const repository = store.repository({ registry: registry.host, repository: 'team/app' });
    await repository.mount?.(blob, { registry: registry.host, repository: 'other/app' });
    await repository.mount?.(blob, { registry: registry.host, repository: 'another/app' });
    expect(registry.sessions.size).toBe(1);
    await store.close();
    expect(registry.sessions.size).toBe(0);
    closeAfterTest(async () => {});
  });

  it('reports a target that cannot be reached', async () => {
    const server = await startServer(() => ({ status: 201, cutAfter: 0 }));
    const answer = openRepository(server).mount?.(blob, { registry: server.host, repository: 'other/app' });
    expect(await errorOf(Promise.resolve(answer))).toMatchObject({ code: 'ERR_UNREACHABLE', end: 'target' });
  });
});
