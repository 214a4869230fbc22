import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import type { AirgapEvent } from '../../src/events.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parseReference, printReference } from '../../src/oci/reference.ts';
import { type ResolveOptions, resolveImages } from '../../src/resolve/resolve.ts';
import type { ResolvedImage } from '../../src/resolve/resolved.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source } from '../../src/store/store.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedImage } from '../support/seedImages.ts';
import { seedSet } from '../support/seedSet.ts';
import { watch } from '../support/watched.ts';
import { blob, everything, imageOf, put, request } from './builders.ts';

function options(source: Source, more: Partial<ResolveOptions> = {}): ResolveOptions {
  return { source, wish: everything, signatures: false, ...more };
}

async function resolveOne(source: Source, asked: string, more: Partial<ResolveOptions> = {}): Promise<ResolvedImage> {
  const { images, failures } = await resolveImages([request(asked)], options(source, more));
  const [image] = images;
  if (image === undefined) throw failures[0]?.error;
  return image;
}

function digests(seeded: SeededImage): string[] {
  return seeded.manifests.map((manifest) => manifest.descriptor.digest).sort();
}

describe('resolveImages()', () => {
  it('finds root, manifests, blobs and tag of every shape, and the bytes as they arrived', async () => {
    const memory = openMemory();
    const { images: seeded } = await seedSet(memory);
    const requests = [...seeded.values()].map((image) => request(image.reference));
    const { images, failures } = await resolveImages(requests, options(memory));
    expect(failures).toEqual([]);
    expect(images.map((image) => printReference(image.reference))).toEqual([...seeded.keys()]);
    for (const image of images) {
      const expected = seeded.get(printReference(image.reference));
      if (expected === undefined) throw new Error('not asked for');
      expect(image.root.digest).toBe(expected.root.digest);
      expect(image.manifests.at(-1)?.descriptor.digest).toBe(expected.root.digest);
      expect(image.manifests.map((document) => document.descriptor.digest).sort()).toEqual(digests(expected));
      expect(image.blobs.map((b) => b.digest).sort()).toEqual(expected.blobs.map((b) => b.digest).sort());
      const { tag } = expected.reference;
      expect(image.tags).toEqual(tag === undefined ? [] : [{ tag, digest: image.root.digest, role: 'image' }]);
      expect(image).toMatchObject({ signatures: { status: 'not-asked' }, omitted: [] });
      for (const { descriptor, bytes } of image.manifests) expect(digestOf(bytes)).toBe(descriptor.digest);
    }
  });

  it('reads each manifest once and nothing else, one request for each tag', async () => {
    const memory = openMemory();
    const { images: seeded } = await seedSet(memory);
    const { store, calls, count } = watch(memory);
    const requests = [...seeded.values()].map((image) => request(image.reference));
    await resolveImages(requests, options(store));
    const unique = new Set([...seeded.values()].flatMap(digests));
    const tags = [...seeded.values()].filter((image) => image.reference.tag !== undefined);
    expect(count('manifest ')).toBe(calls.length);
    expect(calls.filter((call) => !call.includes('@'))).toHaveLength(tags.length);
    const withoutTaggedRoots = unique.size - new Set(tags.map((image) => image.root.digest)).size;
    expect(calls.filter((call) => call.includes('@'))).toHaveLength(withoutTaggedRoots);
    expect(new Set(calls).size).toBe(calls.length);
  });

  it('puts what a manifest names before it', async () => {
    const memory = openMemory();
    const { images: seeded } = await seedSet(memory);
    const requests = [...seeded.values()].map((image) => request(image.reference));
    const { images } = await resolveImages(requests, options(memory, { signatures: true }));
    for (const image of images) {
      const before = new Set<string>();
      for (const { descriptor, manifest } of image.manifests) {
        if (manifest.kind === 'index') for (const child of manifest.manifests) expect(before).toContain(child.digest);
        before.add(descriptor.digest);
      }
    }
  });

  it('lets the digest decide and carries the tag along', async () => {
    const memory = openMemory();
    const old = await seedImage(memory, 'ghcr.io/a/b:1', { layers: ['old'] });
    const now = await seedImage(memory, 'ghcr.io/a/b:1', { layers: ['new'] });
    const { store, calls } = watch(memory);
    const image = await resolveOne(store, `ghcr.io/a/b:1@${old.root.digest}`);
    expect(now.root.digest).not.toBe(old.root.digest);
    expect(image.root.digest).toBe(old.root.digest);
    expect(image.tags).toMatchObject([{ tag: '1', digest: old.root.digest, role: 'image' }]);
    expect(calls).toEqual([`manifest ghcr.io/a/b@${old.root.digest}`]);
  });

  it('tells every failure beside what did not fail, with who asked', async () => {
    const memory = openMemory();
    await seedImage(memory, 'ghcr.io/a/b:1');
    const events: AirgapEvent[] = [];
    const resolved: string[] = [];
    const { images, failures } = await resolveImages(
      ['ghcr.io/a/none:1', 'ghcr.io/a/b:1', 'ghcr.io/a/b:2'].map((asked) => request(asked)),
      options(memory, {
        events: (event) => events.push(event),
        onResolved: (image) => resolved.push(printReference(image.reference)),
      }),
    );
    expect(images.map((image) => printReference(image.reference))).toEqual(['ghcr.io/a/b:1']);
    expect(resolved).toEqual(['ghcr.io/a/b:1']);
    expect(failures.map(({ image }) => printReference(image.reference))).toEqual(['ghcr.io/a/none:1', 'ghcr.io/a/b:2']);
    expect(failures[1]?.error).toMatchObject({
      code: 'ERR_NOT_FOUND',
      end: 'source',
      origins: ['images.txt:1'],
    });
    expect(events.filter((event) => event.type === 'resolve:failed')).toHaveLength(2);
    expect(events.filter((event) => event.type === 'resolve:progress').map((event) => event.done)).toEqual([1, 2, 3]);
  });

  it('does no more images at once than it is told', async () => {
    const memory = openMemory();
    const names = ['a', 'b', 'c', 'd', 'e'].map((path) => `ghcr.io/x/${path}:1`);
    for (const name of names) await seedImage(memory, name);
    let under = 0;
    let most = 0;
    const { store } = watch(memory, {
      before: async () => {
        under += 1;
        most = Math.max(most, under);
        await new Promise(setImmediate);
        under -= 1;
      },
    });
    const { images } = await resolveImages(
      names.map((name) => request(name)),
      options(store, { concurrency: 2 }),
    );
    expect(images).toHaveLength(5);
    expect(most).toBe(2);
  });

  it('ends with ERR_INTERRUPTED when its signal is aborted', async () => {
    const memory = openMemory();
    await seedImage(memory, 'ghcr.io/a/b:1');
    const controller = new AbortController();
    const { store } = watch(memory, { before: () => controller.abort() });
    const asked = ['ghcr.io/a/b:1', 'ghcr.io/a/b:2'].map((name) => request(name));
    await expect(resolveImages(asked, options(store, { signal: controller.signal }))).rejects.toMatchObject({
      code: 'ERR_INTERRUPTED',
    });
  });

  it('keeps what the signal was aborted with', async () => {
    const signal = AbortSignal.abort(new AirgapError('ERR_TIMEOUT', 'Cannot finish: the time is over'));
    const asked = [request('ghcr.io/a/b:1')];
    await expect(resolveImages(asked, options(openMemory(), { signal }))).rejects.toMatchObject({
      code: 'ERR_TIMEOUT',
    });
  });

  it('leaves foreign layers out and says who is asked for them', async () => {
    const memory = openMemory();
    const { foreign } = await seedImage(memory, 'ghcr.io/a/windows:1', { foreignLayer: true, docker: true });
    const image = await resolveOne(memory, 'ghcr.io/a/windows:1');
    expect(image.blobs.map((b) => b.digest)).not.toContain(foreign[0]?.digest);
    expect(image.notices).toMatchObject([{ kind: 'foreign-layer' }]);
    expect(image.notices[0]?.message).toContain('ghcr.io/a/windows');
    expect(image.notices[0]?.message).toContain('go.invalid');
    const whole = await resolveOne(memory, 'ghcr.io/a/windows:1', { includeForeign: true });
    expect(whole.blobs.map((b) => b.digest)).toContain(foreign[0]?.digest);
    expect(whole.notices).toMatchObject([{ kind: 'foreign-layer' }]);
  });

  it('copies an ordinary layer that has URLs, and says that they are asked first', async () => {
    const memory = openMemory();
    const layer = blob('layer', { urls: ['https://files.example/layer'] });
    await put(memory.repository(parseReference('ghcr.io/a/b:1')), imageOf('x', [layer]), { tag: '1' });
    const image = await resolveOne(memory, 'ghcr.io/a/b:1');
    expect(image.blobs).toContainEqual(layer);
    expect(image.notices).toMatchObject([{ kind: 'foreign-layer' }]);
  });

  it('refuses a blob that is said to have two sizes', async () => {
    const memory = openMemory();
    const layer = blob('layer');
    const layers = [layer, { ...layer, size: layer.size + 1 }];
    await put(memory.repository(parseReference('ghcr.io/a/b:1')), imageOf('x', layers), { tag: '1' });
    await expect(resolveOne(memory, 'ghcr.io/a/b:1')).rejects.toMatchObject({ code: 'ERR_PROTOCOL' });
  });

  it('names a layer once that an image has twice', async () => {
    const memory = openMemory();
    const layers = [blob('layer'), blob('layer')];
    await put(memory.repository(parseReference('ghcr.io/a/b:1')), imageOf('x', layers), { tag: '1' });
    expect((await resolveOne(memory, 'ghcr.io/a/b:1')).blobs).toHaveLength(2);
  });

  it('refuses schema 1 with a word on what to do', async () => {
    const memory = openMemory();
    const old = { schemaVersion: 1, fsLayers: [], name: 'a/b', tag: '1' };
    await put(memory.repository(parseReference('ghcr.io/a/b:1')), old, {
      tag: '1',
      mediaType: mediaTypes.dockerManifest,
    });
    await expect(resolveOne(memory, 'ghcr.io/a/b:1')).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      hint: expect.stringMatching(/./),
    });
  });

  it('gives the same result at any concurrency', async () => {
    const memory = openMemory();
    const { images: seeded } = await seedSet(memory);
    const requests = [...seeded.values()].map((image) => request(image.reference));
    const one = await resolveImages(requests, options(memory, { signatures: true, concurrency: 1 }));
    const jittery = watch(memory, {
      before: (call) => new Promise((resolve) => setTimeout(resolve, call.length % 7)),
    });
    const many = await resolveImages(requests, options(jittery.store, { signatures: true, concurrency: 16 }));
    expect(JSON.stringify(many)).toBe(JSON.stringify(one));
  });
});
