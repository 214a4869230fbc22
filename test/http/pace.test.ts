import { describe, expect, it } from 'vitest';
import { HostPace } from '../../src/http/pace.ts';
import { failureOf, get, openClient, read, serve } from './servers.ts';

const never = new AbortController().signal;

function paceOf(concurrency: number) {
  const waits: { readonly seconds: number; readonly reason: string }[] = [];
  const pace = new HostPace({
    host: 'host.test',
    concurrency,
    backoffMs: 1,
    events: (event) => {
      if (event.type === 'wait') waits.push(event);
    },
  });
  const admit = (more: object = {}) =>
    pace.admit({ kind: 'small', onlyIfIdle: false, counted: true, action: 'fetch it', signal: never, ...more });
  return { pace, waits, admit };
}

describe('HostPace', () => {
  it('counts the refusals of one burst as one pause, halves what runs at once, and grows back step by step', async () => {
    const { pace, waits, admit } = paceOf(8);
    const burst = await Promise.all([admit(), admit(), admit()]);
    for (const admission of burst) {
      pace.refused(admission, { headers: { 'retry-after': '0.05' }, action: 'fetch it' });
      admission.release();
    }
    expect(pace.limit).toBe(4);
    const before = performance.now();
    const later = await Promise.all([admit(), admit(), admit()]);
    expect(performance.now() - before).toBeGreaterThan(40);
    expect(waits).toEqual([{ type: 'wait', host: 'host.test', seconds: 1, reason: '429' }]);
    for (const { release } of later) release();
    for (let i = 0; i < 4; i++) pace.succeeded({});
    expect(pace.limit).toBe(5);
    for (let i = 0; i < 5 + 6 + 7 + 50; i++) pace.succeeded({});
    expect(pace.limit).toBe(8);
  });

  it('never goes below one request at a time', async () => {
    const { pace, admit } = paceOf(2);
    for (let i = 0; i < 5; i++) {
      const admission = await admit();
      admission.release();
      pace.refused(admission, { headers: {}, action: 'x' });
    }
    expect(pace.limit).toBe(1);
  });

  it('reads a date as well as seconds', async () => {
    const { pace, waits, admit } = paceOf(2);
    const admission = await admit();
    admission.release();
    const now = Math.floor(Date.now() / 1000) * 1000;
    const headers = { 'retry-after': new Date(now + 41_000).toUTCString(), date: new Date(now).toUTCString() };
    pace.refused(admission, { headers, action: 'x' });
    const controller = new AbortController();
    const waiting = admit({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(waits).toMatchObject([{ seconds: 41 }]);
  });

  it('refuses onlyIfIdle instead of waiting for a pause or a slot', async () => {
    const { pace, admit } = paceOf(1);
    const admission = await admit({ onlyIfIdle: true });
    expect((await failureOf(admit({ onlyIfIdle: true }))).code).toBe('ERR_UNSUPPORTED');
    admission.release();
    pace.refused(admission, { headers: { 'retry-after': '5' }, action: 'x' });
    expect((await failureOf(admit({ onlyIfIdle: true }))).code).toBe('ERR_UNSUPPORTED');
  });

  it('holds back only what counts against a quota when that is used up', async () => {
    const { pace, waits, admit } = paceOf(4);
    pace.succeeded({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' });
    (await admit({ counted: false })).release();
    const controller = new AbortController();
    const waiting = admit({ signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    expect(waits).toMatchObject([{ seconds: 60, reason: 'the quota is used up' }]);
  });

  it('does less at once when little of a quota is left', () => {
    const { pace } = paceOf(8);
    pace.succeeded({ 'ratelimit-remaining': '5;w=21600' });
    expect(pace.limit).toBe(5);
  });
});

describe('send() and 429', () => {
  it.each([
    ['in seconds', { 'retry-after': '0.1' }],
    ['as a date', { 'retry-after': new Date(Date.now() - 1000).toUTCString() }],
    ['absent', {}],
  ])('waits and goes on, Retry-After %s, without touching the retries', async (_name, headers) => {
    const server = await serve((_request, response, count) =>
      count <= 3 ? response.writeHead(429, headers as Record<string, string>).end() : response.end('ok'),
    );
    const { client } = openClient({ retries: 1 });
    expect(await read(client, get(server.url, '/a'))).toBe('ok');
    expect(server.seen).toHaveLength(4);
  });

  it('shares one pause among all work on the host', async () => {
    const times: number[] = [];
    const server = await serve((_request, response, count) => {
      times.push(performance.now());
      if (count <= 4) response.writeHead(429, { 'retry-after': '0.3' }).end();
      else response.end('ok');
    });
    const { client, events } = openClient();
    const work = Array.from({ length: 8 }, (_, i) => read(client, get(server.url, `/${i}`)));
    expect(await Promise.all(work)).toEqual(Array(8).fill('ok'));
    expect(events.filter((event) => event.type === 'wait')).toEqual([
      { type: 'wait', host: server.host, seconds: 1, reason: '429' },
    ]);
    expect((times[4] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(250);
  });

  it('tells a streamed upload to try again later, and makes that wait', async () => {
    const server = await serve((_request, response, count) =>
      count === 1 ? response.writeHead(429, { 'retry-after': '0.2' }).end() : response.end('ok'),
    );
    const { client } = openClient();
    const body = (async function* () {
      yield new Uint8Array(5);
    })();
    const put = get(server.url, '/a', { method: 'PUT', body, contentLength: 5 });
    const before = performance.now();
    expect(await failureOf(client.send(put))).toMatchObject({ code: 'ERR_RATE_LIMITED', status: 429, retryable: true });
    expect(await read(client, get(server.url, '/b'))).toBe('ok');
    expect(performance.now() - before).toBeGreaterThan(190);
  });

  it('fails at once with the time when asked to wait for more than an hour', async () => {
    const server = await serve((_request, response) => response.writeHead(429, { 'retry-after': '7200' }).end());
    const { client } = openClient();
    const error = await failureOf(client.send(get(server.url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_RATE_LIMITED', status: 429, end: 'source', retryable: false });
    expect(error.message).toMatch(/asks to wait until 20\d\d-/);
  });

  it('gives up after ten pauses', async () => {
    const server = await serve((_request, response) => response.writeHead(429, { 'retry-after': '0.001' }).end());
    const { client } = openClient();
    expect((await failureOf(client.send(get(server.url, '/a')))).code).toBe('ERR_RATE_LIMITED');
    expect(server.seen).toHaveLength(11);
  });
});
