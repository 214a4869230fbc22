import { describe, expect, it } from 'vitest';
import { configKinds, knowsDocument } from '../../src/talos/config-kinds.ts';
import { parseTalosVersion } from '../../src/talos/version.ts';

describe('configKinds()', () => {
  it.each([
    ['1.1.2', 'v1alpha1', 'none', false, false, false],
    ['1.2.0', 'v1alpha1', 'none', false, false, true],
    ['1.3.7', 'v1alpha1', 'none', false, false, true],
    ['1.4.0', 'v1alpha1', 'per-registry', false, true, true],
    ['1.8.4', 'v1alpha1', 'per-registry', false, true, true],
    ['1.9.0-beta.1', 'v1alpha1', 'per-registry', false, true, true],
    ['1.9.0', 'v1alpha1', 'per-registry', true, true, true],
    ['1.11.6', 'v1alpha1', 'per-registry', true, true, true],
    ['1.12.0-rc.0', 'v1alpha1', 'per-registry', true, true, true],
    ['1.12.0', 'documents', 'per-endpoint', true, true, true],
    ['1.14.4', 'documents', 'per-endpoint', true, true, true],
  ])(
    'of %s: %s, overridePath %s, skipFallback %s, wildcard %s, merge patches %s',
    (text, mirrors, overridePath, skipFallback, wildcard, mergePatch) => {
      expect(configKinds(parseTalosVersion(text))).toEqual({
        mirrors,
        overridePath,
        skipFallback,
        wildcard,
        mergePatch,
      });
    },
  );
});

describe('knowsDocument()', () => {
  it('answers by release', () => {
    expect(knowsDocument(parseTalosVersion('1.7.7'), 'TrustedRootsConfig')).toBe(false);
    expect(knowsDocument(parseTalosVersion('1.8.0'), 'TrustedRootsConfig')).toBe(true);
    expect(knowsDocument(parseTalosVersion('1.13.9'), 'ImageCacheConfig')).toBe(false);
    expect(knowsDocument(parseTalosVersion('1.14.0-rc.1'), 'ImageCacheConfig')).toBe(true);
  });
});
