import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type NodeConnectionSettings, openNodeConnections } from '../../../src/cli/as-node/transport.ts';
import { isAirgapError } from '../../../src/errors.ts';
import type { PullStep } from '../../../src/node/pull.ts';

const pem = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/tls/${name}.pem`, import.meta.url), 'utf8');
const identity = { cert: pem('server'), key: pem('server-key') };
/** Begins every handshake of TLS (RFC 8446, 5.1). */
const handshake = 0x16;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** One port for TLS and for plain HTTP, as somebody in between would have it. */
async function bothWays(secure: RequestListener, plain: RequestListener): Promise<string> {
  const [tls, http] = [createServer(identity, secure), createHttpServer(plain)];
  return await listening(
    createNetServer((socket) => {
      socket.once('data', (first) => {
        socket.pause();
        socket.unshift(first);
        (first[0] === handshake ? tls : http).emit('connection', socket);
        process.nextTick(() => socket.resume());
      });
      socket.on('error', () => socket.destroy());
      closing.push(() => socket.destroy());
    }),
  );
}

function stepTo(base: string, more: Partial<PullStep> = {}): PullStep {
  const { host } = new URL(base);
  const nothing = { ns: undefined, tls: undefined, auth: undefined, problem: undefined };
  return { endpoint: base, base, host, isUpstream: false, ...nothing, ...more };
}

async function ask(step: PullStep): Promise<number | string> {
  const settings: NodeConnectionSettings = {
    trustedRoots: [],
    siteNames: new Set(),
    proxy: {},
    concurrency: 1,
    retries: 0,
    idleTimeoutMs: 2000,
    signal: new AbortController().signal,
    events: () => undefined,
  };
  const connections = openNodeConnections(settings);
  const url = `${step.base}/pause/manifests/1`;
  const known = { step, url, accept: '*/*', repository: 'pause', isBulk: false, action: 'ask' };
  try {
    return (await connections.ask({ ...known, method: 'HEAD' })).status;
  } catch (error) {
    if (isAirgapError(error)) return error.message;
    throw error;
  } finally {
    await connections.close();
  }
}

describe('TLS settings of an endpoint with plain HTTP', () => {
  const ca = { ca: pem('ca') };

  it('have HTTPS tried first, and plain HTTP after an answer that is no TLS', async () => {
    const secure: RequestListener = (_, response) => void response.writeHead(204).end();
    const plain: RequestListener = (_, response) => void response.writeHead(200).end();
    const both = await bothWays(secure, plain);
    expect(await ask(stepTo(`http://${both}/v2`, { tls: ca }))).toBe(204);
    const http = await listening(createHttpServer(plain));
    expect(await ask(stepTo(`http://${http}/v2`, { tls: ca }))).toBe(200);
  });

  it('never send anything in the open where the certificate is refused', async () => {
    const seen: string[] = [];
    const note: RequestListener = ({ method }, response) => {
      seen.push(method ?? '');
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
    };
    const host = await bothWays(note, note);
    const auth = { username: 'node', password: 'geheim' };
    expect(await ask(stepTo(`http://${host}/v2`, { tls: { ca: pem('client') }, auth }))).toContain('TLS with ');
    expect(seen).toEqual([]);
  });
});

describe('credentials', () => {
  it('do not go in the open to the token service of an endpoint with TLS', async () => {
    const realm = 'http://192.168.255.254/token';
    const server = createServer(identity, (_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="site"` }).end();
    });
    const host = await listening(server);
    const auth = { username: 'node', password: 'geheim' };
    const said = await ask(stepTo(`https://${host}/v2`, { tls: { ca: pem('ca') }, auth }));
    expect(said).toBe(`Cannot ask: the credential for ${host} is not sent to 192.168.255.254 over plain HTTP`);
  });
});
