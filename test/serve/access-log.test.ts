import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { accessLogJson, accessLogText } from '../../src/serve/access-log.ts';
import { type RunningServer, type ServedRequest, type ServeOptions, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';

const log: ServedRequest[] = [];
let server: RunningServer | undefined;

afterEach(async () => {
  await server?.close();
  log.length = 0;
});

async function start(options: ServeOptions = {}): Promise<RunningServer> {
  server = await serveStore(openMemory(), { graceMs: 50, ...options, onRequest: (request) => log.push(request) });
  return server;
}

async function logged(): Promise<ServedRequest> {
  await expect.poll(() => log).toHaveLength(1);
  const [line] = log;
  if (line === undefined) throw new Error('nothing was logged');
  return line;
}

const line: ServedRequest = {
  time: '2026-01-31T12:00:00.000Z',
  client: '10.5.0.2',
  method: 'GET',
  path: '/v2/a/manifests/1?ns=ghcr.io',
  ns: 'ghcr.io',
  status: 200,
  bytes: 1234,
  ms: 3.21987,
  userAgent: 'containerd/2.1',
  user: undefined,
};

describe('a logged request', () => {
  it('says who asked for what, and what came of it', async () => {
    const { url } = await start();
    const since = Date.now();
    await fetch(`${url}/v2/a/manifests/1?ns=ghcr.io`, { headers: { 'user-agent': 'containerd/2.1' } });
    const request = await logged();
    expect(request).toMatchObject({
      client: '127.0.0.1',
      method: 'GET',
      path: '/v2/a/manifests/1?ns=ghcr.io',
      ns: 'ghcr.io',
      status: 404,
      userAgent: 'containerd/2.1',
      user: undefined,
    });
    expect(request.bytes).toBeGreaterThan(10);
    expect(request.ms).toBeGreaterThanOrEqual(0);
    expect(Date.parse(request.time)).toBeGreaterThanOrEqual(since);
    expect(new Date(request.time).toISOString()).toBe(request.time);
  });

  it('names the user who was let in, and nobody who was not or was not asked', async () => {
    const right = { authorization: `Basic ${btoa('ann:secret')}` };
    const access = {
      allows: async (asked: { authorization: string | undefined }) => asked.authorization === right.authorization,
    };
    const { url } = await start({ access });
    await fetch(`${url}/v2/`, { headers: right });
    expect((await logged()).user).toBe('ann');
    log.length = 0;
    await fetch(`${url}/v2/`, { headers: { authorization: `Basic ${btoa('bob:secret')}` } });
    expect(await logged()).toMatchObject({ status: 401, user: undefined });
    await server?.close();
    log.length = 0;
    const open = await start();
    await fetch(`${open.url}/v2/`, { headers: right });
    expect((await logged()).user).toBeUndefined();
  });

  it('holds no credentials, wherever they were put', async () => {
    const { url } = await start();
    const headers = {
      authorization: `Basic ${btoa('ann:hunter2')}`,
      'proxy-authorization': 'hunter2',
      cookie: 'hunter2',
    };
    await fetch(`${url}/v2/?access_token=hunter2&password=hunter2&X-Amz-Signature=hunter2&n=1`, { headers });
    const request = await logged();
    expect(JSON.stringify(request)).not.toContain('hunter2');
    expect(request.path).toBe('/v2/?access_token=***&password=***&X-Amz-Signature=***&n=1');
    log.length = 0;
    const { port } = new URL(url);
    const socket = connect(Number(port), '127.0.0.1');
    socket.write('GET http://ann:hunter2@x.example/v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    socket.resume();
    expect((await logged()).path).toBe('http://***@x.example/v2/');
  });

  it('has status 0 when the client left before an answer', async () => {
    const { url } = await start({ access: { allows: () => new Promise(() => {}) } });
    const request = httpRequest(`${url}/v2/`);
    request.on('error', () => {});
    request.end();
    await expect.poll(() => server?.statistics().inFlight).toBe(1);
    request.destroy();
    expect(await logged()).toMatchObject({ status: 0, bytes: 0 });
  });
});

describe('accessLogText() and accessLogJson()', () => {
  it('print one line', () => {
    expect(accessLogText(line)).toBe(
      '2026-01-31T12:00:00.000Z 10.5.0.2 - GET "/v2/a/manifests/1?ns=ghcr.io" 200 1234 3ms "containerd/2.1"',
    );
    expect(accessLogText({ ...line, client: '::1', user: 'ann', userAgent: undefined })).toContain(' ::1 ann GET ');
    expect(JSON.parse(accessLogJson(line))).toEqual({ type: 'request', ...line, ms: 3.22, user: undefined });
  });

  it('never let a client write a line, a field or a terminal code of its own', () => {
    const hostile = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(hostile, hostile, hostile, hostile, (path, userAgent, user, method) => {
        const request = { ...line, path, userAgent, user, method };
        for (const printed of [accessLogText(request), accessLogJson(request)]) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          expect(printed).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
        }
        expect(JSON.parse(accessLogJson(request))).toMatchObject({ path, user, status: 200 });
        const fields = accessLogText(request).match(/"(?:[^"\\]|\\.)*"|[^ "]+/g) ?? [];
        expect(fields).toHaveLength(9);
        expect(fields.slice(5, 8)).toEqual(['200', '1234', '3ms']);
      }),
    );
  });

  it('cut what is endless', () => {
    expect(accessLogText({ ...line, userAgent: 'x'.repeat(100_000) }).length).toBeLessThan(1300);
    expect(accessLogJson({ ...line, path: 'x'.repeat(100_000) }).length).toBeLessThan(1400);
  });
});
