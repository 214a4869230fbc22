/** What docs/firewall-languages.md shows is what is printed. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { type WorkFolder, workFolder } from '../airgap.ts';

const page = readFileSync(new URL('../../../docs/firewall-languages.md', import.meta.url), 'utf8');
const shown = [...page.matchAll(/```text\n\$ airgap (.*)\n([^`]*)```/g)].map(([, command = '', text = '']) => ({
  command,
  text,
}));

let folder: WorkFolder;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => folder.remove());

describe('the page of firewall languages', () => {
  it.each(shown)('shows what "airgap $command" prints', async ({ command, text }) => {
    const { status, stdout } = await folder.airgap(command.split(' '));
    expect({ status, stdout }).toEqual({ status: 0, stdout: text });
  });

  it('shows some, and has a row for every language', () => {
    expect(shown.length).toBeGreaterThanOrEqual(3);
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    for (const { name, knowsStateless } of firewallLanguages) {
      const row = rows.find((line) => line.split('|')[1]?.includes(`\`${name}\``));
      expect(row, name).toBeDefined();
      if (name !== 'no-proxy') expect(row?.includes('`--stateless`'), name).toBe(knowsStateless);
    }
  });
});
