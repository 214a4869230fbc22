import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/certificates/certificate.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { type RunningServer, type ServedRequest, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source, Target } from '../../src/store/store.ts';
import { replaced } from '../support/replaced.ts';
import { seedImage } from '../support/seedImages.ts';
import { usedBuffers } from '../support/usedBuffers.ts';

/** More than the buffers of two sockets take. */
const layerBytes = 24_000_000;
const limits = { headerBytes: 4096, headerTimeoutMs: 400, idleTimeoutMs: 600, keepAliveMs: 300 };
const log: ServedRequest[] = [];
let store: Target;
let layer: { readonly digest: Digest; readonly size: number };
/** With narrow limits. */
let narrow: RunningServer;
/** With the usual ones. */
let usual: RunningServer;
/** For eight. */
let small: RunningServer;

beforeAll(async () => {
  store = openMemory();
  const { blobs } = await seedImage(store, 'ghcr.io/big/one:1', { layerBytes, platforms: ['linux/amd64'] });
  layer = blobs.reduce((one, other) => (one.size > other.size ? one : other));
  narrow = await serveStore(store, { limits, graceMs: 50, onRequest: (request) => log.push(request) });
  usual = await serveStore(store, { graceMs: 50 });
  small = await serveStore(store, { limits: { connections: 8 }, graceMs: 50 });
});

afterAll(() => Promise.all([narrow, usual, small].map((server) => server.close())));

interface Talk {
  readonly socket: Socket;
  /** What was answered so far. */
  text(): string;
  /** Everything that was answered, once the server has closed; fails after five seconds. */
  readonly ended: Promise<string>;
}

/** A raw connection that says `hello` and listens. */
function talk(server: RunningServer, hello = ''): Talk {
  const socket = connect(server.port, '127.0.0.1');
  let answered = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    answered += chunk;
  });
  socket.on('error', () => {});
  if (hello !== '') socket.write(hello);
  const ended = new Promise<string>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`still open after: ${JSON.stringify(answered.slice(0, 200))}`)),
      5000,
    );
    socket.once('close', () => {
      clearTimeout(late);
      resolve(answered);
    });
  });
  ended.catch(() => {});
  return { socket, text: () => answered, ended };
}

/** The specification's error code in an answer as it came over the wire. */
function codeIn(answer: string): string {
  const body: unknown = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  return (body as { errors: { code: string }[] }).errors[0]?.code ?? '';
}

const request = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;

