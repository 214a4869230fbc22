import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';
import { asNode, inFrontOf, served } from './world.ts';
import { mirrorYaml } from './yaml.ts';

const pause = 'registry.k8s.io/pause:3.10';
/** Of a range for documentation (RFC 5737): nobody is there, and it is not private. */
const offSite = '203.0.113.7';
const index = 'application/vnd.oci.image.index.v1+json';
const manifest = 'application/vnd.oci.image.manifest.v1+json';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Sends zeros for ever; HEAD says what `headers` say. */
async function endless(headers: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(200, headers);
    if (request.method === 'HEAD') return void response.end();
    const more = (): void => {
      while (response.write(Buffer.alloc(65_536)));
    };
    response.on('drain', more);
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function pauseServed(): Promise<string> {
  const store = openMemory();
  await seedImage(store, pause, { platforms: ['linux/amd64', 'linux/arm64'] });
  return (await served(store)).url;
}

describe('a mirror that sends nodes elsewhere', () => {
  it.each(['/blobs/', '/manifests/'])('by a redirect of %s to a host off site is not followed', async (part) => {
    const url = await inFrontOf(await pauseServed(), (_method, path) =>
      path.includes(part) ? { status: 307, headers: { location: `https://${offSite}/x` } } : undefined,
    );
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: offSite });
    expect(verdict.failures[0]?.answered).toBe(
      `${new URL(url).host} redirects to ${offSite}, which is no endpoint and has no private address`,
    );
    expect(verdict.failures[0]?.todo).toContain(`let ${new URL(url).host} serve content itself`);
  });

  it('is passed by where the next endpoint has it', async () => {
    const registry = await pauseServed();
    const url = await inFrontOf(registry, () => ({ status: 302, headers: { location: `http://${offSite}/` } }));
    expect(await asNode(mirrorYaml({ endpoints: [url, registry] }), pause)).toMatchObject({ verdict: 'found' });
  });

  it('on site is followed: by a private address, or as another endpoint', async () => {
    const registry = await pauseServed();
    const to = registry.replace('127.0.0.1', 'localhost');
    const url = await inFrontOf(registry, (_method, path) =>
      path.includes('/blobs/') ? { status: 307, headers: { location: `${to}${path}` } } : undefined,
    );
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'found' });
    expect(JSON.stringify(verdict)).toContain(`"redirectedTo":"${new URL(to).host}"`);
  });

  it('to a token service off site would make nodes leave', async () => {
    const url = await inFrontOf(await pauseServed(), () => ({
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="https://${offSite}/token",service="x"` },
    }));
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: offSite });
    expect(verdict.failures[0]?.answered).toContain(`wants a token of ${offSite}`);
    expect(verdict.failures[0]?.todo).toContain('name a token service on site');
  });

  it('is none on site where it is a registry of the internet', async () => {
    const verdict = await asNode(
      mirrorYaml({ registry: 'docker.io', endpoints: ['https://mirror.gcr.io'] }),
      'nginx:1',
    );
    expect(verdict).toMatchObject({ verdict: 'leaves-site', host: 'mirror.gcr.io' });
    expect(verdict.failures[0]).toMatchObject({
      answered: 'the mirror of "docker.io" has no endpoint on site',
      todo: 'give the mirror of "docker.io" an endpoint on site',
    });
  });
});

describe('a mirror that limits', () => {
  it('is told to answer more often', async () => {
    const url = await inFrontOf('http://127.0.0.1:9', () => ({ status: 429, headers: { 'retry-after': '0' } }));
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
    expect(verdict).toMatchObject({
      verdict: 'cannot-pull',
      failures: [{ answered: `${new URL(url).host} answered 429` }],
    });
    expect(verdict.failures[0]?.todo).toContain('answer more often');
  });
});

describe('answers without an end', () => {
  it('of a manifest are cut', async () => {
    const url = await endless({ 'content-type': index });
    expect(await asNode(mirrorYaml({ endpoints: [url] }), pause)).toMatchObject({ verdict: 'wrong-digest' });
  });

  it('of a blob are cut one piece after its size', async () => {
    const zeros = await endless({});
    const url = await inFrontOf(await pauseServed(), (_method, path) =>
      path.includes('/blobs/') ? { status: 307, headers: { location: `${zeros}/` } } : undefined,
    );
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause, { deep: true });
    expect(verdict).toMatchObject({ verdict: 'wrong-digest' });
    expect(verdict.failures.map(({ answered }) => answered).join()).toMatch(/goes on after the \d+ bytes/);
  });

  it('of blobs that are named are not asked for one by one', async () => {
    let asked = 0;
    const blob = (n: number) => ({
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: `sha256:${n.toString(16).padStart(64, '0')}`,
      size: 1,
    });
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifest,
      config: blob(0),
      layers: Array.from({ length: 9000 }, (_, n) => blob(n + 1)),
    });
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    const headers = { 'content-type': manifest, 'docker-content-digest': digest, 'content-length': `${body.length}` };
    const url = await inFrontOf('http://127.0.0.1:9', () => {
      asked += 1;
      return { status: 200, headers, body };
    });
    const verdict = await asNode(mirrorYaml({ endpoints: [url] }), pause);
    expect(verdict).toMatchObject({ verdict: 'cannot-pull' });
    expect(verdict.failures[0]?.answered).toBe('too many manifests or blobs hang together, or too deep');
    expect(asked).toBe(2);
  });
});
