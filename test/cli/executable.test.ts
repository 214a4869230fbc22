import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageFolder, packedText, programVersion, selfPath } from '../../src/cli/executable.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What holds in the single executable is shown by test/interop/package.test.ts. */
describe('under a Node.js of the machine', () => {
  it('the program is no executable and has nothing packed', () => {
    expect(selfPath()).toBeUndefined();
    expect(() => packedText('package.json')).toThrow();
  });

  it('finds its package and version', () => {
    expect(join(packageFolder(), '/')).toBe(join(root, '/'));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(programVersion()).toBe(version);
  });
});