describe('slow clients', () => {
  it('of 1 KB/s do not slow down others, and cost one chunk of memory each', async () => {
    const slow = Array.from({ length: 40 }, () => {
      const { socket } = talk(usual, request(`/v2/big/one/blobs/${layer.digest}`));
      socket.pause();
      const timer = setInterval(() => socket.read(1024), 1000);
      return { close: () => [clearInterval(timer), socket.destroy()] };
    });
    try {
      await expect.poll(() => usual.statistics().inFlight).toBe(40);
      const before = await usedBuffers();
      const startedAt = performance.now();
      for (let round = 0; round < 3; round += 1) {
        const answer = await fetch(`${usual.url}/v2/big/one/blobs/${layer.digest}`);
        expect((await answer.arrayBuffer()).byteLength).toBe(layer.size);
      }
      expect((await fetch(`${usual.url}/v2/big/one/manifests/1`)).status).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(4000);
      expect(usual.statistics().inFlight).toBe(40);
      expect((await usedBuffers()) - before).toBeLessThan(40 * 1_000_000);
    } finally {
      for (const client of slow) client.close();
    }
    await expect.poll(() => usual.statistics().inFlight).toBe(0);
  });

  it('that send headers byte by byte are cut, with 408', async () => {
    const { socket, ended } = talk(narrow);
    const bytes = request('/v2/', `X-Slow: ${'x'.repeat(1000)}\r\n`);
    let sent = 0;
    const timer = setInterval(() => socket.write(bytes.charAt(sent++)), 20);
    const answer = await ended;
    clearInterval(timer);
    expect(answer).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(codeIn(answer)).toBe('UNSUPPORTED');
  });

  it('that say nothing at all are cut, before a first request and after one', async () => {
    await talk(narrow).ended;
    const { ended } = talk(narrow, request('/v2/'));
    expect(await ended).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('that take nothing of an answer are cut', async () => {
    log.length = 0;
    const { socket } = talk(narrow, request(`/v2/big/one/blobs/${layer.digest}`));
    socket.pause();
    await expect.poll(() => log, { timeout: 5000 }).toHaveLength(1);
    expect(log[0]?.bytes).toBeLessThan(layer.size);
    socket.destroy();
  });

  it('that announce a body and do not send it are cut', async () => {
    const { ended } = talk(narrow, 'GET /v2/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    expect(await ended).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('too much', () => {
  it('of headers is answered 431 with an error body', async () => {
    const answer = await talk(narrow, request('/v2/', `X-Large: ${'x'.repeat(5000)}\r\n`)).ended;
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(codeIn(answer)).toBe('UNSUPPORTED');
  });

  it('of a path is answered 414, or by the limit of headers', async () => {
    const long = await fetch(`${usual.url}/v2/${'a/'.repeat(2100)}manifests/1`);
    expect([long.status, await long.json()]).toMatchObject([414, { errors: [{ code: 'UNSUPPORTED' }] }]);
    const deep = await fetch(`${usual.url}/v2/${'a/'.repeat(1500)}manifests/1`);
    expect(deep.status).toBe(404);
    expect((await fetch(`${usual.url}/v2/${'a'.repeat(16_500)}`)).status).toBe(431);
  });

  it('of a body that nobody wants is not read to its end', async () => {
    const { socket, ended } = talk(
      usual,
      `PUT /v2/big/one/blobs/${layer.digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n`,
    );
    const megabyte = Buffer.alloc(1_000_000);
    let sent = 0;
    const send = (): void => {
      if (socket.destroyed || sent >= 200) return;
      sent += 1;
      socket.write(megabyte, () => setTimeout(send, 5));
    };
    send();
    const answer = await ended;
    expect(answer).toMatch(/^HTTP\/1\.1 405 /);
    expect(sent).toBeLessThan(100);
  });

  it('of connections closes idle ones first, then is answered 503, and leaves those under way alone', async () => {
    const idle = Array.from({ length: 8 }, () => talk(small, request('/v2/')));
    for (const { text } of idle) await expect.poll(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const ninth = talk(small, request('/v2/'));
    await expect.poll(ninth.text).toMatch(/^HTTP\/1\.1 /);
    await Promise.all(idle.map(({ ended }) => ended));
    ninth.socket.destroy();
    await expect.poll(() => small.statistics().connections).toBe(0);

    const busy = Array.from({ length: 8 }, () => {
      const client = talk(small, request(`/v2/big/one/blobs/${layer.digest}`));
      client.socket.pause();
      return client;
    });
    await expect.poll(() => small.statistics().inFlight).toBe(8);
    const refused = await talk(small, request('/v2/')).ended;
    expect(refused).toMatch(/^HTTP\/1\.1 503 /);
    expect(refused).toMatch(/\r\nretry-after: 2\r\n/);
    expect(codeIn(refused)).toBe('TOOMANYREQUESTS');
    for (const { socket } of busy) socket.resume();
    await expect.poll(() => busy.every(({ text }) => text().length > layer.size), { timeout: 5000 }).toBe(true);
    for (const { socket } of busy) socket.destroy();
  });
});

describe('many requests sent at once on one connection', () => {
  it('are answered one after the other, and only the first one is worked on before it is taken', async () => {
    let fetched = 0;
    const repository: Source['repository'] = (name) => {
      const one = store.repository(name);
      return replaced(one, {
        fetch: (descriptor, options) => {
          fetched += 1;
          return one.fetch(descriptor, options);
        },
      });
    };
    const own = await serveStore(replaced<Source>(store, { repository }), {
      graceMs: 50,
      onRequest: (one) => log.push(one),
    });
    log.length = 0;
    const { socket } = talk(own, request(`/v2/big/one/blobs/${layer.digest}`).repeat(300));
    socket.pause();
    await expect.poll(() => own.statistics().inFlight).toBe(300);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(fetched).toBe(1);
    socket.destroy();
    await expect.poll(() => own.statistics().inFlight).toBe(0);
    expect(log).toHaveLength(300);
    expect(fetched).toBe(1);

    const { ended } = talk(own, `${request('/healthz').repeat(50)}${request('/v2/x', 'Connection: close\r\n')}`);
    const answers = (await ended).match(/HTTP\/1\.1 \d+/g);
    expect(answers).toEqual([...Array.from({ length: 50 }, () => 'HTTP/1.1 200'), 'HTTP/1.1 404']);
    await own.close();
  });
});

describe('requests that are not what they seem', () => {
  it.each([
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity\r\n'],
    ['a length that is no number', 'Content-Length: +5\r\n'],
    ['a folded header', 'X-One: a\r\n b: c\r\n'],
    ['a name with a space before the colon', 'Content-Length : 5\r\n'],
    ['a bare carriage return', 'X-One: a\rX-Two: b\r\n'],
  ])('%s: 400 or read as one request, never as two', async (_, headers) => {
    const smuggled = request('/v2/_catalog', 'Connection: close\r\n');
    const answer = await talk(usual, `POST /v2/ HTTP/1.1\r\nHost: x\r\n${headers}\r\n${smuggled}`).ended;
    expect(answer).not.toContain('repositories');
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('nonsense after a request never becomes part of the answer under way', async () => {
    const { socket, text, ended } = talk(usual, request(`/v2/big/one/blobs/${layer.digest}`));
    socket.once('data', () => socket.pause());
    await expect.poll(text).toMatch(/^HTTP/);
    socket.write('\x00nonsense\r\n\r\n');
    await expect.poll(() => usual.statistics().inFlight).toBe(0);
    socket.resume();
    const answer = await ended;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(answer.length).toBeLessThan(layer.size);
  });

  it('a whole URL in place of a path means the path in it, whoever it names', async () => {
    for (const [target, status] of [
      ['http://elsewhere.example/v2/', 200],
      ['HTTPS://user:password@elsewhere.example:1/v2/_catalog?n=1', 200],
      ['http://elsewhere.example', 404],
      ['http://elsewhere.example?n=1', 404],
      ['ftp://elsewhere.example/v2/', 404],
      ['//elsewhere.example/v2/', 404],
    ] as const) {
      const answer = await talk(usual, request(target, 'Connection: close\r\n')).ended;
      expect(answer, target).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    }
  });

  it('bytes that are no HTTP are answered 400 with an error body', async () => {
    for (const nonsense of ['\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 'GET\r\n\r\n', 'SSH-2.0-x\r\n\r\n']) {
      const answer = await talk(usual, nonsense).ended;
      expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
      expect(codeIn(answer)).toBe('UNSUPPORTED');
    }
  });
});

describe('over TLS', () => {
  it('who does not shake hands is cut, who does is under the same limits, and both are counted', async () => {
    const { certificate: cert, key } = makeServerCertificate(makeAuthority(), { names: ['localhost'] });
    const own = await serveStore(store, { limits, graceMs: 50, tls: { cert, key } });
    const mute = talk(own);
    await expect.poll(() => own.statistics().connections).toBe(1);
    expect(await mute.ended).toBe('');
    let answer = '';
    const slow = connectTls({ port: own.port, host: '127.0.0.1', rejectUnauthorized: false }, () =>
      slow.write('GET /v2/ HT'),
    );
    slow.on('error', () => {}).setEncoding('latin1');
    slow.on('data', (chunk: string) => {
      answer += chunk;
    });
    await new Promise((resolve) => slow.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => own.statistics().connections).toBe(0);
    await own.close();
  });
});
