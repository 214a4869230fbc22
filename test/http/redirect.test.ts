import { describe, expect, it } from 'vitest';
import { redirectTarget } from '../../src/http/redirect.ts';
import { failureOf, get, openClient, pem, read, serve } from './servers.ts';

describe('redirectTarget()', () => {
  const first = new URL('https://registry.test/v2/a');
  const from = { url: first, first, action: 'fetch it' };

  it('resolves relative targets and drops user names and fragments', () => {
    expect(redirectTarget('../b?x=1#y', from).href).toBe('https://registry.test/b?x=1');
    expect(redirectTarget('https://me:secret@cdn.test/c', from).href).toBe('https://cdn.test/c');
  });

  it.each([
    [undefined],
    [''],
    ['https://'],
    ['ftp://cdn.test/x'],
    ['file:///etc/passwd'],
    ['http://cdn.test/x'],
    ['https://169.254.169.254/latest'],
    ['https://[fe80::1]/x'],
    ['https://-cdn.test/x'],
    ['https://cdn-.test/x'],
    ["https://c'dn.test/x"],
    ['https://cdn..test/x'],
    ['https://cdn.test:0/x'],
    [`https://${'a'.repeat(64)}.test/x`],
    [`https://${'a.'.repeat(126)}test/x`],
  ])('refuses %s', (location) => {
    expect(() => redirectTarget(location, from)).toThrow(/Cannot fetch it: registry\.test redirects/);
  });
});

describe('send() and redirects', () => {
  it('follows to another host with the range and without authorization or cookies', async () => {
    const cdn = await serve((_request, response) => response.writeHead(206).end('blob'));
    const server = await serve((_request, response) => {
      response.writeHead(307, { location: new URL('/signed?x=1', cdn.url).href }).end('moved');
    });
    const { client } = openClient();
    const headers = { authorization: 'Bearer secret', cookie: 'secret', range: 'bytes=3-' };
    const response = await client.send(get(server.url, '/a', { headers }));
    expect([await response.body.text(10), response.url.href]).toEqual(['blob', `${cdn.url.href}signed?x=1`]);
    expect(cdn.headers[0]).toMatchObject({ range: 'bytes=3-' });
    expect(JSON.stringify(cdn.headers)).not.toContain('secret');
    expect([...client.statistics().values()].map(({ host, purpose }) => [host, purpose])).toEqual([
      [server.host, 'registry'],
      [cdn.host, 'redirect'],
    ]);
  });

  it('keeps authorization within the origin', async () => {
    const server = await serve((request, response) =>
      request.url === '/a' ? response.writeHead(302, { location: '/b' }).end() : response.end('here'),
    );
    const { client } = openClient();
    expect(await read(client, get(server.url, '/a', { headers: { authorization: 'Bearer mine' } }))).toBe('here');
    expect(server.headers[1]?.authorization).toBe('Bearer mine');
  });

  it.each([400, 401, 403])('asks for a fresh URL when the target answers %i', async (status) => {
    const cdn = await serve((request, response) => response.writeHead(request.url === '/2' ? 200 : status).end('blob'));
    const server = await serve((_request, response, count) => {
      response.writeHead(307, { location: new URL(`/${count}`, cdn.url).href }).end();
    });
    const { client } = openClient();
    expect(await read(client, get(server.url, '/a'))).toBe('blob');
    expect(server.seen).toHaveLength(2);
    expect(cdn.seen).toEqual(['GET /1', 'GET /2']);
  });

  it('gives up on a target that refuses every fresh URL, and names it', async () => {
    const cdn = await serve((_request, response) => response.writeHead(403).end());
    const server = await serve((_request, response) => response.writeHead(307, { location: cdn.url.href }).end());
    const { client } = openClient();
    expect(await failureOf(client.send(get(server.url, '/a')))).toMatchObject({ code: 'ERR_DENIED', host: cdn.host });
    expect(cdn.seen).toHaveLength(3);
  });

  it('starts again at the first URL when the target fails', async () => {
    const cdn = await serve((_request, response, count) => response.writeHead(count === 1 ? 503 : 200).end('blob'));
    const server = await serve((_request, response) => response.writeHead(307, { location: cdn.url.href }).end());
    const { client } = openClient();
    expect(await read(client, get(server.url, '/a'))).toBe('blob');
    expect(server.seen).toHaveLength(2);
  });

  it('stops going round in circles', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/a' }).end());
    const { client } = openClient({ concurrency: 1 });
    expect((await failureOf(client.send(get(server.url, '/a')))).code).toBe('ERR_PROTOCOL');
    expect(server.seen).toHaveLength(6);
  });

  it('refuses to go from https to plain http', async () => {
    const plain = await serve((_request, response) => response.end());
    const server = await serve((_request, response) => response.writeHead(307, { location: plain.url.href }).end(), {
      tls: {},
    });
    const { client } = openClient({ tls: { ca: pem('ca') } });
    expect((await failureOf(client.send(get(server.url, '/a')))).message).toContain('from https to plain http');
    expect(plain.seen).toEqual([]);
  });

  it('leaves the redirect of an upload to the caller', async () => {
    const server = await serve((_request, response) => response.writeHead(307, { location: '/b' }).end());
    const { client } = openClient();
    const response = await client.send(get(server.url, '/a', { method: 'POST', accept: [307] }));
    expect([response.status, response.headers.location]).toEqual([307, '/b']);
  });
});
