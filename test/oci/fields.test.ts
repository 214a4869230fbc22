import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import { type Field, maxJsonDepth, readJson } from '../../src/oci/fields.ts';

const read = (text: string): Field =>
  readJson(new TextEncoder().encode(text), (field, state) => new AirgapError('ERR_PROTOCOL', `${field}: ${state}`));

describe('readJson()', () => {
  it('counts nesting outside strings, and allows exactly its limit', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(read(nested(maxJsonDepth)).list(1)).toHaveLength(1);
    expect(() => read(nested(maxJsonDepth + 1))).toThrow('nested more than 64 levels');
    expect(
      read(`{"a":"\\\\\\"${'{'.repeat(100)}"}`)
        .at('a')
        .text(),
    ).toHaveLength(102);
  });
});

describe('Field', () => {
  it('names the place of what is wrong', () => {
    const document = read('{"a":[{"b":1.5}],"n":null}');
    const [entry] = document.at('a').list(1);
    expect(() => entry?.at('b').count()).toThrow('a[0].b: is not a whole number');
    expect(() => entry?.at('b').text()).toThrow('a[0].b: is not text');
    expect(() => entry?.at('c').text()).toThrow('a[0].c: is missing');
    expect(() => document.at('a').at('b')).toThrow('a: is not an object');
    expect(() => document.at('a').list(0)).toThrow('a: has 1 entries, at most 0');
    expect(() => document.onlyKnows(['a'])).toThrow('n: is not known');
    expect(document.at('n').optional((field) => field.text())).toBeUndefined();
  });

  it('sees only what the document itself has', () => {
    const document = read('{"__proto__":{"x":"y"}}');
    expect(document.has('constructor')).toBe(false);
    expect(document.at('toString').absent).toBe(true);
    expect(document.at('x').absent).toBe(true);
    expect(document.keys()).toEqual(['__proto__']);
  });
});
