import { describe, expect, it } from 'vitest';
import {
  blobOf,
  collect,
  errorOf,
  openRepository,
  patternBytes,
  type Received,
  type Reply,
  refuse,
  startServer,
} from './loopback-server.ts';

const bytes = patternBytes(100_000);
const blob = blobOf(bytes);

/** A server with ranges. */
function ranged(request: Received): Reply {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (range === null) return { status: 200, body: bytes };
  const [start, last] = [Number(range[1]), Number(range[2])];
  return {
    status: 206,
    headers: { 'content-range': `bytes ${start}-${last}/${bytes.length}` },
    body: bytes.subarray(start, last + 1),
  };
}

async function fetching(
  reply: Reply | ((request: Received) => Reply),
  options: { offset?: number; end?: number } = {},
) {
  const server = await startServer(typeof reply === 'function' ? reply : () => reply);
  const content = openRepository(server, { end: 'source' }).fetch(blob, options);
  return { server, all: content.then(collect) };
}

describe('fetch()', () => {
  it('gives the whole blob without asking for a range', async () => {
    const { server, all } = await fetching(ranged);
    expect((await all).equals(bytes)).toBe(true);
    expect(server.requests[0]?.headers).not.toHaveProperty('range');
    expect(server.requests[0]?.headers['accept-encoding']).toBe('identity');
  });

  it.each<[{ offset?: number; end?: number }, string]>([
    [{ offset: 10 }, 'bytes=10-99999'],
    [{ end: 500 }, 'bytes=0-499'],
    [{ offset: 10, end: 500 }, 'bytes=10-499'],
    [{ offset: 10, end: 1_000_000 }, 'bytes=10-99999'],
  ])('gives the part %j', async (options, header) => {
    const { server, all } = await fetching(ranged, options);
    expect((await all).equals(bytes.subarray(options.offset ?? 0, options.end ?? bytes.length))).toBe(true);
    expect(server.requests[0]?.headers.range).toBe(header);
  });

  it('asks nobody for no bytes', async () => {
    const { server, all } = await fetching(ranged, { offset: bytes.length });
    expect(await all).toHaveLength(0);
    expect(server.requests).toEqual([]);
  });

  it('gives an empty blob', async () => {
    const empty = blobOf(Buffer.alloc(0));
    const server = await startServer(() => ({ status: 200 }));
    expect(await collect(await openRepository(server).fetch(empty))).toHaveLength(0);
    expect(server.requests).toHaveLength(1);
  });

  it.each([
    ['the whole', { status: 200, body: bytes }],
    ['416', { status: 416 }],
  ])('throws ERR_UNSUPPORTED when the answer to a range is %s', async (_name, reply) => {
    const { all } = await fetching(reply, { offset: 10 });
    expect(await errorOf(all)).toMatchObject({ code: 'ERR_UNSUPPORTED', end: 'source' });
  });

  it.each(['bytes 11-99999/100000', 'bytes 10-99998/100000', 'bytes 10-99999/100001', 'nonsense', ''])(
    'distrusts the Content-Range %j',
    async (header) => {
      const { all } = await fetching(
        { status: 206, headers: { 'content-range': header }, body: bytes.subarray(10) },
        { offset: 10 },
      );
      expect(await errorOf(all)).toMatchObject({ code: 'ERR_PROTOCOL', retryable: true, end: 'source', status: 206 });
    },
  );

  it('refuses a compressed answer', async () => {
    const { all } = await fetching({ status: 200, headers: { 'content-encoding': 'gzip' }, body: bytes });
    expect(await errorOf(all)).toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  it('sees at once that another length is announced', async () => {
    const { all } = await fetching({ status: 200, body: bytes.subarray(1) });
    expect(await errorOf(all)).toMatchObject({
      code: 'ERR_SIZE_MISMATCH',
      retryable: true,
      digest: blob.digest,
      message: expect.stringContaining('99999'),
    });
  });

  const chunked = { 'content-length': '', 'transfer-encoding': 'chunked' };

  it('takes an answer without a length', async () => {
    const { all } = await fetching({ status: 200, headers: chunked, body: bytes });
    expect((await all).equals(bytes)).toBe(true);
  });

  it('gives out nothing beyond the promised bytes', async () => {
    const { all } = await fetching({ status: 200, headers: chunked, body: Buffer.concat([bytes, bytes]) });
    expect(await errorOf(all)).toMatchObject({ code: 'ERR_SIZE_MISMATCH', retryable: true });
  });

  it('reports a body that ends cleanly but early', async () => {
    const { all } = await fetching({ status: 200, headers: chunked, body: bytes.subarray(0, 5000) });
    expect(await errorOf(all)).toMatchObject({
      code: 'ERR_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('5000 of 100000'),
    });
  });

  it('reports a connection that is cut, with host and reference', async () => {
    const { server, all } = await fetching({ status: 200, body: bytes, cutAfter: 5000 });
    expect(await errorOf(all)).toMatchObject({
      code: 'ERR_UNREACHABLE',
      retryable: true,
      end: 'source',
      host: server.host,
      reference: `${server.host}/team/app@${blob.digest}`,
    });
  });

  it('throws ERR_NOT_FOUND', async () => {
    const { all } = await fetching(refuse(404, 'BLOB_UNKNOWN'));
    expect(await errorOf(all)).toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('BLOB_UNKNOWN'),
    });
  });

  it('lets go of the connection when the loop is left early', async () => {
    const big = patternBytes(8 * 1024 * 1024);
    const server = await startServer(() => ({ status: 200, body: big }));
    const repository = openRepository(server, { http: { concurrency: 2 } });
    for (let round = 0; round < 6; round += 1) {
      for await (const chunk of await repository.fetch(blobOf(big))) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(server.requests).toHaveLength(6);
  });

  it('takes no slot that is not free when told so', async () => {
    const big = patternBytes(8 * 1024 * 1024);
    const server = await startServer(() => ({ status: 200, body: big }));
    const repository = openRepository(server, { http: { concurrency: 2 } });
    const held = (await repository.fetch(blobOf(big)))[Symbol.asyncIterator]();
    await held.next();
    const second = repository.fetch(blobOf(big), { onlyIfIdle: true });
    expect(await errorOf(second)).toMatchObject({ code: 'ERR_UNSUPPORTED' });
    await held.return?.();
  });
});
