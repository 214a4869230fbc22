import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { failureOf, get, openClient, read, serve, serveRaw } from './servers.ts';

async function* pieces(count: number, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(i);
}

/** Answers the first `times` connections with `fault`, later ones with "fine". */
function faultyFirst(times: number, fault: (socket: Socket) => void) {
  return serveRaw((socket, count) => {
    socket.on('data', () => {
      if (count <= times) fault(socket);
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
    });
  });
}

describe('send()', () => {
  it('keeps one connection for GET, HEAD and PUT in a row', async () => {
    const server = await serve((request, response) => response.end(request.method === 'HEAD' ? undefined : 'ok'));
    const { client } = openClient();
    for (let i = 0; i < 5; i++) {
      expect(await read(client, get(server.url, '/a'))).toBe('ok');
      await (await client.send(get(server.url, '/a', { method: 'HEAD' }))).body.discard();
      const put = { method: 'PUT', body: pieces(3, 300_000), contentLength: 900_000 } as const;
      await (await client.send(get(server.url, '/a', put))).body.discard();
    }
    expect(server.connections).toBe(1);
    expect(client.statistics().get(server.host)).toEqual({
      host: server.host,
      purpose: 'registry',
      requests: 15,
      receivedBytes: 20,
      sentBytes: 4_500_000,
    });
  });

  it('asks for no compression and passes headers on', async () => {
    const server = await serve((_request, response) => response.end());
    const { client } = openClient();
    await read(client, get(server.url, '/a', { headers: { accept: 'x/y', range: 'bytes=5-' } }));
    expect(server.headers[0]).toMatchObject({ 'accept-encoding': 'identity', accept: 'x/y', range: 'bytes=5-' });
  });

  it.each([500, 502, 503, 504, 408, 425])('repeats a GET after %i and reports it', async (status) => {
    const server = await serve((_request, response, count) => response.writeHead(count < 3 ? status : 200).end('body'));
    const { client, events } = openClient();
    expect(await read(client, get(server.url, '/a'))).toBe('body');
    expect(server.seen).toHaveLength(3);
    expect(events.filter((event) => event.type === 'http:retry')).toHaveLength(2);
  });

  it('gives up after its retries, with the status and without promising more', async () => {
    const server = await serve((_request, response) => response.writeHead(502).end('no'));
    const { client } = openClient({ retries: 3 });
    const error = await failureOf(client.send(get(server.url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', status: 502, retryable: false, end: 'source' });
    expect(error.message).toBe(`Cannot fetch "/a": ${server.host} answered 502`);
    expect(server.seen).toHaveLength(4);
  });

  it.each([
    [400, 'ERR_PROTOCOL'],
    [401, 'ERR_UNAUTHORIZED'],
    [403, 'ERR_DENIED'],
    [404, 'ERR_NOT_FOUND'],
    [405, 'ERR_UNSUPPORTED'],
    [507, 'ERR_NO_SPACE'],
  ])('does not repeat %i: %s, with what the registry says', async (status, code) => {
    const body = JSON.stringify({ errors: [{ code: 'WHY', message: 'because\nof this' }] });
    const server = await serve((_request, response) => response.writeHead(status).end(body));
    const { client } = openClient();
    const error = await failureOf(client.send(get(server.url, '/a')));
    expect(error).toMatchObject({ code, status, retryable: false, host: server.host });
    expect(error.message).toContain(`answered ${status} WHY (because of this)`);
    expect(server.seen).toHaveLength(1);
  });

  it('names a full disk that a 500 hides in its body', async () => {
    const body = JSON.stringify({
      errors: [{ code: 'UNKNOWN', detail: { Err: 'write /x: no space left on device' } }],
    });
    const server = await serve((_request, response) => response.writeHead(500).end(body));
    const { client } = openClient();
    expect((await failureOf(client.send(get(server.url, '/a')))).code).toBe('ERR_NO_SPACE');
    expect(server.seen).toHaveLength(1);
  });

  it('gives accepted statuses to the caller', async () => {
    const server = await serve((_request, response) => response.writeHead(404).end('gone'));
    const { client } = openClient();
    const response = await client.send(get(server.url, '/a', { accept: [404] }));
    expect([response.status, await response.body.text(10)]).toEqual([404, 'gone']);
  });

  it.each([
    ['a reset', (socket: Socket) => socket.resetAndDestroy()],
    ['a clean close', (socket: Socket) => socket.end()],
    ['a malformed head', (socket: Socket) => socket.end('HTTP/1.1 429 Too Many\nretry-after: 1\n\n')],
    ['a head cut short', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Le')],
  ])('repeats after %s before the answer', async (_name, fault) => {
    const server = await faultyFirst(2, fault);
    const { client, events } = openClient();
    expect(await read(client, get(server.url, '/a'))).toBe('fine');
    expect(events.filter((event) => event.type === 'http:retry')).toHaveLength(2);
  });

  it('repeats at once when a kept connection turns out to be closed', async () => {
    let answers = 0;
    const server = await serveRaw((socket) => {
      let onThis = 0;
      socket.on('data', () => {
        onThis += 1;
        if (onThis > 1) socket.end();
        else socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${++answers}`);
      });
    });
    const { client, events } = openClient({ backoffMs: 20_000 });
    expect(await read(client, get(server.url, '/a'))).toBe('1');
    expect(await read(client, get(server.url, '/a'))).toBe('2');
    expect(events).toMatchObject([{ type: 'http:retry', delayMs: 0 }]);
  });

  it('cuts a host that sends nothing, and repeats', async () => {
    const server = await faultyFirst(1, () => {});
    const { client } = openClient({ idleTimeoutMs: 100 });
    expect(await read(client, get(server.url, '/a'))).toBe('fine');
    const mute = await serveRaw(() => {});
    const error = await failureOf(openClient({ idleTimeoutMs: 50, retries: 1 }).client.send(get(mute.url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', retryable: false });
  });

  it('refuses twice more, quickly, where nobody listens or the name is unknown', async () => {
    const server = await serve(() => {});
    await server.close();
    const { client, events } = openClient();
    const refused = await failureOf(client.send(get(server.url, '/a')));
    expect(refused).toMatchObject({ code: 'ERR_UNREACHABLE', host: server.host });
    expect(refused.message).toContain('refused the connection');
    expect(events).toHaveLength(2);
  });

  it('does not repeat a POST whose fate is unknown, but says that repeating may help', async () => {
    const server = await faultyFirst(1, (socket) => socket.resetAndDestroy());
    const { client, events } = openClient();
    const error = await failureOf(client.send(get(server.url, '/a', { method: 'POST' })));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', retryable: true });
    expect(events).toEqual([]);
  });

  it('repeats a PUT of bytes that is marked repeatable, and a POST that was turned away', async () => {
    const server = await serve((_request, response, count) => response.writeHead(count % 2 === 1 ? 503 : 201).end());
    const { client } = openClient();
    const put = get(server.url, '/a', { method: 'PUT', body: new Uint8Array(400_000), repeatable: true });
    expect((await client.send(put)).status).toBe(201);
    expect((await client.send(get(server.url, '/a', { method: 'POST' }))).status).toBe(201);
    expect(server.headers.map((headers) => headers['content-length'])).toEqual(['400000', '400000', '0', '0']);
  });

  it('never repeats a streamed body', async () => {
    const server = await serve((_request, response) => response.writeHead(503).end());
    const { client } = openClient();
    const put = get(server.url, '/a', { method: 'PUT', body: pieces(2, 10), contentLength: 20, repeatable: true });
    expect(await failureOf(client.send(put))).toMatchObject({ status: 503, retryable: true });
    expect(server.seen).toHaveLength(1);
  });

  it('ends at once when the signal is aborted while it waits', async () => {
    const server = await serve((_request, response) => response.writeHead(503).end());
    const controller = new AbortController();
    const { client } = openClient({ backoffMs: 60_000 });
    setTimeout(() => controller.abort(), 30);
    const before = performance.now();
    const error = await failureOf(client.send(get(server.url, '/a', { signal: controller.signal })));
    expect(error).toMatchObject({ code: 'ERR_INTERRUPTED', message: 'Cannot fetch "/a": interrupted' });
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('ends a request in flight and a body being read with the reason of the run', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/body') response.writeHead(200, { 'content-length': '100' }).write('start');
    });
    const controller = new AbortController();
    const { client } = openClient({ signal: controller.signal });
    const response = await client.send(get(server.url, '/body', { kind: 'bulk' }));
    const work = [failureOf(client.send(get(server.url, '/silent'))), failureOf(response.body.text(100))];
    setTimeout(() => controller.abort(new AirgapError('ERR_TIMEOUT', 'Cannot go on: out of time')), 20);
    for (const error of await Promise.all(work)) expect(error.code).toBe('ERR_TIMEOUT');
    expect((await failureOf(client.send(get(server.url, '/later')))).code).toBe('ERR_TIMEOUT');
  });

  it('shows each warning of a host once', async () => {
    const server = await serve((_request, response) => {
      response.setHeader('Warning', ['299 - "old \\"name\\""', '299 - "more"', '199 - "no"']);
      response.end();
    });
    const { client, events } = openClient();
    await read(client, get(server.url, '/a'));
    await read(client, get(server.url, '/a'));
    expect(events).toEqual([
      { type: 'warning', host: server.host, message: 'old "name"' },
      { type: 'warning', host: server.host, message: 'more' },
    ]);
  });
});
