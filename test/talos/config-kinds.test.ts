import { describe, expect, it } from 'vitest';
import { configKinds, formFor, hasWorkingKeyRules, knowsDocument, settingForms } from '../../src/talos/config-kinds.ts';
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

describe('formFor() and settingForms()', () => {
  const v = parseTalosVersion;

  it('choose documents from 1.12.0 on unless the old form is asked for', () => {
    expect(formFor(v('1.12.0-rc.0'))).toBe('v1alpha1');
    expect(formFor(v('1.12.0'))).toBe('documents');
    expect(formFor(v('1.14.4'), 'v1alpha1')).toBe('v1alpha1');
    expect(configKinds(v('1.14.4'), 'v1alpha1')).toMatchObject({ mirrors: 'v1alpha1', overridePath: 'per-registry' });
    expect(() => formFor(v('1.11.6'), 'documents')).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', hint: expect.stringContaining('v1.12.0') }),
    );
  });

  it.each([
    ['1.0.0', 'v1alpha1', 'v1alpha1', undefined, undefined, undefined],
    ['1.8.0', 'v1alpha1', 'v1alpha1', undefined, 'documents', undefined],
    ['1.9.0', 'v1alpha1', 'v1alpha1', 'v1alpha1', 'documents', undefined],
    ['1.12.0', 'documents', 'v1alpha1', 'v1alpha1', 'documents', undefined],
    ['1.13.0', 'documents', 'v1alpha1', 'v1alpha1', 'documents', 'documents'],
    ['1.14.0', 'documents', 'documents', 'documents', 'documents', 'documents'],
  ])('of %s: time %s, discovery %s, image cache %s, roots %s, signatures %s', (text, ...expected) => {
    const forms = settingForms(v(text));
    const { time, discovery, imageCache, trustedRoots, verification } = forms;
    expect([time, discovery, imageCache, trustedRoots, verification]).toEqual(expected);
    expect([forms.nameservers, forms.hosts]).toEqual([time, time]);
    expect([forms.install, forms.pauseImage]).toEqual([discovery, discovery]);
  });
});

describe('hasWorkingKeyRules()', () => {
  it.each([
    ['1.13.7', false],
    ['1.13.8', true],
    ['1.14.0-rc.1', false],
    ['1.14.0', true],
  ])('of %s: %s', (text, expected) => {
    expect(hasWorkingKeyRules(parseTalosVersion(text))).toBe(expected);
  });
});
