import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteToml } from '../../src/emit/toml.ts';

/** A string as TOML 1.0 reads it; throws for what it does not take. */
function readToml(quoted: string): string {
  const literal = /^'([^']*)'$/.exec(quoted)?.[1];
  if (literal !== undefined) {
    if (controls(literal)) throw new Error('a control character in a literal string');
    return literal;
  }
  const [, body = undefined] = /^"((?:[^"\\]|\\.)*)"$/su.exec(quoted) ?? [];
  if (body === undefined || controls(body)) throw new Error(`no string: ${quoted}`);
  return body.replace(/\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs, (_, sequence: string) => {
    if (sequence.length > 1) return String.fromCodePoint(Number.parseInt(sequence.slice(1), 16));
    const known = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', '"': '"', '\\': '\\' }[sequence];
    if (known === undefined) throw new Error(`no sequence: \\${sequence}`);
    return known;
  });
}

/** Control characters other than tab. */
function controls(text: string): boolean {
  return [...text].some((character) => character !== '\t' && (character < ' ' || character === '\u007f'));
}

describe('quoteToml()', () => {
  it('writes every string so that TOML reads the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(readToml(quoteToml(text))).toBe(text);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(readToml(quoteToml(text))).toBe(text.replace(/\p{Surrogate}/gu, '\ufffd'));
      }),
    );
  });

  it.each([
    ['http://a:5000', "'http://a:5000'"],
    ["it's", '"it\'s"'],
    ['a\\b', "'a\\b'"],
    ['a\nb\u007f', '"a\\nb\\u007f"'],
    ['\ud800', "'\ufffd'"],
    ['', "''"],
  ])('writes %j as %s', (text, quoted) => {
    expect(quoteToml(text)).toBe(quoted);
  });
});
