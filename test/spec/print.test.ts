import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/spec/parse.ts';
import { printSpec } from '../../src/spec/print.ts';

describe('printSpec()', () => {
  it('prints what reads back as just the answers, whatever they look like', () => {
    const text = fc
      .oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom('true', '5', '~', 'a: b', '# x', '[a]', "it's", 'a,b', '-', 'null', '1e3', '*'),
      )
      .filter((one) => one.trim() !== '' && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(one));
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1, maxLength: 3 }), fc.boolean(), (one, several, on) => {
        const answers = new Map<string, string | boolean | readonly string[]>([
          ['target.to', one],
          ['images.lists', several],
          ['nodes.imageCache', on],
        ]);
        const { entries } = parseSpec('x', printSpec(answers, { schema: './s.json' }));
        expect(
          entries.map(({ key, on: isOn, values }) => [key.name, isOn ?? values.map((value) => value.text)]),
        ).toEqual([
          ['lists', several],
          ['to', [one]],
          ['imageCache', on],
        ]);
      }),
    );
  });
});
