import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Credential } from '../../src/http/client.ts';
import { failureOf, get, openClient, pem, read, serve, type TestServer } from './servers.ts';

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const scopes = ['repository:a/b:pull'];

interface TokenServiceOptions {
  readonly lifeMs?: number;
  readonly delayMs?: number;
  readonly answer?: (request: IncomingMessage, response: ServerResponse, count: number) => boolean;
}

/** A token service and a registry that believes its tokens while they live. */
async function realm(options: TokenServiceOptions = {}) {
  const issued = new Map<string, { readonly scope: string | null; readonly until: number }>();
  const life = options.lifeMs ?? 60_000;
  const tokens = await serve((request, response, count) => {
    if (options.answer?.(request, response, count) === true) return;
    const token = `token-${count}`;
    const scope = new URL(request.url ?? '', 'http://x').searchParams.getAll('scope').join(' ');
    issued.set(token, { scope, until: performance.now() + life });
    response.end(JSON.stringify({ token, expires_in: life / 1000 }));
  });
  const registry = await serve((request, response) => {
    setTimeout(() => {
      const held = issued.get(request.headers.authorization?.replace('Bearer ', '') ?? '');
      const wanted = `repository:${request.url?.slice(1)}:pull`;
      if (held !== undefined && held.until > performance.now() && held.scope?.includes(wanted)) response.end('content');
      else {
        const challenge = `Bearer realm="${tokens.url.href}token",service="here",scope="${wanted}"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
    }, options.delayMs ?? 0);
  });
  return { tokens, registry };
}

const credentialsFor = (server: TestServer, credential: Credential) => async (host: string) =>
  host === server.host ? credential : undefined;

describe('send() and bearer tokens', () => {
  it('fetches an anonymous token once and sends it at once afterwards', async () => {
    const { tokens, registry } = await realm();
    const { client } = openClient();
    for (let i = 0; i < 3; i++) expect(await read(client, get(registry.url, '/a/b', { scopes }))).toBe('content');
    expect(registry.seen).toHaveLength(4);
    expect(tokens.seen).toEqual(['GET /token?service=here&scope=repository%3Aa%2Fb%3Apull']);
    expect(tokens.headers[0]?.authorization).toBeUndefined();
    expect(client.statistics().get(tokens.host)?.purpose).toBe('token');
  });

  it('fetches a token for a new scope before it is asked for', async () => {
    const { tokens, registry } = await realm();
    const { client } = openClient();
    await read(client, get(registry.url, '/a/b', { scopes }));
    await read(client, get(registry.url, '/c/d', { scopes: ['repository:c/d:pull'] }));
    expect(registry.seen).toEqual(['GET /a/b', 'GET /a/b', 'GET /c/d']);
    expect(tokens.seen).toHaveLength(2);
  });

  it('takes the scope from the challenge when the caller names none', async () => {
    const { registry } = await realm();
    const { client } = openClient();
    for (const path of ['/a/b', '/c/d', '/a/b']) expect(await read(client, get(registry.url, path))).toBe('content');
    expect(registry.seen).toHaveLength(5);
  });

  it('asks the token service once for many requests at the same time', async () => {
    const { tokens, registry } = await realm({ delayMs: 5 });
    const { client } = openClient();
    await Promise.all(Array.from({ length: 8 }, () => read(client, get(registry.url, '/a/b', { scopes }))));
    expect(tokens.seen).toHaveLength(1);
  });

  it('works when tokens live one second and requests take 300 ms', async () => {
    const { registry } = await realm({ lifeMs: 1000, delayMs: 300 });
    const { client, events } = openClient({ concurrency: 1 });
    const work = Array.from({ length: 6 }, () => read(client, get(registry.url, '/a/b', { scopes })));
    expect(await Promise.all(work)).toEqual(Array(6).fill('content'));
    expect(events).toEqual([]);
  });

  it('replaces a token that is refused before its time, once', async () => {
    let tokens = 0;
    const server: TestServer = await serve((request, response, count) => {
      if (request.url?.startsWith('/token') === true) response.end(JSON.stringify({ access_token: `t${++tokens}` }));
      else if (request.headers.authorization === 'Bearer t2') response.end('content');
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${server.url.href}token"`, x: count }).end();
    });
    const { client } = openClient({ concurrency: 1 });
    expect(await read(client, get(server.url, '/a', { scopes }))).toBe('content');
    expect(tokens).toBe(2);
  });

  it('gives up with a hint when a fresh token is refused too', async () => {
    const server: TestServer = await serve((request, response) => {
      if (request.url?.startsWith('/token') === true) response.end(JSON.stringify({ token: 'useless' }));
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${server.url.href}token"` }).end();
    });
    const { client } = openClient();
    const error = await failureOf(client.send(get(server.url, '/a', { scopes })));
    expect(error).toMatchObject({ code: 'ERR_UNAUTHORIZED', status: 401, retryable: false });
    expect(error.hint).toContain(`docker login ${server.host}`);
    expect(server.seen.filter((line) => line.includes('/a'))).toHaveLength(3);
  });

  it('sends the password of the registry to its token service', async () => {
    const { tokens, registry } = await realm();
    const { client } = openClient({ credentials: credentialsFor(registry, { username: 'me', password: 'pw:ü' }) });
    expect(await read(client, get(registry.url, '/a/b', { scopes }))).toBe('content');
    expect(tokens.headers[0]?.authorization).toBe(basic('me', 'pw:ü'));
    expect(tokens.seen[0]).toContain('account=me');
  });

  it('exchanges an identity token by POST', async () => {
    let form = '';
    const { tokens, registry } = await realm({
      answer: (request) => {
        form += request.method;
        return false;
      },
    });
    const { client } = openClient({ credentials: credentialsFor(registry, { identityToken: 'id' }) });
    const error = await failureOf(client.send(get(registry.url, '/a/b', { scopes })));
    expect([error.code, form, tokens.headers[0]?.['content-type']]).toEqual([
      'ERR_UNAUTHORIZED',
      'POSTPOST',
      'application/x-www-form-urlencoded',
    ]);
  });

  it('falls back to GET where the token service does not know POST', async () => {
    const { tokens, registry } = await realm({
      answer: (request, response) => {
        if (request.method === 'GET') return false;
        response.writeHead(404).end();
        return true;
      },
    });
    const { client } = openClient({ credentials: credentialsFor(registry, { identityToken: 'id' }) });
    expect(await read(client, get(registry.url, '/a/b', { scopes }))).toBe('content');
    expect(tokens.seen.map((line) => line.split(' ')[0])).toEqual(['POST', 'GET']);
  });

  it('waits when the token service says 429, and repeats when it fails', async () => {
    const { tokens, registry } = await realm({
      answer: (_request, response, count) => {
        if (count > 2) return false;
        response.writeHead(count === 1 ? 429 : 503, count === 1 ? { 'retry-after': '0.05' } : {}).end();
        return true;
      },
    });
    const { client, events } = openClient();
    expect(await read(client, get(registry.url, '/a/b', { scopes }))).toBe('content');
    expect(tokens.seen).toHaveLength(3);
    expect(events.find((event) => event.type === 'wait')).toMatchObject({ host: tokens.host, reason: '429' });
  });

  it.each([
    [401, 'ERR_UNAUTHORIZED'],
    [403, 'ERR_DENIED'],
    [404, 'ERR_PROTOCOL'],
  ])('a token service that answers %i is %s', async (status, code) => {
    const { tokens, registry } = await realm({
      answer: (_request, response) => {
        response.writeHead(status).end();
        return true;
      },
    });
    const { client } = openClient();
    expect(await failureOf(client.send(get(registry.url, '/a/b', { scopes })))).toMatchObject({
      code,
      host: tokens.host,
    });
  });

  it.each(['', '{}', '[]', 'null', '{"token":7}', '{"token":"a b"}', '{"token":"a\\r\\nx: y"}'])(
    'refuses what is no token: %s',
    async (text) => {
      const { registry } = await realm({
        answer: (_request, response) => {
          response.end(text);
          return true;
        },
      });
      const error = await failureOf(openClient().client.send(get(registry.url, '/a/b', { scopes })));
      expect(error.code).toBe('ERR_PROTOCOL');
    },
  );

  it('lets an upload whose token was refused be tried again with a fresh one', async () => {
    let revoked = false;
    const server: TestServer = await serve((request, response) => {
      const { authorization } = request.headers;
      if (request.url?.startsWith('/token') === true) response.end(JSON.stringify({ token: revoked ? 'new' : 'old' }));
      else if (authorization === (revoked ? 'Bearer new' : 'Bearer old')) response.end('fine');
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${server.url.href}token"` }).end();
    });
    const { client } = openClient();
    await read(client, get(server.url, '/a', { scopes }));
    revoked = true;
    const put = () => {
      const body = (async function* () {
        yield new Uint8Array(3);
      })();
      return get(server.url, '/a', { method: 'PUT', body, contentLength: 3, scopes });
    };
    expect(await failureOf(client.send(put()))).toMatchObject({ code: 'ERR_UNAUTHORIZED', retryable: true });
    expect(await read(client, put())).toBe('fine');
  });

  it('needs no second slot on the same host', async () => {
    const server: TestServer = await serve((request, response) => {
      if (request.url?.startsWith('/token') === true) response.end(JSON.stringify({ token: 't' }));
      else if (request.headers.authorization !== undefined) response.end('content');
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="${server.url.href}token"` }).end();
    });
    const { client } = openClient({ concurrency: 1 });
    const work = Array.from({ length: 5 }, (_, i) =>
      read(client, get(server.url, `/${i}`, { scopes: [`r:${i}:pull`] })),
    );
    expect(await Promise.all(work)).toEqual(Array(5).fill('content'));
  });
});

describe('send() and credentials', () => {
  it('sends a password only after a challenge, and at once from then on', async () => {
    const server = await serve((request, response) => {
      if (request.headers.authorization === basic('me', 'pw')) response.end('content');
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    const { client } = openClient({ credentials: credentialsFor(server, { username: 'me', password: 'pw' }) });
    for (let i = 0; i < 2; i++) expect(await read(client, get(server.url, '/a'))).toBe('content');
    expect(server.headers.map((headers) => headers.authorization)).toEqual([
      undefined,
      basic('me', 'pw'),
      basic('me', 'pw'),
    ]);
  });

  it('refuses at once with a wrong password, and keeps it out of the error', async () => {
    const server = await serve((_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end());
    const { client } = openClient({ credentials: credentialsFor(server, { username: 'me', password: 'hunter2' }) });
    const error = await failureOf(client.send(get(server.url, '/a')));
    expect(error.code).toBe('ERR_UNAUTHORIZED');
    expect(server.seen).toHaveLength(2);
    expect(JSON.stringify([error, error.message, error.hint])).not.toContain('hunter2');
  });

  it('never gives the credential of one host to another', async () => {
    const other = await serve((_request, response) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end(),
    );
    const server = await serve((request, response) => {
      if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      else response.writeHead(307, { location: other.url.href }).end();
    });
    const { client } = openClient({ credentials: credentialsFor(server, { username: 'me', password: 'pw' }) });
    expect((await failureOf(client.send(get(server.url, '/a')))).host).toBe(other.host);
    expect(other.headers.every((headers) => headers.authorization === undefined)).toBe(true);
  });

  it('does not send a credential over plain HTTP to another machine unless that is allowed', async () => {
    const proxy = await serve((request, response) => {
      if (request.headers.authorization === basic('me', 'pw')) response.end('content');
      else response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    });
    const settings = {
      proxy: { httpProxy: proxy.url.href },
      credentials: async () => ({ username: 'me', password: 'pw' }),
    };
    const url = new URL('http://registry.test/');
    const error = await failureOf(openClient(settings).client.send(get(url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_UNAUTHORIZED', host: 'registry.test' });
    expect(error.message).toContain('over plain HTTP');
    const allowed = openClient({ ...settings, credentialsOverPlainHttp: true }).client;
    expect(await read(allowed, get(url, '/a'))).toBe('content');
  });

  it('does not send a credential to a token service on plain HTTP', async () => {
    const registry = await serve(
      (_request, response) =>
        response.writeHead(401, { 'www-authenticate': 'Bearer realm="http://auth.test/token"' }).end(),
      { tls: {} },
    );
    const proxy = await serve((_request, response) => response.end(JSON.stringify({ token: 't' })));
    const { client } = openClient({
      tls: { ca: pem('ca') },
      proxy: { httpProxy: proxy.url.href },
      credentials: credentialsFor(registry, { username: 'me', password: 'pw' }),
    });
    expect((await failureOf(client.send(get(registry.url, '/a', { scopes })))).message).toContain(
      'auth.test over plain HTTP',
    );
    expect(proxy.seen).toEqual([]);
  });

  it.each(['file:///etc/passwd', 'nonsense', 'http://169.254.169.254/token', 'http://auth-.test/token'])(
    'asks no token at %s',
    async (place) => {
      const server = await serve((_request, response) =>
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${place}"` }).end(),
      );
      const error = await failureOf(openClient().client.send(get(server.url, '/a', { scopes })));
      expect(error).toMatchObject({ code: 'ERR_PROTOCOL', retryable: false });
    },
  );
});
