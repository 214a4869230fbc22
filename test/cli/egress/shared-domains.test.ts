import { afterAll, describe, expect, it } from 'vitest';
import { firewallLanguages } from '../../../src/egress/firewall/languages.ts';
import { workFolder } from '../airgap.ts';

/** Those that take no wildcard at all, or no names, name it as left out. */
const namesIt = /\*\.r2\.cloudflarestorage\.com/;

const folder = workFolder();
afterAll(() => folder.remove());

describe('airgap egress --format', () => {
  it.each(firewallLanguages.map(({ name }) => name).filter((name) => !['network-policy', 'no-proxy'].includes(name)))(
    '%s warns of a wildcard that lets data out',
    async (name) => {
      const { status, stderr } = await folder.airgap([
        'egress',
        '--components',
        'factory',
        '--role',
        'staging',
        '--format',
        name,
        '--output-dir',
        'out',
      ]);
      expect(status).toBe(0);
      const lines = stderr.split('\n').filter((line) => line.startsWith('warning: ') && namesIt.test(line));
      expect(lines.join('\n')).toMatch(/data can be sent to any of them|is left out/);
    },
  );

  it('names several formats in one word', async () => {
    const { status, stderr } = await folder.airgap([
      'egress',
      '--components',
      'factory',
      '--role',
      'staging',
      '--format',
      'csv,markdown',
      '--output-dir',
      'out',
    ]);
    expect(status).toBe(0);
    expect(stderr).toMatch(/egress\.csv[\s\S]*egress\.md/);
  });
});
