import { describe, expect, it } from 'vitest';
import {
  isUnknownPlatform,
  parsePlatform,
  platformInConfig,
  platformMatches,
  printPlatform,
} from '../../src/oci/platform.ts';

describe('parsePlatform()', () => {
  it.each(['linux/amd64', 'linux/arm/v7', 'windows/amd64'])('reads %s, and printPlatform() prints it', (text) => {
    expect(printPlatform(parsePlatform(text))).toBe(text);
  });

  it('takes upper case and blanks at the ends', () => {
    expect(parsePlatform(' Linux/AMD64 ')).toEqual({ os: 'linux', architecture: 'amd64' });
  });

  it.each(['', 'linux', 'linux/', '/amd64', 'linux/arm/v7/x', 'linux/a b', 'linux//v7'])('refuses %j', (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  });
});

describe('platformMatches()', () => {
  it.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['linux/arm', 'linux/arm/v7', true],
    ['linux/arm/v7', 'linux/arm/v6', false],
    ['linux/arm/v7', 'linux/arm', false],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64/v8', 'linux/arm64', true],
    ['linux/arm64/v9', 'linux/arm64', false],
  ])('wanted %s, offered %s: %s', (wanted, offered, result) => {
    expect(platformMatches(parsePlatform(wanted), parsePlatform(offered))).toBe(result);
  });
});

describe('isUnknownPlatform()', () => {
  it('tells the platform that attestations carry', () => {
    expect(isUnknownPlatform({ os: 'unknown', architecture: 'unknown' })).toBe(true);
    expect(isUnknownPlatform({ os: 'linux', architecture: 'amd64' })).toBe(false);
  });
});

describe('platformInConfig()', () => {
  it('reads what an image runs on', () => {
    const named = { os: 'linux', architecture: 'arm', variant: 'v7' };
    expect(platformInConfig({ ...named, created: 'now' })).toEqual(named);
    expect(platformInConfig({ ...named, variant: '' })).toEqual({ os: 'linux', architecture: 'arm' });
  });

  it.each([
    undefined,
    null,
    'linux',
    [],
    { os: 'linux' },
    { os: '', architecture: 'arm' },
    { os: 'linux', architecture: 1 },
  ])('finds none in %j', (config) => {
    expect(platformInConfig(config)).toBeUndefined();
  });
});
