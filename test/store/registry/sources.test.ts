import { describe, expect, it } from 'vitest';
import { openHttpClient } from '../../../src/http/open.ts';
import { parseSourceEndpoint, readElsewhere, sourceEndpoints } from '../../../src/store/registry/sources.ts';
import { closeAfterTest, startServer } from './loopback-server.ts';

describe('parseSourceEndpoint()', () => {
  it.each([
    ['ghcr.io=http://127.0.0.1:5601/prefix/', 'ghcr.io', 'http://127.0.0.1:5601/prefix'],
    ['index.docker.io=https://cache.example', 'docker.io', 'https://cache.example/'],
    ['*=https://Cache.example:8443', '*', 'https://cache.example:8443/'],
  ])('reads %s', (text, registry, base) => {
    const endpoint = parseSourceEndpoint(text);
    expect([endpoint.registry, endpoint.base.href]).toEqual([registry, base]);
  });

  it.each(['ghcr.io', '=http://x', 'ghcr.io=127.0.0.1:5601', 'ghcr.io=oci:x', 'ghcr.io='])('refuses %s', (text) => {
    expect(() => parseSourceEndpoint(text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });

  it('does not repeat credentials', () => {
    expect(() => parseSourceEndpoint('ghcr.io=https://robot:s3cr3t@x.example')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('s3cr3t') }),
    );
  });
});

describe('sourceEndpoints()', () => {
  const client = openHttpClient({ end: 'source', concurrency: 2, backoffMs: 1 });

  it('takes the exact entry, then *, then the registry itself', async () => {
    const given = [parseSourceEndpoint('*=http://any.example'), parseSourceEndpoint('ghcr.io=http://own.example/p')];
    const base = sourceEndpoints(given, { client });
    expect((await base('ghcr.io')).href).toBe('http://own.example/p');
    expect((await base('quay.io')).href).toBe('http://any.example/');
    const plain = sourceEndpoints([], { client });
    expect((await plain('quay.io:8443')).href).toBe('https://quay.io:8443/');
    expect((await plain('docker.io')).href).toBe('https://registry-1.docker.io/');
  });

  it('asks a registry on loopback which scheme it speaks', async () => {
    closeAfterTest(() => client.close());
    const server = await startServer(() => ({ status: 200 }));
    expect((await sourceEndpoints([], { client })(server.host)).href).toBe(`http://${server.host}/`);
  });
});

describe('readElsewhere()', () => {
  it('is true where an endpoint was given that is not the registry itself', () => {
    const given = [
      parseSourceEndpoint('ghcr.io=https://ghcr.io/p'),
      parseSourceEndpoint('quay.io=http://127.0.0.1:5601'),
    ];
    expect(['ghcr.io', 'quay.io', 'docker.io'].map(readElsewhere(given))).toEqual([false, true, false]);
    expect(readElsewhere([parseSourceEndpoint('*=http://127.0.0.1:5601')])('docker.io')).toBe(true);
  });
});
