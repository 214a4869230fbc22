import { describe, expect, it } from 'vitest';
import { linesOf, textWidth } from '../../../src/egress/print/text-size.ts';

describe('the width of a text', () => {
  const font = { size: 10, mono: false };
  const mono = { size: 10, mono: true };

  it('grows with the font, with bold in proportional ones, and with wide characters', () => {
    expect(textWidth('abc', { ...font, size: 20 })).toBeCloseTo(2 * textWidth('abc', font));
    expect(textWidth('abc', { ...font, bold: true })).toBeGreaterThan(textWidth('abc', font));
    expect(textWidth('abc', { ...mono, bold: true })).toBe(textWidth('abc', mono));
    expect(textWidth('il', font)).toBeLessThan(textWidth('MW', font));
    for (const one of [font, mono]) expect(textWidth('漢', one)).toBeCloseTo(11);
  });

  it('is that of the room at most, line for line, however long a word is', () => {
    const text = `one two ${'registry.example.'.repeat(5)}com three`;
    const lines = linesOf(text, { font, width: 60 });
    expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
    expect(lines.filter((line) => textWidth(line, font) > 60)).toEqual([]);
  });
});
