import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAlias, isMap, isScalar, isSeq, type Node, parse, stringify } from 'yaml';
import { aliasTargets, parseYaml } from '../../src/yaml/parse.ts';

function contents(text: string): Node | null {
  return parseYaml(text, 'core').documents[0]?.contents ?? null;
}

describe('parseYaml()', () => {
  it('gives the documents and their parts with their lines', () => {
    const parsed = parseYaml('a: 1\n---\n# none\nb:\n  - 2\n', 'core');
    expect(parsed.problems).toEqual([]);
    expect(parsed.documents.map(({ line }) => line)).toEqual([1, 2]);
    const second = parsed.documents[1]?.contents;
    expect(isMap(second) && second.items.map(({ key, value }) => [parsed.lineOf(key), parsed.lineOf(value)])).toEqual([
      [4, 5],
    ]);
    expect(parsed.lineOf(undefined)).toBeUndefined();
  });

  it('tells every problem in one line, with the line it is in', () => {
    const { problems } = parseYaml('a: 1\nb: ]\nc: @x\n', 'core');
    expect([...new Set(problems.map(({ line }) => line))]).toEqual([2, 3]);
    for (const { state } of problems) expect(state).not.toMatch(/\n| at line /);
  });

  it.each(['['.repeat(100_000), 'a: {'.repeat(50_000), '- '.repeat(50_000)])('tells what lies too deep', (text) => {
    expect(parseYaml(text, 'core').problems).toEqual([{ line: 1, state: 'its parts lie too deep in each other' }]);
  });

  it('takes time linear in the number of keys, and keeps those that stand twice', () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1\n`).join('');
    const before = performance.now();
    const root = contents(`${keys}k0: 2\n`);
    expect(isMap(root) && root.items.length).toBe(100_001);
    // With the parser's own check: minutes.
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('never throws, whatever the text', () => {
    const pieces = fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a ',
      '*a',
      '!x ',
      '"',
      '|',
      '---\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        const parsed = parseYaml(parts.join(''), 'failsafe');
        for (const { line } of parsed.problems) expect(line).toBeGreaterThan(0);
      }),
    );
  });
});

describe('aliasTargets()', () => {
  it('names the last part before an alias with its anchor, as the parser would', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.boolean()), { maxLength: 30 }), (given) => {
        const lines = given.map(([name, isAnchor], at) => `- ${isAnchor ? `&${name} v${at}` : `*${name}`}\n`);
        const text = `- &a x\n- &b y\n${lines.join('')}`;
        const parsed = parseYaml(text, 'core');
        const targets = aliasTargets(parsed.documents[0]?.contents ?? null);
        const root = parsed.documents[0]?.contents;
        const items = isSeq<Node>(root) ? root.items : [];
        const parts = items.map((item) => (isAlias(item) ? targets.get(item) : item));
        const read = parts.map((part) => (isScalar(part) ? part.value : undefined));
        expect(read).toEqual(parse(text));
      }),
    );
  });

  it('names none for an alias inside the part it stands for', () => {
    const root = contents('a: &x\n  b: [*x]\nc: *x\n');
    const targets = aliasTargets(root);
    expect([...targets.keys()].map(({ source }) => source)).toEqual(['x']);
    expect(stringify([...targets.values()][0])).toContain('b');
  });

  it('takes one walk for any number of them', () => {
    const root = contents(`[&a x, ${Array.from({ length: 50_000 }, () => '*a').join(', ')}]`);
    const before = performance.now();
    expect(aliasTargets(root).size).toBe(50_000);
    expect(performance.now() - before).toBeLessThan(5000);
  });
});
