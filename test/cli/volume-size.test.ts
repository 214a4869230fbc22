import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { mediaSizes, readVolumeSize } from '../../src/cli/bundle/volume-size.ts';
import { isAirgapError } from '../../src/errors.ts';

describe('readVolumeSize()', () => {
  it.each([
    ['4GiB', 4 * 1024 ** 3],
    ['4.5 GB', 4_500_000_000],
    ['700M', 700 * 1024 ** 2],
    ['1kib', 1024],
    ['123456', 123_456],
    ['FAT32', 4 * 1024 ** 3 - 1],
  ])('reads %s', (text, bytes) => {
    expect(readVolumeSize('--volume-size', text)).toBe(bytes);
  });

  it.each(['', '0', '-1', '4 floppies', 'GiB', '1e9', '999999999999999TB', '4..5GB', 'toString', '__proto__'])(
    'refuses %j',
    (text) => {
      try {
        readVolumeSize('--volume-size', text);
        expect.unreachable();
      } catch (error) {
        expect(isAirgapError(error) && [error.code, error.message, error.hint]).toEqual([
          'ERR_USAGE',
          expect.stringContaining('--volume-size'),
          expect.stringContaining('fat32, dvd, bd25'),
        ]);
      }
    },
  );

  it('fits the media: whole sectors, and never more than they hold', () => {
    expect(mediaSizes.dvd).toBeLessThan(2_298_496 * 2048);
    expect(mediaSizes.bd25).toBeLessThan(12_219_392 * 2048);
  });

  it('is told on the page as it is', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/bundles.md', import.meta.url)), 'utf8');
    for (const [name, size] of Object.entries(mediaSizes)) {
      const shown = String(size).replaceAll(/\B(?=(\d{3})+$)/g, ' ');
      expect(page).toContain(`| \`${name}\` | ${shown} |`);
    }
  });
});
