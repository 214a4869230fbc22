import { describe, expect, it } from 'vitest';
import { limitTo } from '../../src/async/limit.ts';

describe('limitTo()', () => {
  it('starts no more than the slots allow, in the order work came, and goes on after a failure', async () => {
    const limit = limitTo(2);
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const work = (id: number) => async () => {
      started.push(id);
      await new Promise<void>((resolve) => finish.push(resolve));
      if (id === 0) throw new Error('no');
      return id;
    };
    const all = Promise.allSettled([0, 1, 2].map((id) => limit(work(id))));
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1]);
    finish[0]?.();
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1, 2]);
    for (const end of finish) end();
    expect((await all).map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
});
