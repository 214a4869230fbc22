import { describe, expect, it } from 'vitest';
import { CurrentInventory } from '../../../src/serve/page/current-inventory.ts';
import { readInventory } from '../../../src/serve/page/inventory.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Source } from '../../../src/store/store.ts';
import { seedImage } from '../../support/seedImages.ts';

/** Reads really, and counts how often; while `hold()` is in force, no reading ends before `release()`. */
function counting() {
  const seen = { readings: 0, atOnce: 0, most: 0 };
  let held: Promise<void> | undefined;
  let release = () => {};
  let arrived = () => {};
  const read: typeof readInventory = async (store, progress) => {
    seen.readings += 1;
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    try {
      const inventory = await readInventory(store, progress);
      arrived();
      await held;
      return inventory;
    } finally {
      seen.atOnce -= 1;
    }
  };
  /** Resolves when a reading is being held, with its store read. */
  const hold = () => {
    held = new Promise((resolve) => {
      release = resolve;
    });
    return new Promise<void>((resolve) => {
      arrived = resolve;
    });
  };
  return { seen, read, hold, release: () => release() };
}

describe('CurrentInventory', () => {
  it('reads once for everybody who asks, and again after a change', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const { seen, read } = counting();
    const current = new CurrentInventory({ read });
    const all = await Promise.all(Array.from({ length: 20 }, () => current.of(store)));
    expect(new Set(all.map(({ inventory }) => inventory)).size).toBe(1);
    await current.of(store);
    expect(seen.readings).toBe(1);
    await seedImage(store, 'ghcr.io/a/b:2');
    const after = await Promise.all(Array.from({ length: 20 }, () => current.of(store)));
    expect(after.every(({ inventory }) => inventory?.images.length === 2)).toBe(true);
    expect(seen).toEqual({ readings: 2, atOnce: 0, most: 1 });
  });

  it('does not answer with what was read before a change that came first', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const { seen, read, hold, release } = counting();
    const current = new CurrentInventory({ read, patienceMs: 10_000 });
    const isHeld = hold();
    const early = current.of(store);
    await isHeld;
    await seedImage(store, 'ghcr.io/a/b:2');
    const late = current.of(store);
    release();
    expect((await early).inventory?.images).toHaveLength(1);
    expect((await late).inventory?.images).toHaveLength(2);
    expect(seen).toEqual({ readings: 2, atOnce: 0, most: 1 });
  });

  it('says how far it is when it takes long, with what it knew before', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    const { read, hold, release } = counting();
    const current = new CurrentInventory({ read, patienceMs: 300 });
    void hold();
    expect(await current.of(store)).toEqual({ inventory: undefined, reading: { done: 1, total: 1 } });
    release();
    expect((await current.of(store)).inventory?.images).toHaveLength(1);
    void hold();
    await seedImage(store, 'ghcr.io/a/b:2');
    const again = await current.of(store);
    expect(again.inventory?.images).toHaveLength(1);
    expect(again.reading).toEqual({ done: 2, total: 2 });
    release();
    expect(await current.of(store)).toMatchObject({ inventory: { repositories: 1 }, reading: undefined });
  });

  it('passes a failure on and tries again', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    let fails = true;
    const failing: Source = {
      repository: (name) => store.repository(name),
      revision: async () => '1',
      close: async () => {},
      async *catalog() {
        if (fails) throw new Error('the disk is gone');
        yield* store.catalog?.() ?? [];
      },
    };
    const current = new CurrentInventory();
    await expect(current.of(failing)).rejects.toThrow('the disk is gone');
    fails = false;
    expect((await current.of(failing)).inventory?.images).toHaveLength(1);
  });
});
