import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { manifestOf, refusalOf, startRegistry, type TestRegistry } from './registry.ts';

let registry: TestRegistry;
afterEach(() => registry.close());

const remove = (path: string) => registry.ask(path, { method: 'DELETE' });

describe.each(['memory', 'layout'] as const)('manifests written over %s', (kind) => {
  it('are taken by digest with several tags at once, which are named in the answer', async () => {
    registry = await startRegistry(kind);
    const image = await registry.image('a/b');
    const answer = await registry.put('a/b', `${image.digest}?tag=v1&tag=v1.0&tag=v1`, image);
    expect([answer.status, answer.headers.get('oci-tag')]).toEqual([201, 'v1, v1.0']);
    for (const tag of ['v1', 'v1.0']) expect((await registry.ask(`/v2/a/b/manifests/${tag}`)).status).toBe(200);
    const bad = await registry.put('a/b', `${image.digest}?tag=ok&tag=-bad`, image);
    expect(await refusalOf(bad)).toEqual([400, 'MANIFEST_INVALID']);
    expect((await registry.ask('/v2/a/b/manifests/ok')).status).toBe(404);
  });

  it('may be artifacts of any type, without layers, with the empty descriptor', async () => {
    registry = await startRegistry(kind);
    const empty = { mediaType: mediaTypes.ociEmpty, digest: await registry.blob('a/b', '{}'), size: 2 };
    for (const layers of [[], [empty], [{ ...empty, mediaType: 'application/vnd.example.thing+zip' }]]) {
      const document = {
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: empty,
        layers,
        extra: { field: 1 },
      };
      const artifact = manifestOf({ ...document, artifactType: 'application/vnd.example.thing' });
      expect((await registry.put('a/b', 'v1', artifact)).status).toBe(201);
      expect(await (await registry.ask('/v2/a/b/manifests/v1')).text()).toBe(artifact.bytes.toString());
    }
  });

  it('are refused when they could be read both ways, or name what is no digest', async () => {
    registry = await startRegistry(kind);
    const image = JSON.parse((await registry.image('a/b')).bytes.toString());
    const both = manifestOf({ ...image, manifests: [] });
    const broken = manifestOf({ ...image, layers: [{ ...image.layers[0], digest: '../../etc/passwd' }] });
    for (const bad of [both, broken]) {
      expect(await refusalOf(await registry.put('a/b', 'v1', bad))).toEqual([400, 'MANIFEST_INVALID']);
    }
  });

  it('keep their blobs: one that is needed is refused with 403 and says by what', async () => {
    registry = await startRegistry(kind);
    const image = await registry.image('a/b', { text: 'needed' });
    await registry.put('a/b', 'v1', image);
    const digest = JSON.parse(image.bytes.toString()).layers[0].digest;
    const refused = await remove(`/v2/a/b/blobs/${digest}`);
    expect(refused.status).toBe(403);
    const { errors } = (await refused.json()) as { errors: { code: string; message: string }[] };
    expect(errors).toMatchObject([{ code: 'DENIED', message: expect.stringContaining(image.digest) }]);
    expect((await registry.ask(`/v2/a/b/blobs/${digest}`)).status).toBe(200);
    await remove(`/v2/a/b/manifests/${image.digest}`);
    expect((await remove(`/v2/a/b/blobs/${digest}`)).status).toBe(202);
  });

  it('are never left without a blob by a removal at the same time', async () => {
    registry = await startRegistry(kind);
    for (let round = 0; round < 30; round += 1) {
      const image = await registry.image('a/race', { text: `raced for ${round}` });
      const { digest } = JSON.parse(image.bytes.toString()).layers[0];
      const [put, removed] = await Promise.all([
        registry.put('a/race', `v${round}`, image),
        remove(`/v2/a/race/blobs/${digest}`),
      ]);
      expect([
        [201, 403],
        [400, 202],
      ]).toContainEqual([put.status, removed.status]);
      const isThere = (await registry.ask(`/v2/a/race/blobs/${digest}`)).status === 200;
      expect(isThere).toBe(put.status === 201);
    }
  });

  it('say what else can be done where something cannot', async () => {
    registry = await startRegistry(kind);
    for (const [method, path, allow] of [
      ['POST', 'manifests/v1', 'GET, HEAD, PUT, DELETE'],
      ['PUT', `blobs/sha256:${'0'.repeat(64)}`, 'GET, HEAD, DELETE'],
      ['GET', 'blobs/uploads/', 'POST'],
      ['DELETE', 'tags/list', 'GET, HEAD'],
      ['POST', `referrers/sha256:${'0'.repeat(64)}`, 'GET, HEAD'],
    ] as const) {
      const answer = await registry.ask(`/v2/a/b/${path}`, { method });
      expect([answer.status, answer.headers.get('allow')], `${method} ${path}`).toEqual([405, allow]);
    }
  });
});

describe('manifests written over a layout', () => {
  it('and removals are on disk when they are answered, with a tag and without', async () => {
    registry = await startRegistry('layout');
    const index = () => readFile(join(registry.directory, 'index.json'), 'utf8');
    const tagged = await registry.image('a/b', { text: 'tagged' });
    const bare = await registry.image('a/b', { text: 'bare' });
    await registry.put('a/b', 'v1', tagged);
    expect(await index()).toContain('localhost/a/b:v1');
    await registry.put('a/b', bare.digest, bare);
    expect(await index()).toContain(`localhost/a/b@${bare.digest}`);
    await remove('/v2/a/b/manifests/v1');
    expect(await index()).not.toContain('localhost/a/b:v1');
    expect(await index()).toContain(`localhost/a/b@${tagged.digest}`);
    await remove(`/v2/a/b/manifests/${bare.digest}`);
    expect(await index()).not.toContain(bare.digest);
  });

  it('go from the repository that is named, never from one of another registry with the same path', async () => {
    registry = await startRegistry('layout');
    const image = await registry.image('ghcr.io/a/b');
    await registry.put('ghcr.io/a/b', 'v1', image);
    expect((await registry.ask('/v2/a/b/manifests/v1')).status).toBe(200);
    expect((await remove('/v2/a/b/manifests/v1')).status).toBe(404);
    expect((await remove('/v2/a/b/manifests/v1?ns=ghcr.io')).status).toBe(202);
    expect((await registry.ask('/v2/ghcr.io/a/b/manifests/v1')).status).toBe(404);
  });
});
