import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { CertifiedKey } from '../../src/certificates/certificate.ts';
import type { ProxyServer } from '../../src/http/proxy.ts';
import { checkAll } from '../../src/probe/check.ts';
import { probeDestination } from '../../src/probe/destination.ts';
import {
  certified,
  closing,
  destination,
  freePort,
  otherAuthority,
  probing,
  registry,
  serveHttp,
  serveHttps,
  serveRaw,
} from './world.ts';

interface Proxy {
  readonly server: ProxyServer;
  readonly place: string;
  readonly asked: string[];
}

/** Opens tunnels to 127.0.0.1 at the port asked for, or answers with `status`. */
async function startProxy(
  options: {
    readonly status?: number;
    readonly authorization?: string;
    readonly plain?: RequestListener;
    readonly tls?: CertifiedKey;
  } = {},
): Promise<Proxy> {
  const asked: string[] = [];
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(options.plain)
      : createHttpsServer({ cert: tls.certificate, key: tls.key }, options.plain);
  server.on('connect', (request, socket) => {
    asked.push(request.url ?? '');
    socket.on('error', () => {});
    const { status = 200, authorization } = options;
    const isKnown = authorization === undefined || request.headers['proxy-authorization'] === authorization;
    if (status !== 200 || !isKnown) return void socket.end(`HTTP/1.1 ${isKnown ? status : 407} No\r\n\r\n`);
    const port = Number((request.url ?? '').split(':').at(-1));
    const through = createConnection({ host: '127.0.0.1', port }, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      socket.pipe(through).pipe(socket);
    });
    through.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    server: {
      url: new URL(`${tls === undefined ? 'http' : 'https'}://${placeOf(server)}`),
      authorization: options.authorization,
    },
    place: placeOf(server),
    asked,
  };
}

function placeOf(server: ReturnType<typeof createServer>): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function proxyAt(port: number, authorization?: string): ProxyServer {
  return { url: new URL(`http://127.0.0.1:${port}`), authorization };
}

const own = certified(['registry.site']);
/** Names are the proxy's affair. */
const names = { 'nobody.site': ['127.0.0.1'] };

describe('through a proxy', () => {
  it('a registry is asked in a tunnel, and its name is not looked up here', async () => {
    const proxy = await startProxy();
    const port = await serveHttps(registry(200), own);
    const probed = await probeDestination(
      destination(port, { through: proxy.place }),
      probing({ proxy: proxy.server, names }),
    );
    expect(probed).toMatchObject({ verdict: 'open', state: 'answers 200', addresses: [] });
    expect(probed.steps.map(({ name }) => name)).toEqual(['proxy', 'tls', 'answer']);
    expect(proxy.asked).toEqual([`registry.site:${port}`]);
  });

  it('logs in there', async () => {
    const proxy = await startProxy({ authorization: 'Basic dTpw' });
    const port = await serveHttps(registry(200), own);
    const one = destination(port, { through: proxy.place });
    expect((await probeDestination(one, probing({ proxy: proxy.server, names }))).verdict).toBe('open');
    const anonymous = { ...proxy.server, authorization: undefined };
    const refused = await probeDestination(one, probing({ proxy: anonymous, names }));
    expect(refused).toMatchObject({ verdict: 'blocked', step: 'proxy', hint: expect.stringMatching(/HTTPS_PROXY/) });
    expect(refused.state).toMatch(/answered 407/);
  });

  it.each([
    [403, /answered 403: it refuses/],
    [502, /does not reach it/],
  ])('is told what the proxy says: %i', async (status, words) => {
    const proxy = await startProxy({ status });
    const one = destination(443, { through: proxy.place, component: 'ghcr' });
    const probed = await probeDestination(one, probing({ proxy: proxy.server, names }));
    expect(probed).toMatchObject({ verdict: 'blocked', step: 'proxy', state: expect.stringMatching(words) });
    expect(probed.missing).toBeUndefined();
  });

  it('may be spoken to over TLS itself', async () => {
    const proxy = await startProxy({ tls: certified(['127.0.0.1']) });
    const port = await serveHttps(registry(200), own);
    const one = destination(port, { through: proxy.place });
    expect(await probeDestination(one, probing({ proxy: proxy.server, names }))).toMatchObject({ verdict: 'open' });
    const untrusted = probing({ proxy: proxy.server, names, ca: otherAuthority.certificate });
    const refused = await probeDestination(one, untrusted);
    expect(refused).toMatchObject({
      verdict: 'blocked',
      step: 'proxy',
      missing: { kind: 'proxy', place: proxy.place },
    });
    expect(refused.state).toMatch(/^proxy 127\.0\.0\.1:\d+: its certificate comes from/);
  });

  it('an interception behind it is seen', async () => {
    const proxy = await startProxy();
    const port = await serveHttps(registry(200), certified(['registry.site'], otherAuthority));
    const one = destination(port, { through: proxy.place, component: 'ghcr' });
    expect((await probeDestination(one, probing({ proxy: proxy.server, names }))).verdict).toBe('intercepted');
  });

  it('plain HTTP is asked of the proxy itself', async () => {
    const lines: string[] = [];
    const answers = [200, 407, 503];
    const proxy = await startProxy({
      plain: (request, response) => {
        lines.push(`${request.method} ${request.url}`);
        response.writeHead(answers.shift() ?? 200).end();
      },
    });
    const one = destination(5000, { through: proxy.place, speaks: 'http' });
    const settings = probing({ proxy: proxy.server, names });
    expect((await probeDestination(one, settings)).verdict).toBe('open');
    expect(await probeDestination(one, settings)).toMatchObject({
      verdict: 'blocked',
      state: expect.stringMatching(/407/),
    });
    expect(await probeDestination(one, settings)).toMatchObject({
      verdict: 'blocked',
      state: expect.stringMatching(/503/),
    });
    expect(lines[0]).toBe('GET http://registry.site:5000/v2/');
  });

  it.each(['refuses', 'is silent'])('a proxy that %s is the one line that is wrong', async (how) => {
    const port = how === 'refuses' ? await freePort() : await serveRaw(() => {});
    const place = `127.0.0.1:${port}`;
    const itself = destination(port, { host: '127.0.0.1', speaks: 'http', isRegistry: false, purposes: ['proxy'] });
    const behind = [1, 2].map((number) => destination(443, { host: `r${number}.site`, through: place }));
    const settings = probing({ proxy: proxyAt(port), names });
    const { destinations } = await checkAll([itself, ...behind], settings);
    expect(destinations.map(({ verdict }) => verdict)).toEqual(['blocked', 'unknown', 'unknown']);
    expect(destinations[1]?.state).toBe(`not tried: the proxy ${place} cannot be used`);
  });

  it('a page of the proxy in place of an http host is not taken for a registry', async () => {
    const port = await serveHttp((_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end());
    const one = destination(80, { through: `127.0.0.1:${port}`, speaks: 'http' });
    expect((await probeDestination(one, probing({ proxy: proxyAt(port), names }))).verdict).toBe('wrong answer');
  });
});
