import { describe, expect, it } from 'vitest';
import { keptPlace } from '../../src/mirror/rule.ts';
import { parseReference, parseTag } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import { withOtherPlaces } from '../../src/store/other-places.ts';
import { seedCosignTag } from '../support/seedAttached.ts';
import { seedImage } from '../support/seedImages.ts';

const upstream = parseReference('ghcr.io/a/b:1');
const at = keptPlace({ source: upstream, retag: { repository: 'web/front' } });
const [one, two, unknown] = ['1', '2', '3'].map(parseTag) as [never, never, never];

async function placed() {
  const store = openMemory();
  const own = await seedImage(store, 'ghcr.io/a/b:2');
  const image = await seedImage(store, 'ghcr.io/web/front:x');
  await seedCosignTag(store, image);
  await seedImage(store, 'ghcr.io/web/front:3');
  const source = withOtherPlaces(store, [{ upstream, at, tags: new Map([[one, parseTag('x')]]) }]);
  return { store, own, image, source, repository: source.repository(upstream) };
}

describe('withOtherPlaces()', () => {
  it('reads by its own name first, then where it was put: tags by what they are called there, digests as they are', async () => {
    const { own, image, repository } = await placed();
    expect((await repository.resolve(two)).digest).toBe(own.root.digest);
    expect((await repository.resolve(one)).digest).toBe(image.root.digest);
    expect((await repository.manifest(image.root.digest)).descriptor.digest).toBe(image.root.digest);
    const [layer] = image.blobs;
    if (layer === undefined) throw new Error('no layer');
    expect(await repository.exists(layer)).toBe(true);
    const bytes: Uint8Array[] = [];
    for await (const chunk of await repository.fetch(layer)) bytes.push(chunk);
    expect(Buffer.concat(bytes)).toHaveLength(layer.size);
  });

  it('takes no tag from there that it was not told of, but those of signatures', async () => {
    const { image, repository } = await placed();
    await expect(repository.resolve(unknown)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
    const tags: string[] = [];
    for await (const tag of repository.tags?.() ?? []) tags.push(tag);
    expect(tags.sort()).toEqual(['2', `${image.root.digest.replace(':', '-')}.sig`]);
  });

  it('leaves other repositories and a source without other places as they are', async () => {
    const { store, source } = await placed();
    expect(withOtherPlaces(store, [])).toBe(store);
    await expect(source.repository(parseReference('ghcr.io/c')).resolve(one)).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('ghcr.io/c'),
    });
  });
});
