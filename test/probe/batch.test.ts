import { describe, expect, it } from 'vitest';
import { Batch } from '../../src/probe/batch.ts';

/** A batch that is handed on when it is told to. */
function held() {
  const handed: (readonly string[])[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const batch = new Batch<string>((items) => {
    handed.push(items);
    return new Promise((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  });
  const reached = async (count: number): Promise<void> => {
    while (handed.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { batch, handed, ends, reached };
}

describe('Batch', () => {
  it('hands on together what came together, and what comes meanwhile with the next', async () => {
    const { batch, handed, ends, reached } = held();
    const first = Promise.all([batch.add('a'), batch.add('b')]);
    await reached(1);
    const second = batch.add('c');
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(handed).toEqual([['a', 'b']]);
    ends[0]?.();
    await first;
    await reached(2);
    expect(handed).toEqual([['a', 'b'], ['c']]);
    ends[1]?.();
    await second;
  });

  it('fails all of one batch, and goes on with the next', async () => {
    const { batch, ends, reached } = held();
    const first = Promise.allSettled([batch.add('a'), batch.add('b')]);
    await reached(1);
    const second = batch.add('c');
    ends[0]?.(new Error('no'));
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await reached(2);
    ends[1]?.();
    await second;
  });
});
