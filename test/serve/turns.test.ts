import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/serve/turns.ts';

describe('Turns', () => {
  it('lets nothing run beside a removal, and additions beside each other, whatever fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ removes: fc.boolean(), ms: fc.integer({ min: 0, max: 3 }), fails: fc.boolean() }), {
          minLength: 2,
          maxLength: 12,
        }),
        async (works) => {
          const turns = new Turns();
          const running = { add: 0, remove: 0 };
          const ended = works.map(({ removes, ms, fails }) => {
            const kind = removes ? 'remove' : 'add';
            return turns[kind](async () => {
              running[kind] += 1;
              expect(running.remove === 0 || (running.remove === 1 && running.add === 0)).toBe(true);
              await wait(ms);
              running[kind] -= 1;
              if (fails) throw new Error('failed');
              return kind;
            });
          });
          const results = await Promise.allSettled(ended);
          expect(results.map(({ status }) => status)).toEqual(
            works.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it('runs additions at once', async () => {
    const turns = new Turns();
    let most = 0;
    let running = 0;
    const work = async () => {
      running += 1;
      most = Math.max(most, running);
      await wait(5);
      running -= 1;
    };
    await Promise.all([turns.add(work), turns.add(work), turns.add(work)]);
    expect(most).toBe(3);
  });
});
