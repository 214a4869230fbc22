import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import type { HttpClient } from '../../src/http/client.ts';
import { failureOf, get, openClient, read, serve, serveRaw, type TestServer } from './servers.ts';

const scopes = ['repository:a/b:pull'];

const short = (client: HttpClient) =>
  client.contacts().map(({ host, purpose, registries, requests }) => [host, purpose, registries, requests]);

/** Wants a token of `tokens` (itself, when there is none), and redirects what it is asked for then. */
async function registryFor(target: TestServer, tokens?: TestServer): Promise<TestServer> {
  const server: TestServer = await serve((request, response) => {
    if (request.url?.startsWith('/token') === true) response.end('{"token":"t"}');
    else if (request.headers.authorization !== 'Bearer t') {
      const realm = new URL('/token', tokens?.url ?? server.url).href;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",scope="${scopes[0]}"` }).end();
    } else response.writeHead(307, { location: new URL('/hop', target.url).href }).end();
  });
  return server;
}

describe('contacts()', () => {
  it('names token services and every hop of a redirect with the registry they served, several registries at one host too', async () => {
    const cdn = await serve((_request, response) => response.end('blob'));
    const hop = await serve((_request, response) =>
      response.writeHead(307, { location: new URL('/b', cdn.url).href }).end(),
    );
    const tokens = await serve((_request, response) => response.end('{"token":"t"}'));
    const [one, other] = [await registryFor(hop, tokens), await registryFor(hop)];
    const { client } = openClient();
    for (const { url } of [one, other]) expect(await read(client, get(url, '/x', { scopes }))).toBe('blob');
    expect(short(client)).toEqual([
      [one.host, 'registry', [one.host], 2],
      [tokens.host, 'token', [one.host], 1],
      [hop.host, 'redirect', [one.host, other.host], 2],
      [cdn.host, 'redirect', [one.host, other.host], 2],
      [other.host, 'registry', [other.host], 2],
      [other.host, 'token', [other.host], 1],
    ]);
    expect([...client.statistics().values()].map(({ host, purpose, requests }) => [host, purpose, requests])).toEqual([
      [one.host, 'registry', 2],
      [tokens.host, 'token', 1],
      [hop.host, 'redirect', 2],
      [cdn.host, 'redirect', 2],
      [other.host, 'registry', 3],
    ]);
  });

  it('gives a token that a redirect target wants, and where its service redirects to, to the registry that was asked', async () => {
    const moved = await serve((_request, response) => response.end('{"token":"t"}'));
    const tokens = await serve((_request, response) =>
      response.writeHead(307, { location: new URL('/there', moved.url).href }).end(),
    );
    const target = await serve((request, response) => {
      if (request.headers.authorization === 'Bearer t') response.end('blob');
      else
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="${tokens.url.href}t",scope="${scopes[0]}"` })
          .end();
    });
    const registry = await serve((_request, response) =>
      response.writeHead(307, { location: new URL('/b', target.url).href }).end(),
    );
    const { client } = openClient();
    expect(await read(client, get(registry.url, '/x', { scopes }))).toBe('blob');
    expect(short(client)).toEqual([
      [registry.host, 'registry', [registry.host], 1],
      [target.host, 'redirect', [registry.host], 2],
      [tokens.host, 'token', [registry.host], 1],
      [moved.host, 'redirect', [registry.host], 1],
    ]);
  });

  it('counts connections that were refused or cut, and each try', async () => {
    const gone = await serve((_request, response) => response.end());
    await gone.close();
    const rude = await serveRaw((socket) => socket.destroy());
    const { client } = openClient({ retries: 2 });
    for (const { url } of [gone, rude]) await failureOf(client.send(get(url, '/a')));
    expect(client.contacts().map(({ host, requests }) => [host, requests])).toEqual([
      [gone.host, 3],
      [rude.host, 3],
    ]);
  });

  it('has the bytes of both directions, and the times from the first request to the end of the last answer', async () => {
    const server = await serve((_request, response) => {
      setTimeout(() => response.end('12345'), 60);
    });
    const { client } = openClient();
    const before = Date.now();
    const put = { method: 'PUT' as const, body: new Uint8Array(7) };
    expect(await read(client, get(server.url, '/a', put))).toBe('12345');
    const [contact] = client.contacts();
    expect(contact).toMatchObject({ requests: 1, receivedBytes: 5, sentBytes: 7, through: [] });
    const { firstAt = 0, lastAt = 0 } = contact ?? {};
    expect([firstAt >= before, lastAt - firstAt >= 50, lastAt <= Date.now()]).toEqual([true, true, true]);
  });

  it('has the time of a later request before its answer is there', async () => {
    let held: (() => void) | undefined;
    const server = await serve((request, response) => {
      if (request.url === '/a') response.end('1');
      else held = () => response.end('2');
    });
    const { client } = openClient();
    await read(client, get(server.url, '/a'));
    const ended = client.contacts()[0]?.lastAt ?? 0;
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(ended));
    const second = read(client, get(server.url, '/b'));
    await vi.waitFor(() => expect(held).toBeDefined());
    expect(client.contacts()[0]?.lastAt).toBeGreaterThan(ended);
    held?.();
    expect(await second).toBe('2');
  });

  it('has the bytes that were sent to who never answered, and the time of that', async () => {
    const rude = await serveRaw((socket) => {
      socket.on('data', (chunk) => void (chunk.includes('1234567') && setTimeout(() => socket.destroy(), 60)));
    });
    const { client } = openClient({ retries: 0 });
    const put = { method: 'PUT' as const, body: Buffer.from('1234567') };
    await failureOf(client.send(get(rude.url, '/a', put)));
    const [contact] = client.contacts();
    expect(contact).toMatchObject({ requests: 1, receivedBytes: 0, sentBytes: 7 });
    expect((contact?.lastAt ?? 0) - (contact?.firstAt ?? 0)).toBeGreaterThanOrEqual(50);
  });

  it('counts what was under way when the client is closed', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('123');
    });
    const { client } = openClient();
    const response = await client.send(get(server.url, '/a', { kind: 'bulk' }));
    for await (const chunk of response.body) {
      expect(chunk).toHaveLength(3);
      break;
    }
    await client.close();
    expect(client.contacts()).toMatchObject([{ host: server.host, requests: 1, receivedBytes: 3 }]);
  });

  it('has the proxy, what went through it and for whom', async () => {
    const proxy = createServer((request, response) => response.end(request.url));
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { client } = openClient({ proxy: { httpProxy: `http://u:p@${host}` } });
    const text = await read(client, get(new URL('http://registry.test'), '/a'));
    await read(client, get(new URL('http://Other.test.:5000'), '/b', { method: 'PUT', body: new Uint8Array(9) }));
    expect(short(client)).toEqual([
      ['registry.test:80', 'registry', ['registry.test:80'], 1],
      [host, 'proxy', ['registry.test:80', 'other.test:5000'], 2],
      ['other.test:5000', 'registry', ['other.test:5000'], 1],
    ]);
    expect(client.contacts().map(({ through, receivedBytes }) => [through, receivedBytes > 0])).toEqual([
      [[host], true],
      [[], true],
      [[host], true],
    ]);
    expect(client.statistics().get(host)).toMatchObject({ receivedBytes: 0, sentBytes: 0 });
    expect(client.contacts()[1]?.sentBytes).toBe(9);
    expect(client.statistics().get('registry.test:80')?.receivedBytes).toBe(text.length);
    await failureOf(client.send(get(new URL('https://other.test:5000'), '/b', { repeatable: false })));
    expect(client.contacts().map(({ through }) => through)).toEqual([[host], [], ['direct', host]]);
    proxy.closeAllConnections();
    proxy.close();
  });
});
