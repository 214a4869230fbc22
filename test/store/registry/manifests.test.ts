import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { acceptedManifests, mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import {
  errorOf,
  manifestOf,
  openRepository,
  type Received,
  type Reply,
  refuse,
  startServer,
} from './loopback-server.ts';

const { bytes, descriptor } = manifestOf();
const tag = parseTag('v1');
const usual = { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': descriptor.digest };
const good: Reply = { status: 200, headers: usual, body: bytes };
const head: Reply = { status: 200, headers: { ...usual, 'content-length': String(bytes.length) } };

/** Answers HEAD and GET of manifests. */
function serve(answers: { readonly head?: Reply; readonly get?: Reply | ((count: number) => Reply) }) {
  let count = 0;
  return startServer((request: Received) => {
    if (request.method === 'HEAD') return answers.head ?? head;
    count += 1;
    return typeof answers.get === 'function' ? answers.get(count) : (answers.get ?? good);
  });
}

describe('resolve()', () => {
  it('takes one HEAD, asking for every manifest type', async () => {
    const server = await serve({});
    const repository = openRepository(server, { end: 'source' });
    expect(await repository.resolve(tag)).toEqual(descriptor);
    expect(await repository.resolve(descriptor.digest)).toEqual(descriptor);
    expect(server.log()).toEqual([
      'HEAD /v2/team/app/manifests/v1',
      `HEAD /v2/team/app/manifests/${descriptor.digest}`,
    ]);
    expect(server.requests[0]?.headers.accept).toBe(acceptedManifests.join(', '));
  });

  it.each([405, 501])('asks by GET where HEAD is answered %i, and remembers it', async (status) => {
    const server = await serve({ head: { status } });
    const repository = openRepository(server);
    expect(await repository.resolve(tag)).toEqual(descriptor);
    expect(await repository.resolve(tag)).toEqual(descriptor);
    expect(server.requests.map((request) => request.method)).toEqual(['HEAD', 'GET', 'GET']);
  });

  it.each([
    ['the digest is missing', { ...head.headers, 'docker-content-digest': '' }],
    ['the digest is malformed', { ...head.headers, 'docker-content-digest': 'sha256:123' }],
    ['the type is generic', { ...head.headers, 'content-type': 'application/json' }],
    ['the length is missing', { ...head.headers, 'content-length': '0' }],
  ])('asks by GET where HEAD does not say enough: %s', async (_name, headers) => {
    const server = await serve({ head: { status: 200, headers: headers as Record<string, string> } });
    expect(await openRepository(server).resolve(tag)).toEqual(descriptor);
  });

  it('believes the bytes rather than a HEAD that names another digest than asked', async () => {
    const server = await serve({
      head: { status: 200, headers: { ...head.headers, 'docker-content-digest': digestOf(Buffer.from('x')) } },
    });
    expect(await openRepository(server).resolve(descriptor.digest)).toEqual(descriptor);
    expect(server.requests).toHaveLength(2);
  });

  it('throws ERR_NOT_FOUND with end, host and reference', async () => {
    const server = await serve({ head: { status: 404 } });
    expect(await errorOf(openRepository(server, { end: 'source' }).resolve(tag))).toMatchObject({
      code: 'ERR_NOT_FOUND',
      end: 'source',
      host: server.host,
      reference: `${server.host}/team/app:v1`,
      status: 404,
      retryable: false,
      message: `Cannot resolve "${server.host}/team/app:v1": registry answered 404`,
    });
  });
});

describe('manifest()', () => {
  it('gives the bytes as they came, by tag and by digest', async () => {
    const server = await serve({});
    const repository = openRepository(server);
    for (const wanted of [tag, descriptor.digest]) {
      const found = await repository.manifest(wanted);
      expect(found.descriptor).toEqual(descriptor);
      expect(Buffer.from(found.bytes).equals(bytes)).toBe(true);
    }
  });

  it('checks sha512 by sha512', async () => {
    const digest = digestOf(bytes, 'sha512');
    const server = await serve({});
    expect((await openRepository(server).manifest(digest)).descriptor.digest).toBe(digest);
    const other = digestOf(Buffer.from('x'), 'sha512');
    expect(await errorOf(openRepository(server).manifest(other))).toMatchObject({ code: 'ERR_DIGEST_MISMATCH' });
  });

  it('asks again once for wrong bytes', async () => {
    const wrong = manifestOf('two').bytes;
    const server = await serve({ get: (count) => (count === 1 ? { ...good, body: wrong } : good) });
    expect((await openRepository(server).manifest(tag)).descriptor).toEqual(descriptor);
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['by tag', tag],
    ['by digest', descriptor.digest],
  ])('throws ERR_DIGEST_MISMATCH for bytes that stay wrong, %s', async (_name, wanted) => {
    const server = await serve({ get: { ...good, body: manifestOf('two').bytes } });
    const error = await errorOf(openRepository(server).manifest(wanted));
    expect(error).toMatchObject({ code: 'ERR_DIGEST_MISMATCH', end: 'target', digest: descriptor.digest });
    expect(server.requests).toHaveLength(2);
  });

  it('computes the digest where the header is missing or wrong but the digest was asked', async () => {
    for (const claimed of ['', 'nonsense', digestOf(Buffer.from('x'))]) {
      const server = await serve({ get: { ...good, headers: { ...usual, 'docker-content-digest': claimed } } });
      expect((await openRepository(server).manifest(descriptor.digest)).descriptor).toEqual(descriptor);
    }
  });

  it.each([
    [{ mediaType: mediaTypes.dockerList, manifests: [] }, 'application/json', mediaTypes.dockerList],
    [{ manifests: [] }, 'text/plain; charset=utf-8', mediaTypes.ociIndex],
    [{ config: {}, layers: [] }, '', mediaTypes.ociManifest],
    [{ config: {}, layers: [] }, `${mediaTypes.dockerManifest}; charset=utf-8`, mediaTypes.dockerManifest],
    [{ mediaType: mediaTypes.ociIndex, manifests: [] }, mediaTypes.dockerList, mediaTypes.ociIndex],
  ])('knows the type of %j served as %j', async (document, header, mediaType) => {
    const body = JSON.stringify({ schemaVersion: 2, ...document });
    const server = await serve({ get: { status: 200, headers: { 'content-type': header }, body } });
    expect((await openRepository(server).manifest(tag)).descriptor.mediaType).toBe(mediaType);
  });

  it.each([
    [{ schemaVersion: 1, fsLayers: [] }, 'application/json'],
    [{ schemaVersion: 1 }, mediaTypes.dockerSchema1Signed],
  ])('refuses schema 1 (%j)', async (document, header) => {
    const server = await serve({
      get: { status: 200, headers: { 'content-type': header }, body: JSON.stringify(document) },
    });
    const error = await errorOf(openRepository(server, { end: 'source' }).manifest(tag));
    expect(error).toMatchObject({
      code: 'ERR_UNSUPPORTED',
      end: 'source',
      message: expect.stringContaining('schema 1'),
    });
    expect(error.hint).toBeDefined();
  });

  it('refuses schema 1 at HEAD already', async () => {
    const server = await serve({
      head: { status: 200, headers: { ...head.headers, 'content-type': mediaTypes.dockerSchema1 } },
    });
    expect(await errorOf(openRepository(server).resolve(tag))).toMatchObject({ code: 'ERR_UNSUPPORTED' });
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['<html>please sign in</html>', 'text/html', 'ERR_PROTOCOL'],
    ['[]', mediaTypes.ociManifest, 'ERR_PROTOCOL'],
    ['{"mediaType": "application/vnd.example"}', '', 'ERR_UNSUPPORTED'],
  ])('refuses %s', async (body, type, code) => {
    const server = await serve({ get: { status: 200, headers: { 'content-type': type }, body } });
    expect(await errorOf(openRepository(server).manifest(tag))).toMatchObject({ code, end: 'target' });
  });

  it('stops reading above 4 MiB, with and without a length', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024 + 1, 32);
    for (const headers of [{}, { 'content-length': '', 'transfer-encoding': 'chunked' }]) {
      const server = await serve({ get: { status: 200, headers: { ...usual, ...(headers as object) }, body } });
      const error = await errorOf(openRepository(server).manifest(tag));
      expect(error).toMatchObject({ code: 'ERR_SIZE_MISMATCH', end: 'target' });
    }
  });

  it('tells what the registry says, on one line', async () => {
    const server = await serve({ get: refuse(404, 'MANIFEST_UNKNOWN', 'manifest\nunknown.') });
    const error = await errorOf(openRepository(server).manifest(tag));
    expect(error.message).toBe(
      `Cannot fetch manifest "${server.host}/team/app:v1": registry answered 404 MANIFEST_UNKNOWN (manifest unknown)`,
    );
  });

  it('asks tokens for reading as a source, for writing as a target', async () => {
    const scopes: string[] = [];
    const server = await startServer((request) => {
      if (request.path === '/token') {
        const form = new URLSearchParams(request.body.toString());
        scopes.push(...request.query.getAll('scope'), ...form.getAll('scope'));
        return { status: 200, body: JSON.stringify({ token: 'abc', expires_in: 300 }) };
      }
      if (request.headers.authorization === 'Bearer abc') return good;
      const challenge = `Bearer realm="http://${request.headers.host}/token",service="x"`;
      return { status: 401, headers: { 'www-authenticate': challenge } };
    });
    await openRepository(server, { end: 'source' }).manifest(tag);
    await openRepository(server, { end: 'target' }).manifest(tag);
    await openRepository(server, { end: 'target', readOnly: true }).manifest(tag);
    expect(scopes).toEqual(['repository:team/app:pull', 'repository:team/app:pull,push', 'repository:team/app:pull']);
  });
});
