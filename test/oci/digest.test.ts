import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { algorithmOf, digestFrom, digestOf, hasherFor, hexOf, isDigest, parseDigest } from '../../src/oci/digest.ts';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digestOf()', () => {
  it('hashes with sha256 by default and with sha512 on request', () => {
    expect(digestOf(new Uint8Array())).toBe(empty);
    expect(digestOf(new Uint8Array(), 'sha512')).toBe(`sha512:${createHash('sha512').digest('hex')}`);
  });

  it('gives what parseDigest() takes and hasherFor() finds again', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.constantFrom('sha256' as const, 'sha512' as const), (bytes, algorithm) => {
        const digest = digestOf(bytes, algorithm);
        expect(parseDigest(digest)).toBe(digest);
        expect(algorithmOf(digest)).toBe(algorithm);
        expect(`${algorithm}:${hexOf(digest)}`).toBe(digest);
        expect(digestFrom(hasherFor(digest).update(bytes), algorithm)).toBe(digest);
      }),
    );
  });
});

describe('parseDigest()', () => {
  it.each([
    '',
    'sha256:',
    empty.toUpperCase(),
    empty.slice(0, -1),
    `${empty}0`,
    `${empty}\n`,
    ` ${empty}`,
    `sha512:${hexOf(parseDigest(empty))}`,
    'md5:d41d8cd98f00b204e9800998ecf8427e',
    'sha256:../../etc',
  ])('refuses %j', (text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(/^Cannot read digest ".*": not sha256 or sha512/);
  });
});
