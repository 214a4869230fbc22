/**
 * Every rule of the OCI distribution-spec v1.1 that says MUST of a registry: pull and push. Discovery and management are in
 * specification-lists.test.ts. Titles name the section, then the rule in our words.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { randomBytes } from '../support/layers.ts';
import { indexOf, manifestOf, refusalOf, startRegistry, type TestRegistry } from './registry.ts';

const absent = digestOf(Buffer.from('absent'));
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

describe.each(['memory', 'layout'] as const)('distribution-spec v1.1 over %s', (kind) => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startRegistry(kind);
  });
  afterAll(() => registry.close());
  const ask = (path: string, init?: RequestInit) => registry.ask(path, init);
  const start = async (name: string): Promise<string> => {
    const answer = await ask(`/v2/${name}/blobs/uploads/`, { method: 'POST' });
    expect(answer.status).toBe(202);
    return answer.headers.get('location') ?? '';
  };
  const bodyOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());
  const patch = (location: string, range: string, body: string) =>
    ask(location, { method: 'PATCH', body, headers: { 'content-range': range } });

  describe('Determining Support', () => {
    it('"Determining Support": the base path is answered 200', async () => {
      expect((await ask('/v2/')).status).toBe(200);
    });
  });

  describe('Pull', () => {
    it('"Pull": blobs and manifests come in whatever order they are asked for', async () => {
      const image = await registry.image('pull/order', { text: 'order' });
      await registry.put('pull/order', 'v1', image);
      const { layers } = JSON.parse(image.bytes.toString());
      expect((await ask(`/v2/pull/order/blobs/${layers[0].digest}`)).status).toBe(200);
      expect((await ask('/v2/pull/order/manifests/v1')).status).toBe(200);
      expect((await ask(`/v2/pull/order/blobs/${layers[0].digest}`)).status).toBe(200);
    });

    it('"Pulling manifests": names of the given form are taken, others are refused', async () => {
      for (const name of ['a', 'a/b', 'a__b/c-d.e_f', 'a---b', '0/1/2/3/4/5', `${'a'.repeat(60)}/${'b'.repeat(60)}`]) {
        const image = await registry.image(name);
        expect((await registry.put(name, 'v1', image)).status, name).toBe(201);
        expect((await ask(`/v2/${name}/manifests/v1`)).status, name).toBe(200);
      }
      for (const name of ['A/b', 'a//b', '-a', 'a-', 'a/.b', 'a___b', 'a..b', 'ä', 'a%2Fb', `${'a'.repeat(300)}`]) {
        const [status, code] = await refusalOf(await ask(`/v2/${encodeURI(name)}/manifests/v1`));
        expect([status, code], name).toEqual([expect.toBeOneOf([400, 404]), expect.stringMatching(/^NAME_INVALID$/)]);
      }
    });

    it('"Pulling manifests": a reference is a digest or a tag of at most 128 characters', async () => {
      const image = await registry.image('pull/reference');
      for (const tag of ['a', '_', 'A.b-c_d', '0', 'x'.repeat(128)]) {
        expect((await registry.put('pull/reference', tag, image)).status, tag).toBe(201);
        expect((await ask(`/v2/pull/reference/manifests/${tag}`)).status, tag).toBe(200);
      }
      for (const bad of ['.a', '-a', 'x'.repeat(129), 'a+b', 'sha256:abc', `md5:${'0'.repeat(32)}`]) {
        const status = (await registry.put('pull/reference', encodeURIComponent(bad), image)).status;
        expect([400, 404], bad).toContain(status);
        expect((await ask(`/v2/pull/reference/manifests/${encodeURIComponent(bad)}`)).status, bad).toBe(status);
      }
    });

    it('"Pulling manifests": one that is here is answered 200 with its bytes, its type and, as the digest, its own', async () => {
      const image = await registry.image('pull/manifest');
      await registry.put('pull/manifest', 'v1', image);
      for (const reference of ['v1', image.digest]) {
        const answer = await ask(`/v2/pull/manifest/manifests/${reference}`);
        expect([
          answer.status,
          answer.headers.get('content-type'),
          answer.headers.get('docker-content-digest'),
        ]).toEqual([200, image.mediaType, image.digest]);
        expect((await bodyOf(answer)).equals(image.bytes)).toBe(true);
      }
    });

    it('"Pulling manifests": one that is not here is answered 404', async () => {
      await registry.put('pull/missing', 'v1', await registry.image('pull/missing'));
      for (const path of [
        'pull/missing/manifests/v2',
        `pull/missing/manifests/${absent}`,
        'pull/nowhere/manifests/v1',
      ]) {
        expect(await refusalOf(await ask(`/v2/${path}`)), path).toEqual([404, 'MANIFEST_UNKNOWN']);
      }
    });

    it('"Pulling blobs": one that is here is answered 200 with its bytes and its digest', async () => {
      const bytes = randomBytes('pulled', 300_000);
      const digest = await registry.blob('pull/blob', bytes);
      const answer = await ask(`/v2/pull/blob/blobs/${digest}`);
      expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([200, digest]);
      expect((await bodyOf(answer)).equals(bytes)).toBe(true);
    });

    it('"Pulling blobs": one that is not here is answered 404', async () => {
      expect(await refusalOf(await ask(`/v2/pull/blob/blobs/${absent}`))).toEqual([404, 'BLOB_UNKNOWN']);
    });

    it('"Pulling blobs": a range is answered with exactly its bytes (RFC 9110)', async () => {
      const digest = await registry.blob('pull/range', '0123456789');
      const answer = await ask(`/v2/pull/range/blobs/${digest}`, { headers: { range: 'bytes=2-4' } });
      expect([answer.status, answer.headers.get('content-range'), await answer.text()]).toEqual([
        206,
        'bytes 2-4/10',
        '234',
      ]);
      const beyond = await ask(`/v2/pull/range/blobs/${digest}`, { headers: { range: 'bytes=10-' } });
      expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    });

    it('"Checking if content exists": HEAD is answered 200 with size and digest and without a body, or 404', async () => {
      const image = await registry.image('pull/head');
      await registry.put('pull/head', 'v1', image);
      const blob = await registry.blob('pull/head', 'four');
      for (const [path, size, digest] of [
        ['manifests/v1', image.bytes.length, image.digest],
        [`manifests/${image.digest}`, image.bytes.length, image.digest],
        [`blobs/${blob}`, 4, blob],
      ] as const) {
        const answer = await ask(`/v2/pull/head/${path}`, { method: 'HEAD' });
        const { headers } = answer;
        expect([answer.status, headers.get('content-length'), headers.get('docker-content-digest')], path).toEqual([
          200,
          String(size),
          digest,
        ]);
        expect(await answer.text()).toBe('');
      }
      for (const path of ['manifests/v2', `manifests/${absent}`, `blobs/${absent}`]) {
        expect((await ask(`/v2/pull/head/${path}`, { method: 'HEAD' })).status, path).toBe(404);
      }
    });
  });

  describe('Push', () => {
    it('"Push": a manifest is taken before its subject', async () => {
      const subject = await registry.image('push/subject', { text: 'comes later' });
      const referrer = await registry.image('push/subject', { subject });
      expect((await registry.put('push/subject', referrer.digest, referrer)).status).toBe(201);
      expect((await registry.put('push/subject', 'later', subject)).status).toBe(201);
    });

    it('"Push": a manifest whose blobs or children are absent is refused with MANIFEST_BLOB_UNKNOWN', async () => {
      const image = JSON.parse((await registry.image('push/lacking')).bytes.toString());
      image.layers[0].digest = absent;
      const lacking = await registry.put('push/lacking', 'v1', manifestOf(image));
      expect(await refusalOf(lacking)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
      const child = await registry.image('push/lacking', { text: 'never pushed as a manifest' });
      const index = await registry.put('push/lacking', 'v1', indexOf([child]));
      expect(await refusalOf(index)).toEqual([400, 'MANIFEST_BLOB_UNKNOWN']);
      expect((await ask('/v2/push/lacking/manifests/v1')).status).toBe(404);
    });

    it('"POST then PUT": a session is answered 202 with a location that holds a UUID of its own', async () => {
      const [first, second] = [await start('push/session'), await start('push/session')];
      expect(first).toMatch(uuid);
      expect(second).toMatch(uuid);
      expect(first).not.toBe(second);
    });

    it('"POST then PUT": the PUT is answered 201 with where the blob can be pulled from', async () => {
      const digest = digestOf(Buffer.from('put'));
      const answer = await ask(`${await start('push/put')}?digest=${digest}`, { method: 'PUT', body: 'put' });
      expect(answer.status).toBe(201);
      expect(await (await ask(answer.headers.get('location') ?? '')).text()).toBe('put');
    });

    it('"POST then PUT": bytes of another digest or length are refused and not kept', async () => {
      const wrong = await ask(`${await start('push/wrong')}?digest=${absent}`, { method: 'PUT', body: 'not that' });
      expect(await refusalOf(wrong)).toEqual([400, 'DIGEST_INVALID']);
      expect((await ask(`/v2/push/wrong/blobs/${absent}`)).status).toBe(404);
      for (const query of ['', '?digest=', '?digest=sha256:abc', `?digest=${absent.toUpperCase()}`]) {
        const bad = await ask(`${await start('push/wrong')}${query}`, { method: 'PUT', body: 'x' });
        expect(await refusalOf(bad), query).toEqual([400, 'DIGEST_INVALID']);
      }
    });

    it('"Single POST": answered 201 with where the blob can be pulled from; the digest has to be right', async () => {
      const digest = digestOf(Buffer.from('post'));
      const answer = await ask(`/v2/push/post/blobs/uploads/?digest=${digest}`, { method: 'POST', body: 'post' });
      expect(answer.status).toBe(201);
      expect(await (await ask(answer.headers.get('location') ?? '')).text()).toBe('post');
      const wrong = await ask(`/v2/push/post/blobs/uploads/?digest=${absent}`, { method: 'POST', body: 'post' });
      expect(await refusalOf(wrong)).toEqual([400, 'DIGEST_INVALID']);
      expect((await ask(`/v2/push/post/blobs/${absent}`)).status).toBe(404);
    });

    it('"Pushing a blob in chunks": each chunk is answered 202 with location and range; the last PUT 201 with the blob', async () => {
      let location = await start('push/chunks');
      for (const [range, body] of [
        ['0-3', '0123'],
        ['4-7', '4567'],
      ] as const) {
        const answer = await patch(location, range, body);
        location = answer.headers.get('location') ?? '';
        expect([answer.status, answer.headers.get('range'), location]).toEqual([
          202,
          `0-${range.split('-')[1]}`,
          expect.stringMatching(uuid),
        ]);
      }
      const digest = digestOf(Buffer.from('0123456789'));
      const headers = { 'content-range': '8-9' };
      const end = await ask(`${location}?digest=${digest}`, { method: 'PUT', body: '89', headers });
      expect(end.status).toBe(201);
      expect(await (await ask(end.headers.get('location') ?? '')).text()).toBe('0123456789');
    });

    it('"Pushing a blob in chunks": the last chunk may come in a PATCH, the digest is that of the whole', async () => {
      const location = await start('push/last');
      await patch(location, '0-3', 'abcd');
      await patch(location, '4-7', 'efgh');
      const ofChunk = await ask(`${location}?digest=${digestOf(Buffer.from('efgh'))}`, { method: 'PUT' });
      expect(await refusalOf(ofChunk)).toEqual([400, 'DIGEST_INVALID']);
      const again = await start('push/last');
      await patch(again, '0-7', 'abcdefgh');
      const whole = await ask(`${again}?digest=${digestOf(Buffer.from('abcdefgh'))}`, { method: 'PUT' });
      expect(whole.status).toBe(201);
    });

    it('"Pushing a blob in chunks": a chunk out of order is answered 416, says how far it is and changes nothing', async () => {
      const location = await start('push/order');
      expect((await patch(location, '1-4', 'late')).status).toBe(416);
      await patch(location, '0-3', '0123');
      for (const range of ['0-3', '5-8', '3-6']) {
        const answer = await patch(location, range, 'xxxx');
        expect([answer.status, answer.headers.get('range'), answer.headers.get('location')], range).toEqual([
          416,
          '0-3',
          location,
        ]);
      }
      const digest = digestOf(Buffer.from('01234567'));
      const wrong = await ask(`${location}?digest=${digest}`, {
        method: 'PUT',
        body: '4567',
        headers: { 'content-range': '5-8' },
      });
      expect(wrong.status).toBe(416);
      const right = await ask(`${location}?digest=${digest}`, {
        method: 'PUT',
        body: '4567',
        headers: { 'content-range': '4-7' },
      });
      expect(right.status).toBe(201);
    });

    it('"Pushing a blob in chunks": the status of a session is answered 204 with location and range', async () => {
      const location = await start('push/status');
      await patch(location, '0-9', '0123456789');
      const answer = await ask(location);
      expect([answer.status, answer.headers.get('location'), answer.headers.get('range')]).toEqual([
        204,
        location,
        '0-9',
      ]);
    });

    it('"Cancel a blob upload": a session that was given up is gone', async () => {
      const location = await start('push/cancel');
      await patch(location, '0-3', '0123');
      expect((await ask(location, { method: 'DELETE' })).status).toBe(204);
      for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
        const target = method === 'PUT' ? `${location}?digest=${absent}` : location;
        expect(await refusalOf(await ask(target, { method })), method).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
      }
    });

    it('"Mounting a blob": answered 201 with where it can be pulled from', async () => {
      const digest = await registry.blob('push/from', 'mounted');
      const path = `/v2/push/to/blobs/uploads/?mount=${digest}&from=push/from`;
      const answer = await ask(path, { method: 'POST' });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('location')).toContain('/v2/push/to/');
      expect(await (await ask(answer.headers.get('location') ?? '')).text()).toBe('mounted');
    });

    it('"Mounting a blob": what cannot be mounted is answered 202 with a session, also without `from`', async () => {
      for (const query of [
        `mount=${absent}&from=push/from`,
        `mount=${absent}`,
        `mount=${absent}&from=A`,
        'mount=x&from=a/b',
      ]) {
        const answer = await ask(`/v2/push/to/blobs/uploads/?${query}`, { method: 'POST' });
        expect([answer.status, answer.headers.get('location')], query).toEqual([202, expect.stringMatching(uuid)]);
      }
    });

    it('"Pushing Manifests": stored byte for byte, answered 201 with where it can be pulled from and its digest', async () => {
      const image = await registry.image('push/exact');
      for (const reference of ['v1', image.digest]) {
        const answer = await registry.put('push/exact', reference, image);
        expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([201, image.digest]);
        const pulled = await ask(answer.headers.get('location') ?? '');
        expect((await bodyOf(pulled)).equals(image.bytes)).toBe(true);
      }
    });

    it('"Pushing Manifests": the digest in the path has to be that of the bytes', async () => {
      const image = await registry.image('push/digest');
      expect(await refusalOf(await registry.put('push/digest', absent, image))).toEqual([400, 'DIGEST_INVALID']);
      const long: Digest = digestOf(image.bytes, 'sha512');
      const answer = await registry.put('push/digest', long, image);
      expect([answer.status, answer.headers.get('docker-content-digest')]).toEqual([201, long]);
    });

    it('"Pushing Manifests": the type said has to be the one inside; parameters of it are ignored', async () => {
      const image = await registry.image('push/type');
      const lying = { ...image, mediaType: mediaTypes.ociIndex };
      expect(await refusalOf(await registry.put('push/type', 'v1', lying))).toEqual([400, 'MANIFEST_INVALID']);
      const typed = { ...image, mediaType: `${image.mediaType}; charset=utf-8` };
      expect((await registry.put('push/type', 'v1', typed)).status).toBe(201);
      expect((await ask('/v2/push/type/manifests/v1')).headers.get('content-type')).toBe(image.mediaType);
    });

    it('"Pushing Manifests": 4 MiB are taken, more is answered 413', async () => {
      const document = JSON.parse((await registry.image('push/large')).bytes.toString());
      const sized = (bytes: number) => {
        const base = manifestOf({ ...document, annotations: { x: '' } }).bytes.length;
        return manifestOf({ ...document, annotations: { x: 'x'.repeat(bytes - base) } });
      };
      expect((await registry.put('push/large', 'v1', sized(4 * 1024 * 1024))).status).toBe(201);
      expect((await registry.put('push/large', 'v2', sized(4 * 1024 * 1024 + 1))).status).toBe(413);
    });

    it('"Pushing Manifests with Subject": the subject that was understood is named in OCI-Subject', async () => {
      const subject = await registry.image('push/named', { text: 'the subject' });
      const referrer = await registry.image('push/named', { subject });
      expect((await registry.put('push/named', 'v1', referrer)).headers.get('oci-subject')).toBe(subject.digest);
      expect((await registry.put('push/named', 'v2', subject)).headers.get('oci-subject')).toBeNull();
      const index = indexOf([subject], { subject: JSON.parse(referrer.bytes.toString()).subject });
      expect((await registry.put('push/named', 'v3', index)).headers.get('oci-subject')).toBe(subject.digest);
    });
  });
});
