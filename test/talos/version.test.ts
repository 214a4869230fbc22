import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError } from '../../src/errors.ts';
import {
  compareTalosVersions,
  isSince,
  isSinceMinor,
  nearestTalosVersions,
  parseTalosVersion,
  printTalosVersion,
  readVersion,
} from '../../src/talos/version.ts';

const v = parseTalosVersion;

describe('parseTalosVersion()', () => {
  it('reads a version with and without v', () => {
    expect(v('v1.14.4')).toEqual({ major: 1, minor: 14, patch: 4, prerelease: '' });
    expect(v('1.14.4')).toEqual(v('v1.14.4'));
    expect(v(' v1.14.4\n')).toEqual(v('v1.14.4'));
  });

  it('reads a pre-release', () => {
    expect(v('v1.14.0-rc.1')).toEqual({ major: 1, minor: 14, patch: 0, prerelease: 'rc.1' });
  });

  it.each([
    '',
    'v',
    '1.14',
    'v1.14.x',
    '1.14.4.1',
    'v01.2.3',
    '1.2.3-',
    '1.2.3-a..b',
    '1.2.3-01',
    '1.2.3+build',
    'latest',
    'V1.2.3',
    '1.2.-3',
  ])('refuses %j with a usage error and an example', (text) => {
    expect(() => v(text)).toThrow(AirgapError);
    try {
      v(text);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_USAGE' });
      expect((error as AirgapError).hint).toContain('v1.14.4');
      expect((error as AirgapError).message).not.toContain('\n');
    }
  });

  it('reads back what printTalosVersion() printed', () => {
    const part = fc.nat(999_999);
    const identifier = fc.oneof(fc.nat(99).map(String), fc.stringMatching(/^[a-z-][0-9A-Za-z-]{0,5}$/));
    const version = fc.record({
      major: part,
      minor: part,
      patch: part,
      prerelease: fc.array(identifier, { maxLength: 3 }).map((parts) => parts.join('.')),
    });
    fc.assert(
      fc.property(version, (value) => {
        expect(v(printTalosVersion(value))).toEqual(value);
      }),
    );
  });

  it('never throws anything but AirgapError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(
          readVersion(text) === undefined || printTalosVersion(v(text)).endsWith(text.trim().replace(/^v/, '')),
        ).toBe(true);
      }),
    );
  });
});

describe('compareTalosVersions()', () => {
  it('orders as Semantic Versioning does', () => {
    const sorted = [
      '1.2.9',
      '1.10.0-alpha',
      '1.10.0-alpha.1',
      '1.10.0-alpha.2',
      '1.10.0-alpha.10',
      '1.10.0-alpha.b',
      '1.10.0-beta',
      '1.10.0-rc.1',
      '1.10.0',
      '1.10.1',
      '2.0.0',
    ];
    const shuffled = [...sorted].reverse().map(v);
    expect(shuffled.sort(compareTalosVersions).map((version) => printTalosVersion(version).slice(1))).toEqual(sorted);
  });

  it('is 0 for the same version only', () => {
    expect(compareTalosVersions(v('v1.2.3-rc.1'), v('1.2.3-rc.1'))).toBe(0);
    expect(compareTalosVersions(v('1.2.3'), v('1.2.3-rc.1'))).toBeGreaterThan(0);
  });
});

describe('isSince() and isSinceMinor()', () => {
  it('treat the pre-releases of the bound differently', () => {
    expect(isSince(v('1.12.0-rc.0'), '1.12.0')).toBe(false);
    expect(isSince(v('1.12.0'), '1.12.0')).toBe(true);
    expect(isSinceMinor(v('1.12.0-alpha.0'), 12)).toBe(true);
    expect(isSinceMinor(v('1.11.9'), 12)).toBe(false);
    expect(isSinceMinor(v('2.0.0'), 12)).toBe(true);
    expect(isSinceMinor(v('0.14.0'), 1)).toBe(false);
  });
});

describe('nearestTalosVersions()', () => {
  const known = ['1.13.9', '1.2.0', '1.14.4', '1.14.0-rc.1'].map(v);
  const nearest = (text: string): string[] => nearestTalosVersions(v(text), known).map(printTalosVersion);

  it('names the one before and the one after', () => {
    expect(nearest('1.14.2')).toEqual(['v1.14.0-rc.1', 'v1.14.4']);
    expect(nearest('1.13.10')).toEqual(['v1.13.9', 'v1.14.0-rc.1']);
  });

  it('names one at either end, and itself where it is known', () => {
    expect(nearest('3.0.0')).toEqual(['v1.14.4']);
    expect(nearest('0.3.0')).toEqual(['v1.2.0']);
    expect(nearest('1.13.9')).toEqual(['v1.13.9']);
    expect(nearestTalosVersions(v('1.0.0'), [])).toEqual([]);
  });
});
