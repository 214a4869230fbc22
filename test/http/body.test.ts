import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { ResponseBody } from '../../src/http/body.ts';
import type { HttpRequest } from '../../src/http/client.ts';
import { failureOf, get as getSmall, openClient, read, serve, serveRaw } from './servers.ts';

const get = (base: URL, path: string): HttpRequest => getSmall(base, path, { kind: 'bulk' });

const head = (length: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;

describe('HttpBody', () => {
  it.each(['end', 'resetAndDestroy'] as const)(
    'gives out what arrived before the cut (%s), then a retryable ERR_UNREACHABLE',
    async (cut) => {
      const server = await serveRaw((socket) => {
        socket.once('data', () => {
          socket.write(`${head(100)}half`);
          setTimeout(() => socket[cut](), 20);
        });
      });
      const { client } = openClient();
      const response = await client.send(get(server.url, '/a'));
      let got = '';
      const error = await failureOf(
        (async () => {
          for await (const chunk of response.body) got += Buffer.from(chunk).toString();
        })(),
      );
      expect(got).toBe('half');
      expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', retryable: true, end: 'source', host: server.host });
      expect(error.message).toContain('was cut after 4 bytes');
    },
  );

  it('cuts a stalled body with ERR_TIMEOUT, but not a slow one', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200, { 'content-length': '5' });
      response.write('1');
      if (request.url === '/stalled') return;
      let sent = 1;
      const timer = setInterval(() => {
        response.write('x');
        if (++sent === 5) clearInterval(timer);
      }, 60);
    });
    const { client } = openClient({ idleTimeoutMs: 150 });
    expect(await read(client, get(server.url, '/slow'))).toBe('1xxxx');
    expect(await failureOf(read(client, get(server.url, '/stalled')))).toMatchObject({
      code: 'ERR_TIMEOUT',
      retryable: true,
    });
  });

  it('does not cut a body whose reader is slow', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(8 * 1024 * 1024)));
    const { client } = openClient({ idleTimeoutMs: 50 });
    const response = await client.send(get(server.url, '/a'));
    let bytes = 0;
    for await (const chunk of response.body) {
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 200));
      bytes += chunk.byteLength;
    }
    expect(bytes).toBe(8 * 1024 * 1024);
  });

  it('bytes() refuses more than its limit, announced or not', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', '2000');
      response.end(Buffer.alloc(2000));
    });
    const { client } = openClient();
    for (const path of ['/announced', '/chunked']) {
      const error = await failureOf((await client.send(get(server.url, path))).body.bytes(1999));
      expect(error).toMatchObject({ code: 'ERR_PROTOCOL', retryable: false });
      expect((await (await client.send(get(server.url, path))).body.bytes(2000)).byteLength).toBe(2000);
    }
  });

  it('frees its slot when it is left early, discarded, or over', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(4 * 1024 * 1024)));
    const { client } = openClient({ concurrency: 1 });
    for await (const _chunk of (await client.send(get(server.url, '/a'))).body) break;
    await (await client.send(get(server.url, '/a'))).body.discard();
    expect((await (await client.send(get(server.url, '/a'))).body.bytes(1e7)).byteLength).toBe(4 * 1024 * 1024);
    expect(server.seen).toHaveLength(3);
  });

  it('discard() keeps the connection for a short rest', async () => {
    const server = await serve((_request, response) => response.end(Buffer.alloc(1000)));
    const { client } = openClient();
    for (let i = 0; i < 3; i++) await (await client.send(get(server.url, '/a'))).body.discard();
    expect(server.connections).toBe(1);
  });

  it('discard() does not wait for a rest that does not come', async () => {
    const server = await serve((_request, response) => response.writeHead(200, { 'content-length': '9' }).write('1'));
    const { client } = openClient({ concurrency: 1 });
    const before = performance.now();
    await (await client.send(get(server.url, '/a'))).body.discard();
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('reads a body that ends with the connection', async () => {
    const server = await serveRaw((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nall of it')),
    );
    expect(await read(openClient().client, get(server.url, '/a'))).toBe('all of it');
  });

  it('of a small GET is there when send() resolves, whatever cut it before', async () => {
    const server = await serveRaw((socket, count) => {
      socket.once('data', () => {
        socket.write(`${head(9)}half`);
        setTimeout(() => (count < 3 ? socket.resetAndDestroy() : socket.write(' more')), 10);
      });
    });
    const { client, events } = openClient();
    expect(await read(client, getSmall(server.url, '/a'))).toBe('half more');
    expect(events.filter((event) => event.type === 'http:retry')).toHaveLength(2);
    const cut = await serveRaw((socket) => socket.once('data', () => socket.end(`${head(9)}half`)));
    const error = await failureOf(openClient({ retries: 2 }).client.send(getSmall(cut.url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', retryable: false });
  });

  it('of a small GET that is large after all is streamed', async () => {
    const size = 20 * 1024 * 1024;
    const bytes = Buffer.alloc(size, 'abcdefg');
    const server = await serve((_request, response) => response.end(bytes));
    const { client } = openClient({ concurrency: 1 });
    const response = await client.send(getSmall(server.url, '/a'));
    expect(client.statistics().get(server.host)?.receivedBytes).toBe(0);
    expect(bytes.equals(await response.body.bytes(size))).toBe(true);
  });

  it('that arrives byte by byte costs memory and time for its bytes, not for its pieces', async () => {
    const pieces = 200_000;
    const server = await serveRaw((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
        socket.write('1\r\na\r\n'.repeat(pieces));
        socket.end('0\r\n\r\n');
      });
    });
    const { client } = openClient();
    const response = await client.send(getSmall(server.url, '/a'));
    let chunks = 0;
    let text = '';
    for await (const chunk of response.body) {
      chunks += 1;
      text += Buffer.from(chunk).toString();
    }
    expect(text).toBe('a'.repeat(pieces));
    expect(chunks).toBeLessThan(pieces / 100);
  });

  it('arrives also when it was held back before anyone asked for that', async () => {
    const calls: string[] = [];
    const flow = { pause: () => calls.push('pause'), resume: () => calls.push('resume'), abort: () => {} };
    const refuse = (state: string) => new AirgapError('ERR_PROTOCOL', state);
    const body = new ResponseBody({ flow, length: undefined, explain: () => refuse('cut'), refuse });
    body.push(new Uint8Array(200 * 1024));
    const arrived = body.arrived(1024 * 1024);
    expect(calls).toEqual(['pause', 'resume']);
    body.end();
    await arrived;
    expect((await body.bytes(1024 * 1024)).byteLength).toBe(200 * 1024);
  });

  it('takes an upload of no bytes', async () => {
    const server = await serve((_request, response) => response.writeHead(201).end());
    const body = (async function* (): AsyncGenerator<Uint8Array> {})();
    const put = { ...get(server.url, '/a'), method: 'PUT', body, contentLength: 0 } as const;
    expect((await openClient().client.send(put)).status).toBe(201);
    expect(server.headers[0]?.['content-length']).toBe('0');
  });
});
