import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { printSpecTables } from '../../src/spec/page.ts';
import { parseSpec } from '../../src/spec/parse.ts';
import { specGroups } from '../../src/spec/spec.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/airgap-yaml.md', import.meta.url)), 'utf8');

describe('printSpecTables()', () => {
  it('is what docs/airgap-yaml.md has (node scripts/write-schema.mjs writes it)', () => {
    expect(page).toContain(`<!-- keys -->\n\n${printSpecTables()}\n<!-- /keys -->`);
  });

  it('has a row for every key', () => {
    const rows = [...printSpecTables().matchAll(/^\| `(\w+)` \| [^|]+ \| [^|]+ \| (?:`--[a-z-]+`|an input) \|$/gm)];
    expect(rows.map(([, name]) => name)).toEqual(specGroups.flatMap(({ keys }) => keys.map(({ name }) => name)));
  });

  it('every YAML on the page is read', () => {
    const blocks = [...page.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text ?? '');
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) expect(parseSpec('page', block).entries.length).toBeGreaterThan(5);
  });
});
