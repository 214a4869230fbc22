import { describe, expect, it } from 'vitest';
import { grouped } from '../../../src/cli/report/grouped.ts';

describe('grouped()', () => {
  it('puts together what has the same key, in the order it came', () => {
    expect(grouped(['b1', 'a1', 'b2', 'c1', 'a2'], (text) => text.charAt(0))).toEqual([
      ['b1', 'b2'],
      ['a1', 'a2'],
      ['c1'],
    ]);
    expect(grouped([], String)).toEqual([]);
  });
});
