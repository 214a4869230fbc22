import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainYaml } from '../../src/yaml/plain.ts';

function read(text: string, schema: 'core' | 'failsafe' = 'core'): unknown {
  return plainYaml(text, { schema, refuse: (state) => new Error(state) });
}

describe('plainYaml()', () => {
  it('gives back what JSON holds, whatever its keys are called', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        expect(read(text)).toEqual(JSON.parse(text));
      }),
    );
    expect(JSON.stringify(read('{"__proto__": {"a": 1}}'))).toBe('{"__proto__":{"a":1}}');
  });

  it('leaves every scalar as text with failsafe', () => {
    expect(read('a: 1.10\nb: [true, ~]\n', 'failsafe')).toEqual({ a: '1.10', b: ['true', '~'] });
  });

  it('is undefined for an empty text', () => {
    expect(read('# nothing\n')).toBeUndefined();
  });

  it.each([
    ['a: 1\nb: 2\na: 3\n', 'line 3: the key "a" stands here for the second time'],
    ['a: &x 1\nb: *x\n', 'line 2: aliases are not read'],
    ['a: &x [*x]\n', 'line 1: aliases are not read'],
    ['a: 1\n---\nb: 1\n', 'line 2: a second document begins here, and one is read'],
    ['? [a]\n: 1\n', 'line 1: a key is no plain text'],
    ['a:\n  - !!js/function x\n', 'line 2: Unresolved tag: tag:yaml.org,2002:js/function'],
    [`${'['.repeat(102)}${']'.repeat(102)}`, 'line 1: it is nested more than 100 levels deep'],
    ['['.repeat(100_000), 'line 1: its parts lie too deep in each other'],
  ])('refuses %j', (text, state) => {
    expect(() => read(text)).toThrow(new Error(state));
  });
});
