import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printCommand, quoteShell } from '../../src/oci/shell.ts';

describe('printCommand()', () => {
  it('gives a shell the words as they are, whatever is in them', () => {
    const word = fc.string({ unit: fc.constantFrom(...'aZ0 $`\'"\\\n;&|<>()*?[]{}~#!=-%é') });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${printCommand(words)}`], { encoding: 'utf8' });
        expect(printed.split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves words alone that need no quotes', () => {
    expect(quoteShell('oci:./mirror/a_b@1,2%+=')).toBe('oci:./mirror/a_b@1,2%+=');
    expect(quoteShell('')).toBe("''");
  });
});
