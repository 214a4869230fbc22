import { describe, expect, it } from 'vitest';
import {
  blobOf,
  errorOf,
  manifestOf,
  openRepository,
  patternBytes,
  type Received,
  type Reply,
  startServer,
} from './loopback-server.ts';

const bytes = patternBytes(3000);
const blob = blobOf(bytes);
const manifest = manifestOf();
const length = (size: number) => ({ 'content-length': String(size) });

async function asked(reply: Reply | ((request: Received) => Reply), what = blob) {
  const server = await startServer(typeof reply === 'function' ? reply : () => reply);
  const repository = openRepository(server);
  return { server, repository, answer: repository.exists(what) };
}

describe('exists()', () => {
  it.each([
    ['of its size', { status: 200, headers: length(blob.size) }, true],
    ['of no known size', { status: 200, headers: { 'content-length': '', 'transfer-encoding': 'chunked' } }, true],
    ['of another size', { status: 200, headers: length(blob.size - 1) }, false],
    [
      'under another digest',
      { status: 200, headers: { ...length(blob.size), 'docker-content-digest': manifest.descriptor.digest } },
      false,
    ],
    ['not at all', { status: 404 }, false],
  ])('finds a blob %s', async (_name, reply, expected) => {
    const { server, answer } = await asked(reply as Reply);
    expect(await answer).toBe(expected);
    expect(server.log()).toEqual([`HEAD /v2/team/app/blobs/${blob.digest}`]);
  });

  it('asks for a manifest at its own endpoint, by its own type', async () => {
    const { server, answer } = await asked(
      { status: 200, headers: length(manifest.descriptor.size) },
      manifest.descriptor,
    );
    expect(await answer).toBe(true);
    expect(server.log()).toEqual([`HEAD /v2/team/app/manifests/${manifest.descriptor.digest}`]);
    expect(server.requests[0]?.headers.accept).toBe(manifest.descriptor.mediaType);
  });

  it.each([
    ['a range', { status: 206, headers: { 'content-range': `bytes 0-0/${blob.size}` }, body: 'x' }, true],
    ['a range of another size', { status: 206, headers: { 'content-range': 'bytes 0-0/99' }, body: 'x' }, false],
    ['the whole', { status: 200, body: bytes }, true],
    ['404', { status: 404 }, false],
  ])('asks for one byte where HEAD of blobs is refused, and takes %s', async (_name, reply, expected) => {
    const { server, repository, answer } = await asked((request) =>
      request.method === 'HEAD' ? { status: 405 } : (reply as Reply),
    );
    expect(await answer).toBe(expected);
    expect(server.requests[1]?.headers.range).toBe('bytes=0-0');
    await repository.exists(blob);
    expect(server.requests.map((request) => request.method)).toEqual(['HEAD', 'GET', 'GET']);
  });

  it('reads a manifest where HEAD of manifests is refused', async () => {
    const { descriptor } = manifest;
    const here = await asked(
      (request) => (request.method === 'HEAD' ? { status: 405 } : { status: 200, body: manifest.bytes }),
      descriptor,
    );
    expect(await here.answer).toBe(true);
    const gone = await asked((request) => ({ status: request.method === 'HEAD' ? 405 : 404 }), descriptor);
    expect(await gone.answer).toBe(false);
  });

  it('does not take a refusal for absence', async () => {
    const { answer } = await asked({ status: 403 });
    expect(await errorOf(answer)).toMatchObject({ code: 'ERR_DENIED', end: 'target' });
  });
});
