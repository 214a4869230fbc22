import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from '../../src/serve/range.ts';

describe('parseRange()', () => {
  it('gives nothing for what it does not understand', () => {
    for (const header of [
      undefined,
      '',
      'bytes=-',
      'bytes=1-2,3-4',
      'items=0-1',
      'bytes=5-2',
      'bytes=a-b',
      'bytes=1e3-',
    ]) {
      expect(parseRange(header, 10), header).toBeUndefined();
    }
  });

  it('tells ranges that cannot be met', () => {
    for (const header of ['bytes=10-', 'bytes=10-20', 'bytes=-0']) expect(parseRange(header, 10)).toBe('unsatisfiable');
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  });

  it('never gives a range outside the content', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.option(fc.nat(1100)), fc.option(fc.nat(1100)), (size, first, last) => {
        const range = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.end).toBeLessThanOrEqual(size);
      }),
    );
  });
});
