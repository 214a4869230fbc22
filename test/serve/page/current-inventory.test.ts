import { describe, expect, it } from 'vitest';
import { CurrentInventory } from '../../../src/serve/page/current-inventory.ts';
import { readInventory } from '../../../src/serve/page/inventory.ts';
import { openMemory } from '../../../src/store/memory/open.ts';
import type { Source } from '../../../src/store/store.ts';
import { seedImage } from '../../support/seedImages.ts';

/** Reads really, and counts how often; with `gate` when that lets it. */
function counting(gate: () => Promise<void> = async () => {}) {
  const seen = { readings: 0, atOnce: 0, most: 0 };
  const read: typeof readInventory = async (store, progress) => {
    seen.readings += 1;
    seen.atOnce += 1;
    seen.most = Math.max(seen.most, seen.atOnce);
    try {
      const inventory = await readInventory(store, progress);
      await gate();
      return inventory;
    } finally {
      seen.atOnce -= 1;
    }
  };
  return { seen, read };
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
    let open = () => {};
    const held = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { seen, read } = counting(() => held);
    const current = new CurrentInventory({ read });
    const early = current.of(store);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await seedImage(store, 'ghcr.io/a/b:2');
    const late = current.of(store);
    open();
    expect((await early).inventory?.images).toHaveLength(1);
    expect((await late).inventory?.images).toHaveLength(2);
    expect(seen).toEqual({ readings: 2, atOnce: 0, most: 1 });
  });

  it('says how far it is when it takes long, with what it knew before', async () => {
    const store = openMemory();
    await seedImage(store, 'ghcr.io/a/b:1');
    let isSlow = true;
    const gate = () => new Promise<void>((resolve) => setTimeout(resolve, isSlow ? 200 : 0));
    const current = new CurrentInventory({ ...counting(gate), patienceMs: 40 });
    const first = await current.of(store);
    expect(first).toEqual({ inventory: undefined, reading: { done: 1, total: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 250));
    isSlow = false;
    expect((await current.of(store)).inventory?.images).toHaveLength(1);
    isSlow = true;
    await seedImage(store, 'ghcr.io/a/b:2');
    const again = await current.of(store);
    expect(again.inventory?.images).toHaveLength(1);
    expect(again.reading).toEqual({ done: 2, total: 2 });
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
