import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostAndPort, isNameable } from '../../src/http/hosts.ts';
import { isHostAndPort } from '../../src/lock/contacts.ts';

describe('isNameable()', () => {
  it.each([
    'a.test',
    '10.0.0.1',
    '[fd00::1]',
    'my_bucket.s3.test:8443',
    'xn--bcher-kva.test',
    'A.test.',
    'bücher.test',
  ])('takes %s', (host) => {
    expect(isNameable(new URL(`https://${host}/`))).toBe(true);
  });

  it('takes nothing that no lock could hold', () => {
    const char = fc.constantFrom(...'ab01-_.!$&\'()*+,;=~"`{}'.split(''));
    const host = fc
      .string({ unit: char, minLength: 1, maxLength: 12 })
      .filter((text) => URL.canParse(`https://${text}/`));
    fc.assert(
      fc.property(host, fc.nat(70_000), (name, port) => {
        const text = `https://${name}:${port}/`;
        if (!URL.canParse(text)) return;
        const url = new URL(text);
        expect(isNameable(url)).toBe(isHostAndPort(hostAndPort(url)));
      }),
      { numRuns: 2000 },
    );
  });
});
