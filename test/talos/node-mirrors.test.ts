import { describe, expect, it } from 'vitest';
import { endpointBase } from '../../src/talos/node-mirrors.ts';

describe('endpointBase()', () => {
  it.each([
    ['http://m', false, 'http://m/v2'],
    ['http://m:80/', false, 'http://m:80/v2'],
    ['https://m/v2/', false, 'https://m/v2'],
    ['https://m/a//b/../c', false, 'https://m/a/c/v2'],
    ['https://m/v2/ghcr.io/', true, 'https://m/v2/ghcr.io'],
    ['https://m', true, 'https://m'],
  ])('%s, override %s: %s', (url, overridePath, base) => {
    expect(endpointBase({ url, overridePath })).toBe(base);
  });
});
