import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalHost, defaultHost, isCanonicalHost } from '../../src/oci/host.ts';
import { registryHost } from './arbitraries.ts';

describe('canonicalHost()', () => {
  it.each([
    ['GHCR.io', 'ghcr.io'],
    ['a:08080', 'a:8080'],
    ['[2001:DB8::0:1]:443', '[2001:db8::1]:443'],
    ['10.0.0.1', '10.0.0.1'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ])('writes %s as %s', (text, host) => {
    expect(canonicalHost(text)).toBe(host);
    expect(isCanonicalHost(host)).toBe(true);
  });

  it.each([
    '',
    ':80',
    'a:',
    'a:x',
    'a..b',
    'a.',
    '.a',
    '-a',
    'a-',
    'a_b',
    '1.2',
    '0x7f.1',
    '01.2.3.4',
    '[1]',
    '[::1',
    '::1',
    'a/b',
    'ü.de',
    `${'a'.repeat(64)}.io`,
  ])('refuses %s', (text) => {
    expect(canonicalHost(text)).toHaveProperty('refused');
    expect(isCanonicalHost(text)).toBe(false);
  });

  it('leaves hosts of references as they are, and a URL takes them', () => {
    fc.assert(
      fc.property(registryHost, (host) => {
        expect(canonicalHost(host)).toBe(host);
        const name = host.replace(/:[0-9]+$/, '');
        expect(new URL(`http://${host}/`).hostname).toBe(
          host.startsWith('[') ? host.slice(0, host.indexOf(']') + 1) : name,
        );
      }),
    );
  });
});

describe('defaultHost()', () => {
  it("is the registry itself, but for Docker Hub's", () => {
    expect(['docker.io', 'ghcr.io', 'a:5000'].map(defaultHost)).toEqual(['registry-1.docker.io', 'ghcr.io', 'a:5000']);
  });
});
