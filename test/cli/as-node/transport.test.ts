/** Where a node's requests and credentials go, with names behind a proxy of the test: nobody else is asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { openNodeConnections } from '../../../src/cli/as-node/transport.ts';
import type { PullStep } from '../../../src/node/pull.ts';
import type { NodeAnswer } from '../../../src/verify/as-node/transport.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

interface Met {
  readonly host: string;
  readonly authorization: string | undefined;
}

/** Every host answers 200, but for those that `says` names: a URL is a redirect, a number a status. */
async function proxy(says: Readonly<Record<string, string | number>>): Promise<{ url: string; met: Met[] }> {
  const met: Met[] = [];
  const server = createServer(({ url = '', headers: { authorization } }, response) => {
    const { host } = new URL(url);
    met.push({ host, authorization });
    const said = authorization === undefined ? says[host] : (says[`${host} with password`] ?? 200);
    const location = typeof said === 'string' ? { location: said } : {};
    const challenge = said === 401 ? { 'www-authenticate': 'Basic realm="test"' } : {};
    response.writeHead(typeof said === 'string' ? 307 : (said ?? 200), { ...location, ...challenge }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, met };
}

const step: PullStep = {
  endpoint: 'http://mirror.site:5000',
  base: 'http://mirror.site:5000/v2',
  host: 'mirror.site:5000',
  isUpstream: false,
  ns: undefined,
  tls: undefined,
  auth: undefined,
  problem: undefined,
};

async function ask(
  httpProxy: string,
  { auth, siteNames = [] }: { readonly auth?: PullStep['auth']; readonly siteNames?: readonly string[] } = {},
): Promise<NodeAnswer> {
  const connections = openNodeConnections({
    trustedRoots: [],
    siteNames: new Set(siteNames),
    addressesOf: async () => ['203.0.113.7'],
    proxy: { httpProxy },
    concurrency: 1,
    retries: 0,
    idleTimeoutMs: 5000,
    signal: new AbortController().signal,
    events: () => {},
  });
  closing.push(() => connections.close());
  const asked = { accept: '*/*', repository: 'a', isBulk: false, action: 'ask' };
  return await connections.ask({ ...asked, step: { ...step, auth }, method: 'HEAD', url: `${step.base}/a` });
}

it('sends credentials to the host of the endpoint, and not to the one it redirects to', async () => {
  const { url, met } = await proxy({
    'mirror.site:5000': 401,
    'mirror.site:5000 with password': 'http://store.site/a',
    'store.site': 401,
  });
  const auth = { username: 'node', password: 's3cret' };
  await expect(ask(url, { auth, siteNames: ['store.site'] })).rejects.toMatchObject({ status: 401 });
  const basic = `Basic ${Buffer.from('node:s3cret').toString('base64')}`;
  expect(met).toContainEqual({ host: 'mirror.site:5000', authorization: basic });
  expect(met).toContainEqual({ host: 'store.site', authorization: undefined });
  expect(met).not.toContainEqual({ host: 'store.site', authorization: basic });
});

it('follows a redirect to a machine on site by its name, whatever its address', async () => {
  const { url, met } = await proxy({ 'mirror.site:5000': 'http://store.site/a' });
  await expect(ask(url)).rejects.toMatchObject({ code: 'ERR_DENIED', host: 'store.site' });
  expect(met.map(({ host }) => host)).toEqual(['mirror.site:5000']);
  expect(await ask(url, { siteNames: ['store.site'] })).toMatchObject({ status: 200, redirectedTo: 'store.site' });
});

it('follows a redirect to another port of the same machine', async () => {
  const { url } = await proxy({ 'mirror.site:5000': 'http://mirror.site:5001/a' });
  expect(await ask(url)).toMatchObject({ status: 200, redirectedTo: 'mirror.site:5001' });
});
