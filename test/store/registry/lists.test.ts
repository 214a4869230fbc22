import { describe, expect, it } from 'vitest';
import type { Descriptor } from '../../../src/oci/descriptor.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { mediaTypes } from '../../../src/oci/media-type.ts';
import {
  errorOf,
  openRepository,
  openStore,
  type Received,
  type Reply,
  refuse,
  startServer,
} from './loopback-server.ts';

async function all<T>(list: AsyncIterable<T> | undefined): Promise<T[]> {
  const found: T[] = [];
  for await (const entry of list ?? []) found.push(entry);
  return found;
}

const page = (body: unknown, next?: string): Reply => ({
  status: 200,
  headers: next === undefined ? {} : { link: `<${next}>; rel="next"` },
  body: JSON.stringify(body),
});

describe('tags()', () => {
  it('follows the pages, relative and absolute, and gives each tag once', async () => {
    const server = await startServer((request: Received) => {
      if (request.query.get('last') === null)
        return page({ name: 'team/app', tags: ['a', 'b'] }, '/v2/team/app/tags/list?n=2&last=b');
      if (request.query.get('last') === 'b')
        return page({ tags: ['b', 'c', '../x'] }, `http://${request.headers.host}/v2/team/app/tags/list?last=c`);
      return page({ tags: null });
    });
    expect(await all(openRepository(server).tags?.())).toEqual(['a', 'b', 'c']);
    expect(server.requests).toHaveLength(3);
  });

  it('lets the registry choose the size of pages where it refuses ours', async () => {
    const server = await startServer((request) =>
      request.query.has('n') ? refuse(400, 'PAGINATION_NUMBER_INVALID') : page({ tags: ['a'] }),
    );
    expect(await all(openRepository(server).tags?.())).toEqual(['a']);
  });

  it.each([
    ['go round in a circle', () => page({ tags: ['a'] }, '?x=1'), 'ERR_PROTOCOL'],
    ['lead to another host', () => page({ tags: ['a'] }, 'http://192.0.2.1/v2/team/app/tags/list'), 'ERR_PROTOCOL'],
    ['are not JSON', () => ({ status: 200, body: '<html>' }), 'ERR_PROTOCOL'],
    ['are of another shape', () => page({ tags: 'a' }), 'ERR_PROTOCOL'],
    ['hold something else than text', () => page({ tags: [1] }), 'ERR_PROTOCOL'],
    ['do not exist', () => refuse(404, 'NAME_UNKNOWN'), 'ERR_NOT_FOUND'],
    ['are not for us', () => refuse(403, 'DENIED'), 'ERR_DENIED'],
  ])('refuses pages that %s', async (_name, reply, code) => {
    const server = await startServer(reply as () => Reply);
    const error = await errorOf(all(openRepository(server, { end: 'source' }).tags?.()));
    expect(error).toMatchObject({ code, end: 'source', reference: `${server.host}/team/app` });
    expect(server.requests.length).toBeLessThan(5);
  });

  it('ends pages that never end', async () => {
    let count = 0;
    const server = await startServer(() => {
      count += 1;
      return page({ tags: [] }, `?last=${count}`);
    });
    expect(await errorOf(all(openRepository(server).tags?.()))).toMatchObject({ code: 'ERR_PROTOCOL' });
    expect(count).toBe(1000);
  });
});

describe('referrers()', () => {
  const subject = digestOf(Buffer.from('subject'));
  const descriptor = (name: string): Descriptor => ({
    mediaType: mediaTypes.ociManifest,
    digest: digestOf(Buffer.from(name)),
    size: 100,
    artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    annotations: { name },
  });
  const index = (names: readonly string[], next?: string): Reply => {
    const reply = page({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: names.map(descriptor) }, next);
    return { ...reply, headers: { ...reply.headers, 'content-type': mediaTypes.ociIndex } };
  };

  it('reads descriptors over all pages', async () => {
    const server = await startServer((request) =>
      request.query.has('page') ? index(['b', 'c']) : index(['a', 'b'], '?page=2'),
    );
    expect(await openRepository(server).referrers?.(subject)).toEqual(['a', 'b', 'c'].map(descriptor));
    expect(server.requests[0]?.path).toBe(`/v2/team/app/referrers/${subject}`);
  });

  it('tells "none" from "cannot tell"', async () => {
    const none = await startServer(() => index([]));
    expect(await openRepository(none).referrers?.(subject)).toEqual([]);
    const html = await startServer(() => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }));
    expect(await openRepository(html).referrers?.(subject)).toBeUndefined();
  });

  it.each([404, 405, 501])('is undefined after %i, and not asked again', async (status) => {
    const server = await startServer(() => ({ status, body: '404 page not found' }));
    const repository = openRepository(server);
    expect(await repository.referrers?.(subject)).toBeUndefined();
    expect(await repository.referrers?.(subject)).toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  it('asks again for another repository where only this one is unknown', async () => {
    const server = await startServer(() => refuse(404, 'NAME_UNKNOWN'));
    const repository = openRepository(server);
    expect(await repository.referrers?.(subject)).toBeUndefined();
    expect(await repository.referrers?.(subject)).toBeUndefined();
    expect(server.requests).toHaveLength(2);
  });

  it.each([
    ['not JSON', { status: 200, headers: { 'content-type': mediaTypes.ociIndex }, body: 'x' }],
    ['a wrong descriptor', page({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [{ digest: 'x' }] })],
    ['denied', { status: 403 }],
  ])('throws, as it could not ask, for an answer that is %s', async (_name, reply) => {
    const server = await startServer(() => reply as Reply);
    const error = await errorOf(Promise.resolve(openRepository(server).referrers?.(subject)));
    expect(error).toMatchObject({ end: 'target', reference: `${server.host}/team/app@${subject}` });
  });
});

describe('catalog()', () => {
  it('gives repositories, without the prefix and without what is outside of it', async () => {
    const server = await startServer((request) =>
      request.query.has('last')
        ? page({ repositories: ['p/q/b', 'other'] })
        : page({ repositories: ['p/q/a', 'p/qq/x'] }, '/v2/_catalog?last=x'),
    );
    const whole = openStore(server, { catalogOf: server.host });
    expect((await all(whole.catalog?.())).map((name) => name.repository)).toEqual([
      'p/q/a',
      'p/qq/x',
      'p/q/b',
      'other',
    ]);
    const part = openStore(server, { catalogOf: 'ghcr.io', baseUrlFor: () => new URL('/p/q', server.root) });
    expect(await all(part.catalog?.())).toEqual([
      { registry: 'ghcr.io', repository: 'a' },
      { registry: 'ghcr.io', repository: 'b' },
    ]);
  });

  it.each([401, 403, 404, 405])('throws ERR_UNSUPPORTED after %i', async (status) => {
    const server = await startServer(() => ({ status }));
    const store = openStore(server, { catalogOf: server.host });
    expect(await errorOf(all(store.catalog?.()))).toMatchObject({ code: 'ERR_UNSUPPORTED', end: 'target' });
  });
});
