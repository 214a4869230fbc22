/**
 * The contacts of a lock are the log of the proxy that everything went through: registries with their token service and their blobs on
 * other hosts, a second registry in plain HTTP, and the target. Behind each name is a link that shapes, adds no fault and counts bytes.
 */
import { rmSync } from 'node:fs';
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeServerCertificate } from '../../src/certificates/certificate.ts';
import type { Contact, Lock } from '../../src/lock/lock.ts';
import { parseLock } from '../../src/lock/parse.ts';
import { type RunningServer, serveStore } from '../../src/serve/open.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { Guard } from '../support/guard.ts';
import { type NamingProxy, startNamingProxy } from '../support/namingProxy.ts';
import { seedImage } from '../support/seedImages.ts';
import { type ShapedLink, startShapedLink } from '../support/shapedLink.ts';
import { type WorkFolder, workFolder } from './airgap.ts';

const shaping = { roundTripMs: 2, rate: 400 };
const layerBytes = 200_000;
const closers: (() => unknown)[] = [];
const links = new Map<string, ShapedLink>();
let registry: RunningServer;
let cuts = 1;

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const guard = new Guard({ tokens: { realm: 'https://auth.site.test/token' } });

/** One server for several names: which it is asked as, decides. */
function front(request: IncomingMessage, response: ServerResponse): void {
  const { host, authorization } = request.headers;
  const { url = '/', method } = request;
  const isBlob = method === 'GET' && url.includes('/blobs/');
  const moved = (to: string) => void response.writeHead(307, { location: `${to}${url}` }).end();
  if (host === 'auth.site.test') void guard.issue(request, response);
  else if (host === 'hop.site.test') moved('https://blobs.site.test:8443');
  else if (host === 'blobs.site.test:8443') {
    if (authorization !== undefined) response.writeHead(400).end();
    else relay(request, response);
  } else if (!guard.admits(request, response)) return;
  else if (isBlob) moved('https://hop.site.test');
  else relay(request, response);
}

/** To the registry behind; one layer is cut in its middle once, so that its rest is asked for by its range. */
function relay(request: IncomingMessage, response: ServerResponse): void {
  const { url: path = '/', method = 'GET', headers } = request;
  const out = ask({ host: '127.0.0.1', port: registry.port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    const isCut = Number(answer.headers['content-length']) > layerBytes / 2 && cuts-- > 0;
    let passed = 0;
    answer.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      response.write(chunk);
      if (isCut && passed > layerBytes / 4) setTimeout(() => response.destroy(), 50);
    });
    answer.on('end', () => void (isCut || response.end()));
  });
  request.pipe(out);
}

async function named(place: string, port: number): Promise<readonly [string, number]> {
  const link = await startShapedLink(port, shaping);
  closers.push(() => link.stop());
  links.set(place, link);
  return [place, link.port];
}

let folder: WorkFolder;
let proxy: NamingProxy;

beforeAll(async () => {
  const upstream = openMemory();
  const platforms = ['linux/amd64', 'linux/arm64'];
  await seedImage(upstream, 'registry.site.test/a/b:1', { platforms, layerBytes });
  await seedImage(upstream, 'second.site.test:8080/c/d:1', { layerBytes });
  registry = await serveStore(upstream);
  const target = await serveStore(openMemory(), { writable: true });
  closers.push(
    () => registry.close(),
    () => target.close(),
  );
  const authority = makeAuthority();
  const names = ['registry', 'auth', 'hop', 'blobs'].map((name) => `${name}.site.test`);
  const { certificate: cert, key } = makeServerCertificate(authority, { names });
  const secure = createServer({ cert, key }, front);
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    secure.closeAllConnections();
    secure.close();
  });
  const { port } = secure.address() as AddressInfo;
  proxy = await startNamingProxy(
    new Map(
      await Promise.all([
        ...['registry.site.test:443', 'auth.site.test:443', 'hop.site.test:443', 'blobs.site.test:8443'].map((place) =>
          named(place, port),
        ),
        named('second.site.test:8080', registry.port),
        named('target.site.test:5000', target.port),
        named('unused.site.test:443', port),
      ]),
    ),
  );
  closers.push(() => proxy.close());
  folder = workFolder();
  closers.push(() => folder.remove());
  folder.write('ca.pem', authority.certificate);
});

const mirror = (to: string) =>
  folder.airgap(
    [
      ...['mirror', 'registry.site.test/a/b:1', 'second.site.test:8080/c/d:1', '--ca', 'ca.pem', '--to', to],
      ...['--source-endpoint', 'second.site.test:8080=http://second.site.test:8080'],
    ],
    { env: { HTTP_PROXY: `http://${proxy.host}`, HTTPS_PROXY: `http://${proxy.host}` } },
  );

