/** Servers and proxies that mean no good, or never thought of being asked. */
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkLines } from '../../src/cli/egress/check-text.ts';
import { probeDestination } from '../../src/probe/destination.ts';
import { certified, closing, destination, probing, registry, serveHttps, serveRaw } from './world.ts';

const own = certified(['registry.site']);

/** Everything that would be printed of a destination, or given to programs. */
async function saidOf(port: number, timeoutMs = 400): Promise<{ readonly verdict: string; readonly text: string }> {
  const probed = await probeDestination(destination(port), probing({ timeoutMs }));
  const here = { host: 'here', addresses: [] };
  const known = { openings: undefined, listNotes: [], from: new Map(), here, timeoutMs, milliseconds: 1, exitCode: 0 };
  const lines = checkLines({ ...known, checked: { destinations: [probed], notes: [] } }, { columns: undefined });
  return { verdict: probed.verdict, text: lines.join('\n') };
}

describe('an answer to /v2/', () => {
  it.each(['identity', 'gzip'])('of 100 MB (%s) is not fetched', async (encoding) => {
    const chunk = Buffer.alloc(1_000_000);
    const sockets: Socket[] = [];
    const server = createHttpsServer({ cert: own.certificate, key: own.key }, (_, response) => {
      response.writeHead(200, { 'content-encoding': encoding });
      const body = encoding === 'gzip' ? createGzip() : response;
      if (body !== response) body.pipe(response);
      let left = 100;
      const more = (): void => {
        while (left > 0) {
          left -= 1;
          if (!body.write(chunk)) return void body.once('drain', more);
        }
        body.end();
      };
      response.on('error', () => {});
      more();
    });
    server.on('connection', (socket: Socket) => sockets.push(socket.on('error', () => {})));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing(() => {
      server.closeAllConnections();
      server.close();
    });
    const { verdict } = await saidOf((server.address() as AddressInfo).port);
    expect(verdict).toBe('open');
    await Promise.all(sockets.map((socket) => (socket.destroyed ? undefined : once(socket, 'close'))));
    // What the buffers of both kernels take.
    expect(sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0)).toBeLessThan(12_000_000);
  });

  it('byte by byte is waited for no longer than the limit', async () => {
    const port = await serveHttps((request) => {
      const bytes = `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1000)}`;
      let index = 0;
      const timer = setInterval(() => request.socket.write(bytes.charAt(index++)), 5);
      request.socket.on('close', () => clearInterval(timer));
    }, own);
    const started = performance.now();
    expect(await saidOf(port, 300)).toMatchObject({
      verdict: 'blocked',
      text: expect.stringContaining('within 0.3 s'),
    });
    expect(performance.now() - started).toBeLessThan(1500);
  });

  it.each([
    ['control characters', 'Bearer realm="https://a\u009b31m\u00ad.example/\tx",service="\u0085"'],
    ['no URL', 'Bearer realm="javascript:alert(1)"'],
    ['a name without end', `Bearer realm="https://${'a'.repeat(9000)}.example/"`],
    ['a password', 'Bearer realm="https://bob:s3cret@tokens.example/?token=s3cret"'],
  ])('with %s in its realm prints nothing that moves a cursor, is secret or has no end', async (_, challenge) => {
    const port = await serveHttps((request) => {
      const head = `HTTP/1.1 401 No\r\nwww-authenticate: ${challenge}\r\ncontent-length: 0\r\n\r\n`;
      request.socket.end(Buffer.from(head, 'latin1'));
    }, own);
    const { verdict, text } = await saidOf(port);
    expect(['open', 'wrong answer']).toContain(verdict);
    expect(text).not.toMatch(/[^\n\x20-\x7e]|s3cret|bob/);
    expect(text.length).toBeLessThan(2000);
  });
});

describe('TLS', () => {
  it('older than 1.2 is named', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    const port = await serveHttps(registry(200), own, old);
    expect(await saidOf(port)).toMatchObject({
      verdict: 'wrong answer',
      text: expect.stringContaining('it speaks none from 1.2 on'),
    });
  });

  it.each(['TLSv1.2', 'TLSv1.3'])('with a client certificate that is missing is told (%s)', async (version) => {
    const port = await serveHttps(registry(200), own, {
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: version,
    });
    expect(['wrong answer', 'blocked']).toContain((await saidOf(port)).verdict);
  });

  it('with a certificate of very many names is told in one line that can be read', async () => {
    const names = Array.from({ length: 60 }, (_, number) => `host-${number}.example`);
    const port = await serveHttps(registry(200), certified(names));
    const { verdict, text } = await saidOf(port);
    expect(verdict).toBe('wrong answer');
    expect(text).toMatch(
      /is for host-0\.example, host-1\.example, host-2\.example and \d+ more, not for registry\.site/,
    );
  });

  it('cut by a reset after the first message is blocked', async () => {
    const port = await serveRaw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await saidOf(port)).toMatchObject({
      verdict: 'blocked',
      text: expect.stringContaining('cut when TLS began'),
    });
  });
});
