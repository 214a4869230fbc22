/** Golden files: what a language makes of the shared list, file by file. `npx vitest run --project unit test/egress -u` writes them anew. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { FirewallText } from '../../../src/egress/firewall/language.ts';

const folder = fileURLToPath(new URL('../../../fixtures/egress/golden/', import.meta.url));

/** Compares every file with `fixtures/egress/golden/NAME/`, and warnings and use with `said.txt` there: no more and no fewer. */
export async function expectGolden({ files, warnings, use }: FirewallText, name: string): Promise<void> {
  for (const { path, text } of files) await expect(text).toMatchFileSnapshot(join(folder, name, path));
  const said = [...warnings.map((line) => `warning: ${line}`), ...use.map((line) => `use: ${line}`), ''];
  await expect(said.join('\n')).toMatchFileSnapshot(join(folder, name, 'said.txt'));
  const kept = existsSync(join(folder, name)) ? readdirSync(join(folder, name)) : [];
  expect(
    kept.filter((file) => file !== 'said.txt' && files.every(({ path }) => path !== file)),
    'golden files that nothing writes',
  ).toEqual([]);
}
