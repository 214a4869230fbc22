import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { failureOf, get, openClient, pem, read, serve } from './servers.ts';

/** A proxy that knows every name as `to`, and asks for a password where one is given. */
async function startProxy(to: { readonly port: number }, password?: string) {
  const asked: string[] = [];
  const proxy = await serve(() => {});
  const port = Number(proxy.url.port);
  await proxy.close();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} host=${request.headers.host}`);
    response.end('from the proxy');
  });
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (password !== undefined && request.headers['proxy-authorization'] !== password) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const upstream = connect(to.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on('error', () => {});
    socket.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, asked, close: () => server.close() };
}

describe('TLS', () => {
  it('trusts the given authority besides the known ones, and names the remedy without it', async () => {
    const server = await serve((_request, response) => response.end('secret'), { tls: {} });
    expect(await read(openClient({ tls: { ca: pem('ca') } }).client, get(server.url, '/a'))).toBe('secret');
    const { client, events } = openClient();
    const error = await failureOf(client.send(get(server.url, '/a')));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', retryable: false });
    expect(error.hint).toContain('certificate authority');
    expect(events).toEqual([]);
  });

  it('checks the name of the certificate', async () => {
    const server = await serve((_request, response) => response.end('x'), { tls: {} });
    const proxy = await startProxy({ port: Number(server.url.port) });
    const { client } = openClient({ tls: { ca: pem('ca') }, proxy: { httpsProxy: proxy.url } });
    const error = await failureOf(client.send(get(new URL('https://other.example/'), '/a')));
    expect(error.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(error.hint).toContain('for other names');
    proxy.close();
  });

  it('does not check certificates when told so', async () => {
    const server = await serve((_request, response) => response.end('secret'), { tls: {} });
    expect(await read(openClient({ tls: { insecureSkipVerify: true } }).client, get(server.url, '/a'))).toBe('secret');
  });

  it('shows its client certificate', async () => {
    const server = await serve((_request, response) => response.end('known'), {
      tls: { requestCert: true, rejectUnauthorized: true, ca: pem('ca') },
    });
    const ca = pem('ca');
    const tls = { ca, clientCertificate: pem('client'), clientKey: pem('client-key') };
    expect(await read(openClient({ tls }).client, get(server.url, '/a'))).toBe('known');
    const error = await failureOf(openClient({ tls: { ca }, retries: 1 }).client.send(get(server.url, '/a')));
    expect(error.code).toBe('ERR_UNREACHABLE');
  });

  it('says when the other side does not speak TLS', async () => {
    const server = await serve((_request, response) => response.end());
    const error = await failureOf(openClient().client.send(get(new URL(`https://${server.host}`), '/a')));
    expect(error.message).toContain('does not speak TLS');
    expect(error.hint).toContain('http://');
  });

  it('throws ERR_USAGE for a certificate that is none', async () => {
    const { client } = openClient({ tls: { ca: 'x', clientKey: 'no key' } });
    expect((await failureOf(client.send(get(new URL('https://127.0.0.1:1'), '/a')))).code).toBe('ERR_USAGE');
  });
});

describe('proxies', () => {
  it('tunnels https with TLS to the host itself, once per connection', async () => {
    const server = await serve((_request, response) => response.end('far'), { tls: {} });
    const proxy = await startProxy(
      { port: Number(server.url.port) },
      `Basic ${Buffer.from('u:p w').toString('base64')}`,
    );
    const { client } = openClient({
      tls: { ca: pem('ca') },
      proxy: { httpsProxy: proxy.url.replace('//', '//u:p%20w@') },
    });
    for (let i = 0; i < 3; i++) expect(await read(client, get(new URL('https://registry.test/'), '/a'))).toBe('far');
    expect(proxy.asked).toEqual(['CONNECT registry.test:443']);
    expect([...client.statistics().values()].map(({ host, purpose }) => [host, purpose])).toEqual([
      ['registry.test:443', 'registry'],
      [proxy.host, 'proxy'],
    ]);
    proxy.close();
  });

  it('asks the proxy itself for http', async () => {
    const proxy = await startProxy({ port: 1 });
    const { client } = openClient({ proxy: { httpProxy: proxy.url.slice('http://'.length) } });
    expect(await read(client, get(new URL('http://registry.test:5000/'), '/a?b=c'))).toBe('from the proxy');
    expect(proxy.asked).toEqual(['GET http://registry.test:5000/a?b=c host=registry.test:5000']);
    proxy.close();
  });

  it('says that the proxy wants a password', async () => {
    const proxy = await startProxy({ port: 1 }, 'Basic x');
    const { client, events } = openClient({ proxy: { httpsProxy: proxy.url } });
    const error = await failureOf(client.send(get(new URL('https://registry.test/'), '/a')));
    expect(error).toMatchObject({ code: 'ERR_UNAUTHORIZED', retryable: false });
    expect(error.message).toContain(`proxy ${proxy.host} answered 407`);
    expect(events).toEqual([]);
    proxy.close();
  });

  it('goes to loopback directly', async () => {
    const server = await serve((_request, response) => response.end('near'));
    const { client } = openClient({ proxy: { httpProxy: 'http://127.0.0.1:1' } });
    expect(await read(client, get(server.url, '/a'))).toBe('near');
  });
});

describe('close()', () => {
  it('ends what is in flight', async () => {
    const server = await serve(() => {});
    const { client } = openClient();
    const sent = failureOf(client.send(get(server.url, '/a')));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await client.close();
    expect((await sent).code).toBe('ERR_INTERRUPTED');
  });
});
