import { describe, expect, it } from 'vitest';
import { forgetOldest } from '../../src/serve/oldest.ts';

describe('forgetOldest()', () => {
  it('leaves those that were put in last, of a set and of a map', () => {
    const set = new Set(['a', 'b', 'c']);
    forgetOldest(set, 2);
    expect([...set]).toEqual(['b', 'c']);
    const map = new Map(['a', 'b', 'c', 'd'].map((key) => [key, 1]));
    map.delete('a');
    map.set('a', 2);
    forgetOldest(map, 1);
    expect([...map]).toEqual([['a', 2]]);
  });

  it('leaves all where there are no more than the limit', () => {
    const set = new Set(['a', 'b']);
    forgetOldest(set, 2);
    expect([...set]).toEqual(['a', 'b']);
  });
});
