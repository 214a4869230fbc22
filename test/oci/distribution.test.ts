import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import {
  blobPath,
  catalogPath,
  errorBody,
  manifestPath,
  parseErrorBody,
  parseRoute,
  referrersPath,
  tagsPath,
  uploadPath,
} from '../../src/oci/distribution.ts';
import { digest as anyDigest, tag as anyTag, repositoryName } from './arbitraries.ts';

const digest = parseDigest(`sha256:${'ab'.repeat(32)}`);

describe('paths', () => {
  it('print their queries encoded', () => {
    expect(uploadPath('a/b')).toBe('/v2/a/b/blobs/uploads/');
    expect(uploadPath('a/b', { mount: digest, from: 'c/d' })).toBe(
      `/v2/a/b/blobs/uploads/?mount=sha256%3A${'ab'.repeat(32)}&from=c%2Fd`,
    );
    expect(tagsPath('a', { n: 100, last: 'v1&x' })).toBe('/v2/a/tags/list?n=100&last=v1%26x');
    expect(catalogPath({ n: 5 })).toBe('/v2/_catalog?n=5');
    expect(catalogPath()).toBe('/v2/_catalog');
    expect(referrersPath('a', digest, { artifactType: 'x/y+z' })).toBe(
      `/v2/a/referrers/${digest}?artifactType=x%2Fy%2Bz`,
    );
  });
});

describe('parseRoute()', () => {
  it('undoes every path that is printed', () => {
    fc.assert(
      fc.property(repositoryName, anyTag, anyDigest, ({ repository }, tag, some) => {
        expect(parseRoute(manifestPath(repository, tag))).toEqual({ kind: 'manifest', repository, reference: tag });
        expect(parseRoute(manifestPath(repository, some))).toEqual({ kind: 'manifest', repository, reference: some });
        expect(parseRoute(blobPath(repository, some))).toEqual({ kind: 'blob', repository, digest: some });
        expect(parseRoute(uploadPath(repository))).toEqual({ kind: 'uploads', repository });
        expect(parseRoute(tagsPath(repository))).toEqual({ kind: 'tags', repository });
        expect(parseRoute(referrersPath(repository, some))).toEqual({ kind: 'referrers', repository, digest: some });
      }),
    );
  });

  it.each([
    ['/v2', { kind: 'base' }],
    ['/v2/', { kind: 'base' }],
    ['/v2/_catalog', { kind: 'catalog' }],
    [`/v2/a/blobs/${encodeURIComponent(digest)}`, { kind: 'blob', repository: 'a', digest }],
    ['/v2/a/blobs/uploads', { kind: 'uploads', repository: 'a' }],
    ['/v2/a/blobs/uploads/0f-1', { kind: 'upload', repository: 'a', session: '0f-1' }],
    ['/v2/blobs/manifests/v1', { kind: 'manifest', repository: 'blobs', reference: 'v1' }],
    ['/v2/a/manifests/tags/list', { kind: 'tags', repository: 'a/manifests' }],
    ['/v2/tags/list/manifests/v1', { kind: 'manifest', repository: 'tags/list', reference: 'v1' }],
  ])('reads %s', (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });

  it.each([
    ['/v2/A/manifests/v1', 'NAME_INVALID'],
    ['/v2/a//b/manifests/v1', 'NAME_INVALID'],
    ['/v2/a/../b/manifests/v1', 'NAME_INVALID'],
    ['/v2/a%2Fb/manifests/v1', 'NAME_INVALID'],
    ['/v2/a/manifests/..%2F..%2Fx', 'NAME_INVALID'],
    ['/v2/a/manifests/.bad', 'MANIFEST_UNKNOWN'],
    ['/v2/a/manifests/sha256:0', 'DIGEST_INVALID'],
    ['/v2/a/blobs/sha256:0', 'DIGEST_INVALID'],
    ['/v2/a/referrers/latest', 'DIGEST_INVALID'],
    ['/v2/a/blobs/uploads/..', 'BLOB_UPLOAD_UNKNOWN'],
  ])('calls %s invalid: %s', (path, code) => {
    expect(parseRoute(path)).toMatchObject({ kind: 'invalid', code });
  });

  it.each(['', '/', '/v1/', '/v2/manifests/v1', '/v2/a', '/v2/a/tags/all', '/v2/a/%zz/b', `/v2/${'a/'.repeat(2000)}`])(
    'does not know %s',
    (path) => {
      expect(parseRoute(path)).toEqual({ kind: 'unknown' });
    },
  );

  it('never throws, and gives no repository that is none', () => {
    const pieces = fc.constantFrom(
      '/',
      'v2',
      'a',
      '..',
      'blobs',
      'manifests',
      'uploads',
      '%2f',
      '%',
      'tags',
      'list',
      digest,
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const route = parseRoute(`/v2/${parts.join('/')}`);
        if ('repository' in route) expect(route.repository).toMatch(/^[a-z0-9]+(\/[a-z0-9]+)*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('parseErrorBody()', () => {
  it('undoes errorBody()', () => {
    const body = errorBody('MANIFEST_UNKNOWN', 'manifest unknown', { tag: 'v1' });
    expect(JSON.parse(body)).toEqual({
      errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown', detail: { tag: 'v1' } }],
    });
    expect(parseErrorBody(body)).toEqual([{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }]);
  });

  it.each([
    ['{"errors":[{"code":"DENIED"}]}', [{ code: 'DENIED', message: '' }]],
    ['{"errors":[{"code":"UNKNOWN","detail":"disk full"}]}', [{ code: 'UNKNOWN', message: 'disk full' }]],
    ['{"details":"incorrect username or password"}', [{ code: 'UNKNOWN', message: 'incorrect username or password' }]],
    ['{"errors":[{"code":1,"message":{}}]}', []],
    ['{"errors":[null,1,"x",[]]}', []],
    ['{"errors":{}}', []],
    ['null', []],
    ['[]', []],
    ['<html>502</html>', []],
    ['', []],
  ])('reads %s', (text, errors) => {
    expect(parseErrorBody(text)).toEqual(errors);
  });

  it('makes one bounded, printable line of a message', () => {
    const message = `a\r\n\u001b[31mb${'c'.repeat(5000)}`;
    const [error] = parseErrorBody(JSON.stringify({ errors: [{ code: 'X', message }] }));
    expect(error?.message).toMatch(/^a \[31mbc+$/);
    expect(error?.message).toHaveLength(300);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(Array.isArray(parseErrorBody(text))).toBe(true);
      }),
    );
  });
});
