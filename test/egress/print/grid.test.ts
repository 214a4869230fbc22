import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakAt, wrapped } from '../../../src/egress/print/grid.ts';

describe('lines of a cell', () => {
  it('break a long word behind its punctuation, unless nearly nothing is before it', () => {
    expect(breakAt('abcd.efghijkl', 10)).toBe(5);
    expect(breakAt('a.bcdefghijkl', 10)).toBe(10);
    expect(breakAt('abcdefghijklm', 10)).toBe(10);
    expect(breakAt('abc', 0)).toBe(1);
  });

  it('keep words together, and put no blank into one that was broken', () => {
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrapped('registry.example.com a', 9)).toEqual(['registry.', 'example.', 'com a']);
  });

  it('hold all of the text, and are no wider than they may be', () => {
    const word = fc.stringMatching(/^[a-c.:]{1,20}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 1, max: 30 }), (words, width) => {
        const lines = wrapped(words.join(' '), width);
        expect(lines.join('').replaceAll(' ', '')).toBe(words.join(''));
        expect(lines.filter((line) => line.length > width)).toEqual([]);
        if (words.length === 1) expect(lines.join('')).toBe(words[0]);
      }),
    );
  });
});
