import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { readForm } from '../../../src/store/image-cache/oci-form.ts';
import { openImageCache } from '../../../src/store/image-cache/open.ts';
import type { Target } from '../../../src/store/store.ts';
import type { SeededImage } from '../../support/pile.ts';
import { seedCosignTag, seedFallbackReferrer } from '../../support/seedAttached.ts';
import { seedImage, seedNestedIndex } from '../../support/seedImages.ts';
import { askNode } from './node-registry.ts';

const platforms = ['linux/amd64', 'linux/arm64'];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'airgap-cache-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function seedAll(target: Target): Promise<SeededImage[]> {
  const kubelet = await seedImage(target, 'ghcr.io/siderolabs/kubelet:v1.36.3', { platforms });
  return [
    kubelet,
    await seedCosignTag(target, kubelet),
    await seedFallbackReferrer(target, kubelet),
    await seedImage(target, 'docker.io/library/nginx:1', { docker: true, platforms, attestations: true }),
    await seedImage(target, 'registry.k8s.io/pause:3.10', { withoutMediaType: true }),
    await seedImage(target, 'localhost:5000/a/b:v1', { layers: ['port'] }),
    await seedNestedIndex(target, 'registry.site:443/nested:v1'),
    await seedImage(target, 'ghcr.io/by/digest', { byDigest: true, layers: ['by digest'] }),
  ];
}

/** Everything a node may ask for of these images is answered with the right bytes. */
function expectFound(root: string, images: readonly SeededImage[]): void {
  for (const { reference, root: top, manifests, blobs } of images) {
    const { registry: ns, repository: name, tag } = reference;
    if (tag !== undefined) {
      for (const registry of [ns, undefined])
        expect(askNode(root, { ns: registry, name, kind: 'manifests', reference: tag })).toMatchObject({
          status: 200,
          digest: top.digest,
        });
    }
    for (const { descriptor, bytes } of manifests) {
      const answer = askNode(root, { ns, name, kind: 'manifests', reference: descriptor.digest });
      expect(answer).toMatchObject({ status: 200, type: descriptor.mediaType });
      expect(answer.bytes?.equals(bytes)).toBe(true);
    }
    for (const { digest } of blobs) {
      const answer = askNode(root, { ns, name, kind: 'blobs', reference: digest });
      expect(answer.status).toBe(200);
      expect(digestOf(answer.bytes ?? Buffer.alloc(0))).toBe(digest);
    }
  }
}

describe('an image cache, as a node reads it', () => {
  it('has every manifest, child, signature and blob in the flat form', async () => {
    const cache = await openImageCache(directory, { write: true });
    const images = await seedAll(cache);
    await cache.close();
    expect((await readdir(directory)).sort()).toEqual(['blob', 'manifests']);
    expectFound(directory, images);
    expect(
      askNode(directory, { ns: 'ghcr.io', name: 'siderolabs/kubelet', kind: 'manifests', reference: 'v2' }).status,
    ).toBe(404);
    expect(askNode(directory, { name: 'no/where', kind: 'manifests', reference: 'v2' }).status).toBe(400);
  });

  it('has the same in the layer of the OCI form, as tar unpacks it', async () => {
    const cache = await openImageCache(join(directory, 'oci'), { write: true, form: 'oci' });
    const images = await seedAll(cache);
    expect(await cache.seal()).toBe(true);
    await cache.close();
    const { layerPath } = await readForm(join(directory, 'oci'));
    execFileSync('mkdir', [join(directory, 'tree')]);
    execFileSync('tar', ['-xzf', layerPath, '-C', join(directory, 'tree')]);
    expectFound(join(directory, 'tree'), images);
  });

  it('reads what it wrote in either form as one and the same', async () => {
    const listed: string[][] = [];
    for (const form of ['flat', 'oci'] as const) {
      const cache = await openImageCache(join(directory, form), { write: true, form });
      await seedAll(cache);
      await cache.seal();
      await cache.close();
      const reader = await openImageCache(join(directory, form), { write: false });
      const names: string[] = [];
      for await (const entry of reader.indexed?.() ?? [])
        names.push(`${entry.name} ${entry.descriptor.digest} ${entry.descriptor.mediaType}`);
      listed.push(names);
      await reader.close();
    }
    expect(listed[0]).toHaveLength(8);
    expect(listed[1]).toEqual(listed[0]);
  });

  it('refuses tags that boot media would lose, and keeps what it has', async () => {
    const cache = await openImageCache(directory, { write: true });
    await seedImage(cache, 'ghcr.io/a:v1');
    for (const tag of ['V1', 'v2.']) {
      await expect(seedImage(cache, `ghcr.io/a:${tag}`)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    }
    await expect(seedImage(cache, '[fd00::1]:5000/a:v1')).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    // A repository in the place of another one's tag.
    await seedImage(cache, 'ghcr.io/a:reference', { layers: ['other'] });
    await expect(seedImage(cache, 'ghcr.io/a/reference/reference:v1')).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
    });
    const tags: string[] = [];
    for await (const tag of cache.repository({ registry: 'ghcr.io', repository: 'a' }).tags?.() ?? []) tags.push(tag);
    expect(tags).toEqual(['reference', 'v1']);
    await cache.close();
  });

  it('does not take a tag without its manifest for an image, as a node does not', async () => {
    const cache = await openImageCache(directory, { write: true });
    const image = await seedImage(cache, 'ghcr.io/a:v1');
    await cache.close();
    await rm(join(directory, 'manifests/ghcr.io/a/digest', image.root.digest.replace(':', '-')));
    const reader = await openImageCache(directory, { write: false });
    await expect(reader.repository(image.reference).resolve(parseTag('v1'))).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
    });
    await reader.close();
    expect(askNode(directory, { ns: 'ghcr.io', name: 'a', kind: 'manifests', reference: 'v1' }).status).toBe(500);
  });

  it('follows no link out of the directory when it writes', async () => {
    await (await openImageCache(directory, { write: true })).close();
    await rm(join(directory, 'manifests'), { recursive: true });
    const outside = await mkdtemp(join(tmpdir(), 'airgap-outside-'));
    execFileSync('ln', ['-s', outside, join(directory, 'manifests')]);
    await expect(openImageCache(directory, { write: true })).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await rm(join(directory, 'manifests'));
    execFileSync('mkdir', [join(directory, 'manifests')]);
    execFileSync('ln', ['-s', outside, join(directory, 'manifests', 'ghcr.io')]);
    const cache = await openImageCache(directory, { write: true });
    await expect(seedImage(cache, 'ghcr.io/a:v1')).rejects.toMatchObject({ code: 'ERR_INPUT_INVALID' });
    await cache.close();
    expect(await readdir(outside)).toEqual([]);
    await rm(outside, { recursive: true });
  });

  it('is the same directory after it was copied', async () => {
    const cache = await openImageCache(join(directory, 'one'), { write: true });
    const images = await seedAll(cache);
    await cache.close();
    await cp(join(directory, 'one'), join(directory, 'two'), { recursive: true });
    expectFound(join(directory, 'two'), images);
  });
});
