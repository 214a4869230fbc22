import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { Upload } from '../../src/http/upload.ts';
import { failureOf, get, openClient, serve } from './servers.ts';

const endless = (state: { returned: boolean }) =>
  (async function* () {
    try {
      for (;;) yield new Uint8Array(64 * 1024);
    } finally {
      state.returned = true;
    }
  })();

describe('Upload', () => {
  it('cuts long pieces and keeps every byte in order', async () => {
    const bytes = Uint8Array.from({ length: 700_001 }, (_, i) => i % 251);
    const upload = new Upload([bytes, new Uint8Array(0)], { length: bytes.length, action: 'x' });
    const got: Uint8Array[] = [];
    for await (const piece of upload) got.push(piece);
    expect(Math.max(...got.map((piece) => piece.length))).toBeLessThanOrEqual(256 * 1024);
    expect(Buffer.concat(got).equals(bytes)).toBe(true);
    expect(upload.sent).toBe(700_001);
  });

  it.each([
    [99, 'fewer'],
    [101, 'more'],
  ])('throws ERR_SIZE_MISMATCH for %i bytes instead of 100', async (size) => {
    const server = await serve((_request, response) => response.end());
    const { client } = openClient();
    const body = (async function* () {
      yield new Uint8Array(size);
    })();
    const error = await failureOf(client.send(get(server.url, '/a', { method: 'PUT', body, contentLength: 100 })));
    expect(error.code).toBe('ERR_SIZE_MISMATCH');
  });

  it('lets an error of the content come out as it is', async () => {
    const server = await serve((_request, response) => response.end());
    const { client } = openClient();
    const mine = new AirgapError('ERR_DIGEST_MISMATCH', 'Cannot read "x": wrong');
    const body = (async function* () {
      yield new Uint8Array(10);
      throw mine;
    })();
    expect(await failureOf(client.send(get(server.url, '/a', { method: 'PUT', body, contentLength: 100 })))).toBe(mine);
  });

  it('gives the status of an early answer rather than a broken pipe, and lets the content go', async () => {
    const server = await serve(
      (request, response) => {
        response.writeHead(413, { connection: 'close' }).end('too big');
        setTimeout(() => request.socket.destroy(), 50);
      },
      { early: true },
    );
    const { client } = openClient();
    const state = { returned: false };
    const put = get(server.url, '/a', { method: 'PUT', body: endless(state), contentLength: 10 ** 12 });
    expect((await failureOf(client.send(put))).status).toBe(413);
    expect(state.returned).toBe(true);
  });

  it('lets content go that was never started', async () => {
    const server = await serve(() => {});
    await server.close();
    const { client } = openClient();
    let returned = 0;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: true, value: undefined }),
        return: async () => {
          returned += 1;
          return { done: true, value: undefined };
        },
      }),
    };
    const put = get(server.url, '/a', { method: 'PUT', body, contentLength: 1 });
    expect((await failureOf(client.send(put))).code).toBe('ERR_UNREACHABLE');
    expect(returned).toBe(1);
  });

  it('holds the content back when the other side does not read', async () => {
    const server = await serve(() => {}, { early: true });
    const controller = new AbortController();
    const { client } = openClient();
    let yielded = 0;
    const body = (async function* () {
      for (;;) {
        yielded += 64 * 1024;
        yield new Uint8Array(64 * 1024);
      }
    })();
    const put = { method: 'PUT', body, contentLength: 10 ** 12, signal: controller.signal } as const;
    const sent = failureOf(client.send(get(server.url, '/a', put)));
    let before = -1;
    while (before !== yielded) {
      before = yielded;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(yielded).toBeLessThan(32 * 1024 * 1024);
    controller.abort();
    expect((await sent).code).toBe('ERR_INTERRUPTED');
  });
});
