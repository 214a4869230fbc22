import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  counted,
  printable,
  printableAscii,
  shortened,
  sizeText,
  tableLines,
  timeText,
} from '../../../src/cli/report/text.ts';

describe('printable()', () => {
  it('shows control characters, line breaks and bidirectional marks as escapes', () => {
    expect(printable('a\u001b[31mb\nc\u009bd\u202ee\u0000')).toBe('a\\x1b[31mb\\x0ac\\x9bd\\u202ee\\x00');
  });

  it('never lets a control or bidirectional character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
      }),
    );
  });

  it('leaves ordinary text of any language alone', () => {
    expect(printable('Größe 大きさ "x" ✓')).toBe('Größe 大きさ "x" ✓');
  });
});

describe('printableAscii()', () => {
  it('gives only characters that are one column wide', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => void expect(printableAscii(text)).toMatch(/^[\x20-\x7e]*$/)),
    );
  });
});

describe('sizeText()', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [12_345, '12.3 kB'],
    [999_949, '999.9 kB'],
    [999_951, '1.0 MB'],
    [1_213_000_000, '1.2 GB'],
    [-2_500_000, '-2.5 MB'],
  ])('prints %d as %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));
});

describe('timeText()', () => {
  it.each([
    [0, '0.0 s'],
    [420, '0.4 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 m 00 s'],
    [185_000, '3 m 05 s'],
    [7_620_000, '2 h 07 m'],
  ])('prints %d ms as %s', (ms, text) => expect(timeText(ms)).toBe(text));
});

describe('tableLines()', () => {
  it('aligns columns and leaves no blank at the end of a line', () => {
    const lines = tableLines(
      [
        ['a', '1', 'x'],
        ['bbb', '22', ''],
      ],
      { right: [1], indent: ' ' },
    );
    expect(lines).toEqual([' a     1  x', ' bbb  22']);
  });
});

describe('shortened()', () => {
  it('keeps both ends and is never wider than asked', () => {
    expect(shortened('ghcr.io/siderolabs/kubelet:v1.37.1', 20)).toBe('ghcr.i..elet:v1.37.1');
    fc.assert(
      fc.property(
        fc.string(),
        fc.nat(100),
        (text, width) => void expect(shortened(text, width).length).toBeLessThanOrEqual(Math.max(width, 0)),
      ),
    );
  });
});

describe('counted()', () => {
  it('knows one from many', () => expect([counted(1, 'image'), counted(0, 'image')]).toEqual(['1 image', '0 images']));
});
