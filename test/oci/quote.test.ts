import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteText } from '../../src/oci/quote.ts';

describe('quoteText()', () => {
  it('escapes what could deceive a terminal, and cuts', () => {
    expect(quoteText('a"b\u001b[31m\u202e\u007f\n')).toBe('"a\\"b\\u001b[31m\\u202e\\u007f\\n"');
    expect(quoteText('abcdef', 3)).toBe('"abc..."');
  });

  it('gives printable ASCII that JSON reads back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        const quoted = quoteText(text, 1000);
        expect(quoted).toMatch(/^[\x20-\x7e]*$/);
        expect(JSON.parse(quoted)).toBe(text);
      }),
    );
  });
});