const readLock = (name: string): Lock => parseLock(folder.read(name), name);
const behindProxy = ({ contacts }: Lock): Contact[] => contacts.filter(({ purpose }) => purpose !== 'proxy');
const hostsOf = (contacts: readonly Contact[]): string[] => contacts.map(({ host }) => host).sort();

describe('the contacts of a lock', () => {
  it('are what the proxy was asked for, a target that cannot be reached too, kept until there is a lock', async () => {
    const ran = await mirror('http://gone.site.test:5000');
    expect(ran.status).not.toBe(0);
    const kept = readLock('airgap.lock.contacts.json');
    expect(hostsOf(behindProxy(kept))).toEqual([...proxy.asked.keys()].sort());
    expect(hostsOf(kept.contacts)).toContain('gone.site.test:5000');
    rmSync(folder.file('airgap.lock.contacts.json'));
  });

  it('are exactly the hosts and ports in the log of the proxy, and each link delivered what they say and little more', async () => {
    const askedBefore = new Map(proxy.asked);
    const deliveredBefore = await delivered();
    const ran = await mirror('http://target.site.test:5000');
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^images +2 complete$/m)]);
    const lock = readLock('airgap.lock');
    const contacts = behindProxy(lock);
    const asked = [...proxy.asked].filter(([place, times]) => times > (askedBefore.get(place) ?? 0));
    expect(hostsOf(contacts)).toEqual(asked.map(([place]) => place).sort());
    expect(contacts.map(({ host, purpose, observed }) => [host, purpose, observed?.registries])).toEqual([
      ['auth.site.test:443', 'token', ['registry.site.test:443']],
      ['blobs.site.test:8443', 'redirect', ['registry.site.test:443']],
      ['hop.site.test:443', 'redirect', ['registry.site.test:443']],
      ['registry.site.test:443', 'registry', ['registry.site.test:443']],
      ['second.site.test:8080', 'registry', ['second.site.test:8080']],
      ['target.site.test:5000', 'registry', ['target.site.test:5000']],
    ]);
    const after = await delivered();
    for (const { host, observed } of contacts) {
      const bytes = (after.get(host) ?? 0) - (deliveredBefore.get(host) ?? 0);
      const { requests = 0, receivedBytes = 0, through } = observed ?? {};
      // Heads of answers, and a TLS handshake for each connection.
      const around = requests * 1_000 + (proxy.asked.get(host) ?? 0) * 4_000;
      expect([host, through, receivedBytes <= bytes, bytes - receivedBytes * 1.02 <= around]).toEqual([
        host,
        [proxy.host],
        true,
        true,
      ]);
    }
    const used = [...after].filter(([place, bytes]) => bytes > (deliveredBefore.get(place) ?? 0));
    expect(used.map(([place]) => place).sort()).toEqual(hostsOf(contacts));
  });

  it('count what was fetched and sent, the part that came twice too, and the proxy has the sum of all', () => {
    const { contacts, images } = readLock('airgap.lock');
    const of = (host: string) => contacts.find((contact) => contact.host === host)?.observed;
    const [first, second] = images.map(({ totalSize }) => totalSize);
    expect(of('blobs.site.test:8443')?.receivedBytes).toBeGreaterThanOrEqual(2 * layerBytes);
    expect(of('blobs.site.test:8443')?.receivedBytes).toBeLessThan((first ?? 0) + layerBytes);
    expect(of('second.site.test:8080')?.receivedBytes).toBeGreaterThanOrEqual(second ?? Number.POSITIVE_INFINITY);
    expect(of('target.site.test:5000')?.sentBytes).toBeGreaterThanOrEqual((first ?? 0) + (second ?? 0));
    expect(of('hop.site.test:443')?.receivedBytes).toBe(0);
    expect(cuts).toBeLessThanOrEqual(0);
    const others = contacts.filter(({ purpose }) => purpose !== 'proxy').map(({ observed }) => observed);
    const sum = (of: (one: NonNullable<Contact['observed']>) => number) =>
      others.reduce((total, one) => total + (one === undefined ? 0 : of(one)), 0);
    expect(contacts.find(({ purpose }) => purpose === 'proxy')).toMatchObject({
      host: proxy.host,
      observed: {
        requests: sum(({ requests }) => requests),
        receivedBytes: sum(({ receivedBytes }) => receivedBytes),
        sentBytes: sum(({ sentBytes }) => sentBytes),
        registries: ['registry.site.test:443', 'second.site.test:8080', 'target.site.test:5000'],
        through: [],
      },
    });
  });
});

async function delivered(): Promise<ReadonlyMap<string, number>> {
  const all = [...links].map(async ([place, link]) => [place, await link.delivered()] as const);
  return new Map(await Promise.all(all));
}
