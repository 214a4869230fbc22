/**
 * Every rule of the OCI distribution-spec v1.1 that says MUST of a registry: content discovery, content management and errors.
 * Titles name the section, then the rule in our words.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/oci/digest.ts';
import { parseLinkNext } from '../../src/oci/distribution.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { descriptorOf, indexOf, manifestOf, refusalOf, startRegistry, type TestRegistry } from './registry.ts';

const absent = digestOf(Buffer.from('absent'));

interface Referrers {
  readonly schemaVersion: number;
  readonly mediaType: string;
  readonly manifests: readonly Readonly<Record<string, unknown>>[];
}

describe.each(['memory', 'layout'] as const)('distribution-spec v1.1 over %s', (kind) => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry(kind);
  });
  afterAll(() => registry.close());
  const ask = (path: string, init?: RequestInit) => registry.ask(path, init);
  const remove = (path: string) => ask(path, { method: 'DELETE' });
  const tagsAt = async (path: string) =>
    ((await (await ask(path)).json()) as { readonly tags: readonly string[] }).tags;
  const referrersAt = async (path: string) => (await (await ask(path)).json()) as Referrers;

  describe('Listing Tags', () => {
    const sorted = ['1.0', 'A', 'Z9', '_x', 'a', 'a-1', 'b', 'v1.10', 'v1.9'];
    beforeAll(async () => {
      const image = await registry.image('tags/all');
      for (const tag of [...sorted].reverse()) await registry.put('tags/all', tag, image);
    });

    it('"Listing Tags": a repository that is here is answered 200 in JSON with its name and its tags in ASCII order', async () => {
      const answer = await ask('/v2/tags/all/tags/list');
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        expect.stringMatching(/^application\/json/),
      ]);
      expect(await answer.json()).toEqual({ name: 'tags/all', tags: sorted });
    });

    it('"Listing Tags": with n, the first n and no more; none and no link with n=0', async () => {
      for (const count of [1, 3, sorted.length, 100]) {
        expect(await tagsAt(`/v2/tags/all/tags/list?n=${count}`), String(count)).toEqual(sorted.slice(0, count));
      }
      const none = await ask('/v2/tags/all/tags/list?n=0');
      expect([none.status, none.headers.get('link')]).toEqual([200, null]);
      expect(await none.json()).toMatchObject({ tags: [] });
    });

    it('"Listing Tags": with last, what comes after it, itself not included, whether it is there or not', async () => {
      expect(await tagsAt('/v2/tags/all/tags/list?last=a-1')).toEqual(['b', 'v1.10', 'v1.9']);
      expect(await tagsAt('/v2/tags/all/tags/list?last=a-2&n=2')).toEqual(['b', 'v1.10']);
      expect(await tagsAt('/v2/tags/all/tags/list?last=zzz')).toEqual([]);
    });

    it('"Listing Tags": more than was sent is told by a link (RFC 5988) that leads through all of them', async () => {
      const found: string[] = [];
      let path: string | undefined = '/v2/tags/all/tags/list?n=2';
      for (let pages = 0; path !== undefined && pages < 20; pages += 1) {
        const answer: Response = await ask(path);
        found.push(...((await answer.json()) as { readonly tags: string[] }).tags);
        path = parseLinkNext(answer.headers.get('link') ?? undefined);
      }
      expect(found).toEqual(sorted);
    });

    it('"Listing Tags": a repository without tags has an empty list, one that is not here is answered 404', async () => {
      const image = await registry.image('tags/none');
      await registry.put('tags/none', image.digest, image);
      expect(await tagsAt('/v2/tags/none/tags/list')).toEqual([]);
      expect(await refusalOf(await ask('/v2/tags/nowhere/tags/list'))).toEqual([404, 'NAME_UNKNOWN']);
    });
  });

  describe('Listing Referrers', () => {
    it('"Listing Referrers": answered 200 as an image index of what points at the digest, by image or by index', async () => {
      const subject = await registry.image('ref/all', { text: 'subject' });
      const annotations = { note: 'kept', 'org.example.two': 'also' };
      const typed = await registry.image('ref/all', { subject, artifactType: 'application/x.sbom', annotations });
      const untyped = await registry.image('ref/all', { subject, configType: 'application/x.config' });
      const index = indexOf([], { subject: descriptorOf(subject) });
      const named = indexOf([], { subject: descriptorOf(subject), artifactType: 'application/x.index', annotations });
      for (const manifest of [subject, typed, untyped, index, named]) {
        expect((await registry.put('ref/all', manifest.digest, manifest)).status).toBe(201);
      }
      const answer = await ask(`/v2/ref/all/referrers/${subject.digest}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, mediaTypes.ociIndex]);
      const listed = (await answer.json()) as Referrers;
      expect(listed).toMatchObject({ schemaVersion: 2, mediaType: mediaTypes.ociIndex });
      expect(new Map(listed.manifests.map((found) => [found.digest, found]))).toEqual(
        new Map<unknown, unknown>([
          [typed.digest, { ...descriptorOf(typed), artifactType: 'application/x.sbom', annotations }],
          [untyped.digest, { ...descriptorOf(untyped), artifactType: 'application/x.config' }],
          [index.digest, descriptorOf(index)],
          [named.digest, { ...descriptorOf(named), artifactType: 'application/x.index', annotations }],
        ]),
      );
    });

    it('"Listing Referrers": nothing that points there is an empty list, never 404', async () => {
      const image = await registry.image('ref/none');
      await registry.put('ref/none', 'v1', image);
      for (const path of [
        `ref/none/referrers/${image.digest}`,
        `ref/none/referrers/${absent}`,
        `ref/new/referrers/${absent}`,
      ]) {
        const answer = await ask(`/v2/${path}`);
        expect(answer.status, path).toBe(200);
        expect(await answer.json(), path).toMatchObject({ schemaVersion: 2, manifests: [] });
      }
    });

    it('"Listing Referrers": what is no digest is answered 400', async () => {
      for (const text of ['v1', 'sha256:abc', 'sha256', `md5:${'0'.repeat(32)}`]) {
        expect((await refusalOf(await ask(`/v2/ref/none/referrers/${text}`)))[0], text).toBe(400);
      }
    });

    it('"Listing Referrers": a filter by type is applied and named', async () => {
      const subject = await registry.image('ref/filter', { text: 'filtered' });
      const one = await registry.image('ref/filter', { subject, artifactType: 'application/x.one' });
      const two = await registry.image('ref/filter', { subject, artifactType: 'application/x.two' });
      for (const manifest of [one, two]) await registry.put('ref/filter', manifest.digest, manifest);
      const path = `/v2/ref/filter/referrers/${subject.digest}`;
      const answer = await ask(`${path}?artifactType=application%2Fx.one`);
      expect(answer.headers.get('oci-filters-applied')).toBe('artifactType');
      expect(((await answer.json()) as Referrers).manifests.map(({ digest }) => digest)).toEqual([one.digest]);
      expect((await ask(path)).headers.get('oci-filters-applied')).toBeNull();
    });

    it('"Enabling the Referrers API": what a client listed under the fallback tag is in the answer, once', async () => {
      const subject = await registry.image('ref/fallback', { text: 'fallback' });
      const referrer = await registry.image('ref/fallback', { subject, artifactType: 'application/x.old' });
      await registry.put('ref/fallback', referrer.digest, referrer);
      await registry.put('ref/fallback', `sha256-${hexOf(subject.digest)}`, indexOf([referrer]));
      const { manifests } = await referrersAt(`/v2/ref/fallback/referrers/${subject.digest}`);
      expect(manifests.map(({ digest }) => digest)).toEqual([referrer.digest]);
    });

    it('"Enabling the Referrers API": each newly pushed one is in the answer at once, and no deleted one', async () => {
      const subject = await registry.image('ref/live', { text: 'live' });
      for (let count = 1; count <= 3; count += 1) {
        const referrer = await registry.image('ref/live', { subject, artifactType: `application/x.${count}` });
        await registry.put('ref/live', referrer.digest, referrer);
        const path = `/v2/ref/live/referrers/${subject.digest}`;
        expect((await referrersAt(path)).manifests.map(({ digest }) => digest)).toEqual([referrer.digest]);
        expect((await remove(`/v2/ref/live/manifests/${referrer.digest}`)).status).toBe(202);
        expect((await referrersAt(path)).manifests).toEqual([]);
      }
    });
  });

  describe('Content Management', () => {
    it('"Deleting tags": answered 202; the tag is gone, the manifest is not', async () => {
      const image = await registry.image('del/tag');
      for (const tag of ['v1', 'v2']) await registry.put('del/tag', tag, image);
      expect((await remove('/v2/del/tag/manifests/v1')).status).toBe(202);
      expect((await ask('/v2/del/tag/manifests/v1')).status).toBe(404);
      expect(await tagsAt('/v2/del/tag/tags/list')).toEqual(['v2']);
      expect((await remove('/v2/del/tag/manifests/v2')).status).toBe(202);
      expect((await ask(`/v2/del/tag/manifests/${image.digest}`)).status).toBe(200);
      expect(await refusalOf(await remove('/v2/del/tag/manifests/v1'))).toEqual([404, 'MANIFEST_UNKNOWN']);
    });

    it('"Deleting Manifests": answered 202; the digest and every tag of it are gone, children are not', async () => {
      const child = await registry.image('del/manifest', { text: 'child' });
      const index = indexOf([child]);
      await registry.put('del/manifest', child.digest, child);
      for (const tag of ['v1', 'v2']) await registry.put('del/manifest', tag, index);
      expect((await remove(`/v2/del/manifest/manifests/${index.digest}`)).status).toBe(202);
      for (const reference of ['v1', 'v2', index.digest]) {
        expect((await ask(`/v2/del/manifest/manifests/${reference}`)).status, reference).toBe(404);
      }
      expect((await ask(`/v2/del/manifest/manifests/${child.digest}`)).status).toBe(200);
      expect((await remove(`/v2/del/manifest/manifests/${child.digest}`)).status).toBe(202);
      expect((await ask(`/v2/del/manifest/manifests/${child.digest}`)).status).toBe(404);
    });

    it('"Deleting Manifests": a repository or a manifest that is not here is answered 404', async () => {
      for (const path of [
        `del/nowhere/manifests/${absent}`,
        `del/tag/manifests/${absent}`,
        'del/nowhere/manifests/v1',
      ]) {
        expect(await refusalOf(await remove(`/v2/${path}`)), path).toEqual([404, 'MANIFEST_UNKNOWN']);
      }
    });

    it('"Deleting Blobs": answered 202; the blob is gone; one that is not here is answered 404', async () => {
      const digest = await registry.blob('del/blob', 'to be deleted');
      expect((await remove(`/v2/del/blob/blobs/${digest}`)).status).toBe(202);
      for (const method of ['GET', 'HEAD']) {
        expect((await ask(`/v2/del/blob/blobs/${digest}`, { method })).status, method).toBe(404);
      }
      expect(await refusalOf(await remove(`/v2/del/blob/blobs/${digest}`))).toEqual([404, 'BLOB_UNKNOWN']);
      expect(await registry.blob('del/blob', 'to be deleted')).toBe(digest);
    });

    it('"Content Management": what is refused is answered 400 or 405 where it is disabled', async () => {
      const other = await startRegistry(kind, { writable: false });
      for (const path of ['manifests/v1', `manifests/${absent}`, `blobs/${absent}`]) {
        const answer = await other.ask(`/v2/a/b/${path}`, { method: 'DELETE' });
        expect([answer.status, answer.headers.get('allow')], path).toEqual([405, 'GET, HEAD']);
      }
      await other.close();
    });
  });

  describe('Error Codes', () => {
    /** The list of the specification. */
    const known = new Set([
      'BLOB_UNKNOWN',
      'BLOB_UPLOAD_INVALID',
      'BLOB_UPLOAD_UNKNOWN',
      'DIGEST_INVALID',
      'MANIFEST_BLOB_UNKNOWN',
      'MANIFEST_INVALID',
      'MANIFEST_UNKNOWN',
      'NAME_INVALID',
      'NAME_UNKNOWN',
      'SIZE_INVALID',
      'UNAUTHORIZED',
      'DENIED',
      'UNSUPPORTED',
      'TOOMANYREQUESTS',
    ]);

    it('"Error Codes" and "Warnings": every refusal is JSON of the given form with a code of the list, and sends no malformed warning', async () => {
      const image = await registry.image('err/a', { text: 'needed' });
      await registry.put('err/a', 'v1', image);
      const needed = JSON.parse(image.bytes.toString()).layers[0].digest;
      const session = (await ask('/v2/err/a/blobs/uploads/', { method: 'POST' })).headers.get('location') ?? '';
      const text = { body: 'text', headers: { 'content-type': mediaTypes.ociManifest } };
      const requests: [string, string, RequestInit?][] = [
        ['GET', '/v2/err/a/manifests/v2'],
        ['GET', `/v2/err/a/blobs/${absent}`],
        ['GET', '/v2/err/a/blobs/sha256:x'],
        ['GET', '/v2/err/a/referrers/x'],
        ['GET', '/v2/none/tags/list'],
        ['GET', '/v2/err/a/tags/list?n=x'],
        ['GET', '/v2/ERR/a/tags/list'],
        ['GET', '/v2/err/a/unknown'],
        ['GET', '/elsewhere'],
        ['POST', '/v2/err/a/manifests/v1'],
        ['POST', '/v2/_catalog'],
        ['PUT', '/v2/err/a/manifests/v1', text],
        ['PUT', `/v2/err/a/manifests/${absent}`, text],
        ['PATCH', '/v2/err/a/blobs/uploads/unknown'],
        ['PATCH', session, { body: 'x', headers: { 'content-range': '5-5' } }],
        ['PUT', `${session}?digest=${absent}`, { body: 'x' }],
        ['POST', '/v2/err/a/blobs/uploads/?digest-algorithm=md5'],
        ['DELETE', '/v2/err/a/manifests/v2'],
        ['DELETE', `/v2/err/a/blobs/${needed}`],
      ];
      for (const [method, path, init] of requests) {
        const answer = await ask(path, { ...init, method });
        expect([answer.status >= 400, answer.status < 500], `${method} ${path}`).toEqual([true, true]);
        expect(answer.headers.get('content-type'), `${method} ${path}`).toMatch(/^application\/json/);
        expect(answer.headers.get('warning')).toBeNull();
        const { errors } = (await answer.json()) as { readonly errors: readonly { code: string; message: string }[] };
        expect(errors.length, `${method} ${path}`).toBeGreaterThan(0);
        for (const { code, message } of errors) {
          expect([...known], `${method} ${path}`).toContain(code);
          expect(message).toEqual(expect.any(String));
        }
      }
    });

    it('"Error Codes": a manifest of no known kind is MANIFEST_INVALID', async () => {
      const strange = manifestOf({ schemaVersion: 2, mediaType: 'application/vnd.example.strange+json' });
      expect(await refusalOf(await registry.put('err/b', 'v1', strange))).toEqual([400, 'MANIFEST_INVALID']);
    });
  });
});
