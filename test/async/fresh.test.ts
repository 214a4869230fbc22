import { describe, expect, it } from 'vitest';
import { freshly } from '../../src/async/fresh.ts';

describe('freshly()', () => {
  it('runs once for all who ask while it runs, and begins that run after they asked', async () => {
    let now = 0;
    let [runs, running] = [0, 0];
    const ask = freshly(async () => {
      runs += 1;
      running += 1;
      expect(running).toBe(1);
      const seen = now;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      return seen;
    });
    const first = ask();
    now = 1;
    const more = [ask(), ask(), ask()];
    expect(await first).toBe(0);
    now = 2;
    expect(await Promise.all(more)).toEqual([1, 1, 1]);
    expect([await ask(), runs]).toEqual([2, 3]);
  });

  it('tells everybody of a failure, and runs again after it', async () => {
    let fails = true;
    const ask = freshly(async () => {
      await Promise.resolve();
      if (fails) throw new Error('not now');
      return 'now';
    });
    const results = await Promise.allSettled([ask(), ask(), ask()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    fails = false;
    expect(await Promise.all([ask(), ask()])).toEqual(['now', 'now']);
  });
});
