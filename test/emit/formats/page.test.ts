import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatNames } from '../../../src/emit/formats/formats.ts';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/other-formats.md', root), 'utf8');

describe('docs/other-formats.md', () => {
  const shown = [...page.matchAll(/^<!-- (fixtures\/\S+) -->\n```[a-z]+\n(.*?)^```$/gms)].map(
    ([, path = '', text = '']) => [path, text] as const,
  );

  it('shows a file of every format whose files have a form of their own', () => {
    const formats = new Set(shown.map(([path]) => path.split('/')[3]));
    expect([...formats].sort()).toEqual(formatNames.filter((name) => name !== 'rke2'));
    for (const name of formatNames) expect(page).toContain(`\`${name}\``);
  });

  it.each(shown)('shows %s as it is written', (path, text) => {
    expect(text).toBe(readFileSync(new URL(path, root), 'utf8'));
  });
});
