import { describe, expect, it } from 'vitest';
import { parseTag } from '../../../src/oci/reference.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import { seedImage } from '../../support/seedImages.ts';

describe('openMemory()', () => {
  it('keeps the blobs of its repositories apart until they are mounted', async () => {
    const store = openMemory();
    const { blobs, reference } = await seedImage(store, 'ghcr.io/a/b:v1');
    const other = store.repository({ registry: 'ghcr.io', repository: 'c/d' });
    for (const blob of blobs) {
      expect([await other.exists(blob), await other.blobSize?.(blob.digest)]).toEqual([false, undefined]);
      expect(await other.mount?.(blob, reference)).toBe(true);
      expect([await other.exists(blob), await other.blobSize?.(blob.digest)]).toEqual([true, blob.size]);
    }
  });

  it('tells one registry from another with the same path', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:v1');
    const other = store.repository({ registry: 'quay.io', repository: 'a/b' });
    await expect(other.resolve(parseTag('v1'))).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('has another revision after each manifest, and the same in between', async () => {
    const store = openMemory();
    const seen = [await store.revision?.()];
    for (const tag of ['v1', 'v2']) {
      await seedImage(store, `ghcr.io/a/b:${tag}`);
      seen.push(await store.revision?.());
      expect(await store.revision?.()).toBe(seen.at(-1));
    }
    expect(new Set(seen).size).toBe(3);
  });
});
