import { readFile } from 'node:fs/promises';
import { createServer as createTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { AirgapEvent } from '../../../src/events.ts';
import { openHttpClient } from '../../../src/http/open.ts';
import { isLoopbackHost, isPrivateAddress, isPrivateHost } from '../../../src/store/registry/private-address.ts';
import { probeScheme } from '../../../src/store/registry/scheme.ts';
import { closeAfterTest, errorOf, startServer } from './loopback-server.ts';

const tls = (name: string) => readFile(new URL(`../../../fixtures/tls/${name}`, import.meta.url), 'utf8');

async function startTls(): Promise<string> {
  const server = createTls({ cert: await tls('server.pem'), key: await tls('server-key.pem') }, (_request, response) =>
    response.writeHead(401).end(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAfterTest(async () => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(ca?: string) {
  const opened = openHttpClient({ end: 'target', concurrency: 2, backoffMs: 1, tls: { ca } });
  closeAfterTest(() => opened.close());
  return opened;
}

describe('probeScheme()', () => {
  it.each([200, 401, 404, 503])(
    'uses plain HTTP for a loopback host that answers so with %i, and says it',
    async (status) => {
      const server = await startServer(() => ({ status }));
      const events: AirgapEvent[] = [];
      const url = await probeScheme(server.host, { client: client(), events: (event) => events.push(event) });
      expect(url.href).toBe(`http://${server.host}/`);
      expect(events.filter((event) => event.type === 'notice')).toEqual([
        { type: 'notice', message: expect.stringContaining(`http://${server.host}`) },
      ]);
    },
  );

  it('does not use plain HTTP for a host that is not private, and says what to write', async () => {
    const server = await startServer(() => ({ status: 200 }));
    // Linux connects 0.0.0.0 to this machine, but it is no private address.
    const host = server.host.replace('127.0.0.1', '0.0.0.0');
    const error = await errorOf(probeScheme(host, { client: client() }));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', end: 'target', host });
    expect(error.hint).toContain(`http://${host}`);
    expect(server.requests).toHaveLength(1);
  });

  it('uses HTTPS where it is spoken', async () => {
    const host = await startTls();
    expect((await probeScheme(host, { client: client(await tls('ca.pem')) })).href).toBe(`https://${host}/`);
  });

  it('does not fall back to plain HTTP where a certificate is refused', async () => {
    const host = await startTls();
    const error = await errorOf(probeScheme(host, { client: client() }));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', host, message: expect.stringContaining('TLS') });
    expect(error.hint).toContain('certificate authority');
  });

  it('names a host where nothing answers', async () => {
    const server = createTcp();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    const error = await errorOf(probeScheme(host, { client: client() }));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', host, end: 'target' });
    expect(error.message).toContain(host);
    expect(error.hint).toBeDefined();
  });

  it('does not wait long for a host that says nothing', async () => {
    const server = createTcp((socket) => socket.on('error', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closeAfterTest(async () => server.close());
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const error = await errorOf(probeScheme(host, { client: client(), timeoutMs: 200 }));
    expect(error).toMatchObject({ code: 'ERR_UNREACHABLE', host });
  });

  it('stops when its signal is aborted', async () => {
    const server = await startServer(() => ({ status: 200 }));
    const error = await errorOf(probeScheme(server.host, { client: client(), signal: AbortSignal.abort() }));
    expect(error).toMatchObject({ code: 'ERR_INTERRUPTED' });
  });
});

describe('isPrivateHost()', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.1.1',
    '::1',
    'fd00::1',
    'fe80::1',
    '::ffff:10.0.0.1',
  ])('takes %s for private', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(['8.8.8.8', '172.32.0.1', '11.0.0.1', '100.64.0.1', '2001:db8::1', '::ffff:8.8.8.8', 'x'])(
    'takes %s for public',
    (address) => {
      expect(isPrivateAddress(address)).toBe(false);
    },
  );

  it('looks names up: all of their addresses have to be private', async () => {
    const found = (addresses: string[]) => isPrivateHost('registry.example:5000', async () => addresses);
    expect(await found(['10.0.0.1', 'fd00::1'])).toBe(true);
    expect(await found(['10.0.0.1', '8.8.8.8'])).toBe(false);
    expect(await found([])).toBe(false);
    expect(await isPrivateHost('x.example', () => Promise.reject(new Error('unknown')))).toBe(false);
    expect(await isPrivateHost('[fd00::1]:5000')).toBe(true);
    expect(await isPrivateHost('8.8.8.8:5000')).toBe(false);
  });

  it.each(['localhost', 'localhost:5000', '127.0.0.2:1', '[::1]:5000', 'a.localhost'])(
    'knows %s as loopback',
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each(['localhost.example', '127.0.0.1.example', '[::2]', '10.0.0.1'])('knows %s as no loopback', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
