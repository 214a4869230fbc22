import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/node/diagnose.ts';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

const fixtures = new URL('../../fixtures/emitted', import.meta.url).pathname;
const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

describe('what airgap emits', () => {
  it('is there for many releases', () => {
    expect(new Set(files.map((file) => file.split('-')[0])).size).toBeGreaterThanOrEqual(8);
  });

  it.each(files)('%s has no known mistake', (file) => {
    const version = parseTalosVersion(file.split('-')[0] ?? '');
    const config = readNodeConfig([{ name: file, text: readFileSync(join(fixtures, file), 'utf8') }], { version });
    // The keyless rules in there were asked for.
    expect(diagnose(config, { version }).filter(({ code }) => code !== 'keyless-needs-internet')).toEqual([]);
  });
});
