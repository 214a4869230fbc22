import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Checkpoint } from '../../../src/store/layout/checkpoint.ts';

/** A slow writer of one number. */
function writer(): {
  state: { value: number; written: number; writes: number; failures: number };
  checkpoint: Checkpoint;
} {
  const state = { value: 0, written: 0, writes: 0, failures: 0 };
  let busy = false;
  const checkpoint = new Checkpoint(async () => {
    expect(busy).toBe(false);
    busy = true;
    const { value } = state;
    await sleep(5);
    busy = false;
    if (state.failures > 0) {
      state.failures -= 1;
      throw new Error('disk');
    }
    state.written = value;
    state.writes += 1;
  });
  return { state, checkpoint };
}

describe('Checkpoint', () => {
  it('has everything saved that changed before now() was called, in few writes', async () => {
    const { state, checkpoint } = writer();
    const changes = Array.from({ length: 60 }, async (_, index) => {
      await sleep(index % 7);
      state.value += 1;
      const mine = state.value;
      await checkpoint.now();
      expect(state.written).toBeGreaterThanOrEqual(mine);
    });
    await Promise.all(changes);
    expect(state.writes).toBeLessThan(12);
  });

  it('saves what nobody waits for within its delay, once', async () => {
    const { state, checkpoint } = writer();
    for (let change = 0; change < 10; change += 1) {
      state.value += 1;
      checkpoint.soon();
    }
    await expect.poll(() => state.written, { interval: 5 }).toBe(10);
    expect(state.writes).toBe(1);
  });

  it('tells who waits that a write failed, and saves it at the end', async () => {
    const { state, checkpoint } = writer();
    state.value = 1;
    state.failures = 1;
    await expect(checkpoint.now()).rejects.toThrow('disk');
    await checkpoint.end();
    expect(state.written).toBe(1);
    await checkpoint.end();
    expect(state.writes).toBe(1);
  });

  it('fails at the end when it still cannot save', async () => {
    const { state, checkpoint } = writer();
    state.failures = 5;
    checkpoint.soon();
    await expect(checkpoint.end()).rejects.toThrow('disk');
  });

  it('waits with settled() for what is unsaved or being saved, and writes nothing when all is', async () => {
    const { state, checkpoint } = writer();
    await checkpoint.settled();
    expect(state.writes).toBe(0);
    state.value = 1;
    checkpoint.soon();
    await checkpoint.settled();
    expect([state.written, state.writes]).toEqual([1, 1]);
    await checkpoint.settled();
    expect(state.writes).toBe(1);
    state.value = 2;
    const saving = checkpoint.now();
    await checkpoint.settled();
    expect(state.written).toBe(2);
    await saving;
    state.failures = 1;
    state.value = 3;
    await expect(checkpoint.now()).rejects.toThrow('disk');
    await checkpoint.settled();
    expect(state.written).toBe(3);
  });
});
