import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { counted, numberText, shortDigest, shortened, sizeText } from '../../../src/serve/page/wording.ts';

describe('wording', () => {
  it('prints sizes in decimal units without a break inside', () => {
    const sizes = [0, 999, 1000, 999_949, 999_950, 24_512_000, 5e15].map((bytes) => sizeText(bytes));
    expect(sizes.map((text) => text.replace('\u00a0', ' '))).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '999.9 kB',
      '1.0 MB',
      '24.5 MB',
      '5.0 PB',
    ]);
    expect(sizes.every((text) => text.includes('\u00a0'))).toBe(true);
  });

  it('counts, groups long numbers, shortens digests and long texts', () => {
    expect([counted(1, 'image'), counted(0, 'image'), counted(2, 'name is', 'names are')]).toEqual([
      '1 image',
      '0 images',
      '2 names are',
    ]);
    expect([numberText(5000), numberText(50_000), numberText(1_234_567)]).toEqual([
      '5000',
      '50\u202f000',
      '1\u202f234\u202f567',
    ]);
    expect(shortDigest(digestOf(Buffer.from('')))).toBe('e3b0c44298fc');
    expect([shortened('abc', 3), shortened('abcd', 3)]).toEqual(['abc', 'abc…']);
  });
});
