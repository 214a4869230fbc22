import { describe, expect, it } from 'vitest';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { endpointOf, sameOrigin } from '../../../src/store/registry/endpoint.ts';
import { errorOf, manifestOf, openStore, startServer } from './loopback-server.ts';

const { bytes, descriptor } = manifestOf();
const tag = parseTag('v1');

function serveManifests() {
  return startServer(() => ({
    status: 200,
    headers: { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': descriptor.digest },
    body: bytes,
  }));
}

describe('openRegistry()', () => {
  it('reads a registry at another endpoint below its prefix, and keeps the upstream name', async () => {
    const server = await serveManifests();
    const store = openStore(server, { end: 'source', baseUrlFor: () => new URL('/mirror/ghcr/', server.root) });
    const repository = store.repository({ registry: 'ghcr.io', repository: 'siderolabs/kubelet' });
    await repository.manifest(tag);
    expect(repository.name).toEqual({ registry: 'ghcr.io', repository: 'siderolabs/kubelet' });
    expect(server.log()).toEqual(['GET /v2/mirror/ghcr/siderolabs/kubelet/manifests/v1']);
  });

  it('names the upstream registry in every read elsewhere, next pages included, and in no write', async () => {
    const server = await startServer(({ method, path, query }) => {
      if (method === 'POST') return { status: 403 };
      if (!path.endsWith('/tags/list')) return { status: 404 };
      const headers = query.has('last') ? undefined : { link: '</v2/a/b/tags/list?last=x%2By>; rel="next"' };
      return { status: 200, ...(headers && { headers }), body: JSON.stringify({ name: 'a/b', tags: ['v1'] }) };
    });
    const store = openStore(server, { isElsewhere: (registry) => registry === 'ghcr.io' });
    const repository = store.repository({ registry: 'ghcr.io', repository: 'a/b' });
    for await (const _ of repository.tags?.() ?? []);
    await errorOf(repository.resolve(tag));
    await errorOf(
      repository.push(
        { ...descriptor, mediaType: 'application/octet-stream' },
        {
          open: async function* open() {
            yield bytes;
          },
        },
      ),
    );
    await errorOf(store.repository({ registry: 'quay.io', repository: 'a/b' }).resolve(tag));
    const queries = server.requests.map(({ method, url }) => `${method} ${url.replace(/^[^?]*/, '')}`);
    expect(queries).toContain('GET ?last=x%2By&ns=ghcr.io');
    expect(server.requests.map(({ method, query }) => [method, query.get('ns')])).toEqual(
      expect.arrayContaining([
        ['GET', 'ghcr.io'],
        ['HEAD', 'ghcr.io'],
        ['POST', null],
        ['HEAD', null],
      ]),
    );
    expect(server.requests.filter(({ method, query }) => method === 'POST' && query.has('ns'))).toEqual([]);
  });

  it('names the upstream reference in errors, and the host that was asked', async () => {
    const server = await startServer(() => ({ status: 404 }));
    const store = openStore(server, { end: 'source' });
    const error = await errorOf(store.repository({ registry: 'ghcr.io', repository: 'a/b' }).resolve(tag));
    expect(error).toMatchObject({ reference: 'ghcr.io/a/b:v1', host: server.host });
  });

  it('finds the endpoint of a registry once, and again after a failure', async () => {
    const server = await serveManifests();
    let asked = 0;
    const store = openStore(server, {
      baseUrlFor: async () => {
        asked += 1;
        if (asked === 1) throw new Error('not now');
        return server.root;
      },
    });
    const repository = store.repository({ registry: 'a.example', repository: 'x' });
    await errorOf(repository.manifest(tag));
    await Promise.all([repository.manifest(tag), repository.manifest(tag)]);
    await store.repository({ registry: 'a.example', repository: 'y' }).manifest(tag);
    expect(asked).toBe(2);
  });
});

describe('endpointOf()', () => {
  it.each([
    ['http://h:5000', 'http://h:5000', ''],
    ['http://h/', 'http://h', ''],
    ['https://h/a/b/', 'https://h', 'a/b'],
    ['https://h/v2', 'https://h', ''],
    ['https://h/v2/a/', 'https://h', 'a'],
    ['https://h/v2x', 'https://h', 'v2x'],
  ])('reads %s', (text, origin, pathPrefix) => {
    const endpoint = endpointOf(new URL(text));
    expect(endpoint.origin.origin).toBe(origin);
    expect(endpoint.pathPrefix).toBe(pathPrefix);
  });

  it.each(['ftp://h/x', 'http://h/UPPER', 'http://h/a//b', 'http://h/a%20b'])('refuses %s', (text) => {
    expect(() => endpointOf(new URL(text))).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});

describe('sameOrigin()', () => {
  const endpoint = endpointOf(new URL('https://h:8443/p'));

  it.each([
    ['/v2/x?a=b%2Bc', 'https://h:8443/v2/x?a=b%2Bc'],
    ['https://h:8443/x#y', 'https://h:8443/x'],
    ['https://user:pw@h:8443/x', 'https://h:8443/x'],
    ['//h:8443/x', 'https://h:8443/x'],
  ])('follows %s without user name and fragment', (place, expected) => {
    expect(sameOrigin(endpoint, place)?.href).toBe(expected);
  });

  it.each(['http://h:8443/x', 'https://h/x', '//evil/x', 'https://h:8443@evil/x', 'data:x', 'https://h:8443.evil/x'])(
    'does not follow %s',
    (place) => {
      expect(sameOrigin(endpoint, place)).toBeUndefined();
    },
  );
});
