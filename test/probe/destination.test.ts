import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { probeDestination } from '../../src/probe/destination.ts';
import {
  certified,
  closing,
  destination,
  expired,
  freePort,
  otherAuthority,
  probing,
  registry,
  selfSigned,
  serveHttp,
  serveHttps,
  serveRaw,
} from './world.ts';

const own = certified(['registry.site']);
const stepNames = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name);

describe('a registry over TLS', () => {
  it('is open with 200 or 401, and only the head of the answer is taken', async () => {
    const port = await serveHttps(registry(200, { 'content-type': 'application/json' }), own);
    const probed = await probeDestination(destination(port), probing());
    expect(probed).toMatchObject({ verdict: 'open', state: 'answers 200', notes: [], addresses: ['127.0.0.1'] });
    expect(stepNames(probed.steps)).toEqual(['name', 'connection', 'tls', 'answer']);
    expect(probed.steps.every(({ isRight }) => isRight)).toBe(true);
    expect(probed.milliseconds).toBeGreaterThanOrEqual(0);
    expect(probed.certificate?.issuer).toMatch(/^airgap registry authority [0-9a-f]{8}$/);
  });

  it('says where tokens come from', async () => {
    const challenge = { 'www-authenticate': 'Bearer realm="https://Auth.Example.:8443/token",service="x"' };
    const port = await serveHttps(registry(401, challenge), own);
    const probed = await probeDestination(destination(port), probing());
    expect(probed).toMatchObject({ verdict: 'open', tokenService: { host: 'auth.example', port: 8443 } });
  });

  it('is open with 429: it is the registry that counts', async () => {
    const port = await serveHttps(registry(429), own);
    const { verdict, notes } = await probeDestination(destination(port), probing());
    expect([verdict, notes.length]).toEqual(['open', 1]);
  });

  it.each([
    ['403', registry(403), /answers 403 to \/v2\//],
    ['500', registry(500), /answers 500/],
    ['404', registry(404), /answers 404/],
    [
      'a redirect',
      registry(302, { location: 'https://block.corp.example/why?x' }),
      /302 .*redirect to block\.corp\.example$/,
    ],
    ['a page', registry(200, { 'content-type': 'text/html; charset=utf-8' }), /200 .*page/],
    ['401 without a way to log in', registry(401), /answers 401 to/],
    ['511', registry(511), /in between/],
  ])('answers wrongly with %s', async (_, listener, words) => {
    const port = await serveHttps(listener, own);
    const probed = await probeDestination(destination(port), probing());
    expect(probed).toMatchObject({ verdict: 'wrong answer', step: 'answer' });
    expect(probed.state).toMatch(words);
  });

  it('does not wait for the body', async () => {
    const port = await serveHttps((_, response) => void response.writeHead(200).write('x'), own);
    expect(await probeDestination(destination(port), probing({ timeoutMs: 2000 }))).toMatchObject({ verdict: 'open' });
  });

  it('survives headers without end', async () => {
    const port = await serveHttps((_, response) => void response.writeHead(200, { x: 'y'.repeat(40_000) }).end(), own);
    expect((await probeDestination(destination(port), probing())).verdict).toBe('wrong answer');
  });
});

describe('certificates', () => {
  const tried = async (pair: ReturnType<typeof certified>, more = {}, options = {}) =>
    await probeDestination(destination(await serveHttps(registry(200), pair), more), probing(options));

  it('of an authority nobody knows: a public host is intercepted, and the issuer is named', async () => {
    const probed = await tried(certified(['registry.site'], otherAuthority), { component: 'ghcr' });
    expect(probed).toMatchObject({ verdict: 'intercepted', step: 'tls' });
    expect(probed.state).toContain(probed.certificate?.issuer);
    expect(probed.hint).toContain('--ca');
  });

  it('of an authority given with --ca: a public host is open, with a note who intercepts', async () => {
    const probed = await tried(own, { component: 'ghcr' });
    expect(probed.verdict).toBe('open');
    expect(probed.notes).toEqual([
      expect.stringMatching(/intercepted, with a certificate of "airgap registry authority/),
    ]);
  });

  it('of an authority nobody knows: a host of the site may only lack its authority', async () => {
    const probed = await tried(certified(['registry.site'], otherAuthority));
    expect(probed).toMatchObject({ verdict: 'wrong answer', step: 'tls' });
    expect(probed.hint).toContain('--ca');
  });

  it('signed by itself', async () => {
    const probed = await tried(selfSigned, { component: 'ghcr' });
    expect(probed).toMatchObject({ verdict: 'intercepted' });
    expect(probed.state).toMatch(/"firewall\.corp\.example, Block Page Ltd".*DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  it('for another name', async () => {
    const probed = await tried(certified(['block.corp.example']), { component: 'ghcr' });
    expect(probed).toMatchObject({ verdict: 'wrong answer', step: 'tls' });
    expect(probed.state).toMatch(/is for block\.corp\.example, not for registry\.site/);
  });

  it('run out', async () => {
    const probed = await tried(expired(['registry.site']));
    expect(probed).toMatchObject({ verdict: 'wrong answer', step: 'tls', hint: expect.stringMatching(/clock/) });
    expect(probed.state).toMatch(/ran out on \d{4}-\d\d-\d\d/);
  });

  it('for an address', async () => {
    const probed = await tried(certified(['127.0.0.1']), { host: '127.0.0.1' });
    expect(probed).toMatchObject({ verdict: 'open', addresses: ['127.0.0.1'] });
    expect(stepNames(probed.steps)).toEqual(['connection', 'tls', 'answer']);
  });

  it('are not verified where that was asked for', async () => {
    const pair = certified(['registry.site'], otherAuthority);
    const probed = await tried(pair, { component: 'ghcr' }, { insecureSkipVerify: true });
    expect(probed).toMatchObject({ verdict: 'open', notes: [expect.stringMatching(/not verified/)] });
  });

  it('of this client are shown to hosts of the site, and to nobody who answers for one of the internet', async () => {
    const client = certified(['client.site']);
    const shown: boolean[] = [];
    const listener: RequestListener = (request, response) => {
      shown.push(Object.keys((request.socket as TLSSocket).getPeerCertificate()).length > 0);
      registry(200)(request, response);
    };
    const asking = { requestCert: true, rejectUnauthorized: false };
    const port = await serveHttps(listener, own, asking);
    await probeDestination(destination(port), probing({ client }));
    await probeDestination(destination(port, { component: 'ghcr' }), probing({ client }));
    await probeDestination(destination(port, { seen: 'undeclared' }), probing({ client }));
    expect(shown).toEqual([true, false, false]);
  });

  it('nothing is sent before the certificate was checked', async () => {
    let asked = 0;
    const port = await serveHttps(
      (_, response) => {
        asked += 1;
        response.end();
      },
      certified(['registry.site'], otherAuthority),
    );
    await probeDestination(destination(port), probing());
    expect(asked).toBe(0);
  });
});

describe('what a firewall does', () => {
  it('refuses the port', async () => {
    const probed = await probeDestination(destination(await freePort()), probing());
    expect(probed).toMatchObject({ verdict: 'blocked', step: 'connection', state: 'connection refused' });
  });

  it('lets TCP pass and stays silent', async () => {
    const probed = await probeDestination(destination(await serveRaw(() => {})), probing());
    expect(probed).toMatchObject({ verdict: 'blocked', step: 'tls', state: 'TLS not answered within 0.4 s' });
  });

  it.each([
    ['resets', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
    ['ends', (socket: Socket) => socket.once('data', () => socket.end())],
  ])('%s the connection when TLS begins', async (_, onSocket) => {
    const probed = await probeDestination(destination(await serveRaw(onSocket)), probing());
    expect(probed).toMatchObject({ verdict: 'blocked', step: 'tls', hint: expect.stringMatching(/SNI/) });
  });

  it('ends it once it knows the application', async () => {
    const port = await serveHttps((request) => void request.socket.destroy(), own);
    const probed = await probeDestination(destination(port, { isRegistry: false }), probing());
    expect(probed).toMatchObject({ verdict: 'blocked', step: 'answer' });
    const silent = await serveHttps(() => {}, own);
    expect(await probeDestination(destination(silent), probing())).toMatchObject({
      verdict: 'blocked',
      step: 'answer',
    });
  });

  it('answers in plain HTTP in place of the host', async () => {
    const port = await serveHttp(registry(200));
    const probed = await probeDestination(destination(port), probing());
    expect(probed).toMatchObject({ verdict: 'wrong answer', step: 'tls', state: 'it does not speak TLS' });
  });

  it('has the name server answer an address of no host', async () => {
    const port = await freePort();
    const probed = await probeDestination(destination(port, { component: 'ghcr' }), probing());
    expect(probed).toMatchObject({ verdict: 'wrong answer' });
    expect(probed.state).toMatch(/name server answers 127\.0\.0\.1/);
  });
});

describe('other hosts', () => {
  it('are open over TLS whatever status they answer', async () => {
    const port = await serveHttps((_, response) => void response.writeHead(503).end(), own);
    const probed = await probeDestination(destination(port, { isRegistry: false }), probing());
    expect(probed).toMatchObject({ verdict: 'open', state: 'answers 503' });
  });

  it('may speak HTTP/2 alone, as gRPC does', async () => {
    const server = createSecureServer({ cert: own.certificate, key: own.key });
    server.on('session', (session) => void session.on('error', () => {}));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing(() => void server.close());
    const { port } = server.address() as { port: number };
    const probed = await probeDestination(destination(port, { isRegistry: false }), probing({ timeoutMs: 2000 }));
    expect(probed).toMatchObject({ verdict: 'open', state: 'answers in HTTP/2' });
  });

  it('that speak plain HTTP are asked over plain HTTP', async () => {
    const port = await serveHttp((_, response) => void response.writeHead(404).end());
    const http = { speaks: 'http', isRegistry: false } as const;
    expect(await probeDestination(destination(port, http), probing())).toMatchObject({ verdict: 'open' });
    const garbage = await serveRaw((socket) => void socket.end('SSH-2.0-OpenSSH\r\n'));
    expect(await probeDestination(destination(garbage, http), probing())).toMatchObject({ verdict: 'wrong answer' });
  });

  it('of which nothing is known only have to accept a connection', async () => {
    const port = await serveRaw(() => {});
    const probed = await probeDestination(destination(port, { speaks: 'tcp', isRegistry: false }), probing());
    expect(probed).toMatchObject({ verdict: 'open', state: 'connected' });
  });

  it('that are registries without a scheme may speak either', async () => {
    const plain = await serveHttp(registry(200));
    const secure = await serveHttps(registry(200), own);
    for (const port of [plain, secure]) {
      const probed = await probeDestination(destination(port, { speaks: 'tcp' }), probing());
      expect(probed).toMatchObject({ verdict: 'open', state: 'answers 200' });
    }
  });

  it.each([
    ['*.pkg.dev', /wildcard/],
    ['<omni>', /only the site/],
  ])('%s is not tried', async (host, words) => {
    const probed = await probeDestination(destination(443, { host }), probing());
    expect(probed).toMatchObject({ verdict: 'unknown', steps: [], state: expect.stringMatching(words) });
  });

  it('are told with every address that does not answer', async () => {
    const port = await serveHttps(registry(200), own);
    const names = { 'registry.site': ['127.0.0.1', '127.0.0.77'] };
    const probed = await probeDestination(destination(port), probing({ names }));
    expect(probed.verdict).toBe('open');
    expect(probed.notes).toEqual([
      expect.stringMatching(/^1 of 2 addresses does not answer \(127\.0\.0\.77: connection refused\)/),
    ]);
  });
});

it('says nothing of addresses of a family that this host does not have, beside one that answers', async () => {
  const port = await serveHttps(registry(200), own);
  // The kernel has no route for TCP to it, whatever this machine is connected to.
  const names = { 'registry.site': ['127.0.0.1', '::ffff:255.255.255.255'] };
  const probed = await probeDestination(destination(port), probing({ names }));
  expect(probed).toMatchObject({ verdict: 'open', notes: [] });
  const same = await probeDestination(
    destination(port),
    probing({ names: { 'registry.site': ['127.0.0.1', '255.255.255.255'] } }),
  );
  expect(same.notes).toHaveLength(1);
});

it('ends at once when the run does', async () => {
  const stop = new AbortController();
  const port = await serveRaw(() => {});
  const started = performance.now();
  const probing_ = probing({ timeoutMs: 20_000, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('enough')), 50);
  await expect(probeDestination(destination(port), probing_)).rejects.toThrow('enough');
  expect(performance.now() - started).toBeLessThan(3000);
});
