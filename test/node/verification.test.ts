import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNodeConfig } from '../../src/node/read-config.ts';
import { hostsNeededBy, matchesGlob, verificationRuleFor } from '../../src/node/verification.ts';
import { parseReference } from '../../src/oci/reference.ts';

const config = readNodeConfig([
  {
    name: 'machine.yaml',
    text: `apiVersion: v1alpha1
kind: ImageVerificationConfig
rules:
  - image: ghcr.io/siderolabs/*
    keyless: {issuer: https://accounts.google.com, subjectRegex: '@siderolabs\\.com$'}
  - image: index.docker.io/library/*
    deny: true
  - image: docker.io/*
    skip: true
  - image: '*'
    publicKey: {certificate: '-----BEGIN PUBLIC KEY-----'}
---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: ghcr.io
endpoints:
  - url: mirror.without.scheme
  - url: https://m/v2/ghcr.io
    overridePath: true
  - url: http://n
skipFallback: true
`,
  },
]);

describe('verificationRuleFor()', () => {
  it.each([
    ['ghcr.io/siderolabs/kubelet:v1', 'keyless'],
    ['nginx', 'deny'],
    ['docker.io/coredns/coredns:1', 'skip'],
    ['quay.io/a/b:1', 'publicKey'],
  ])('%s: %s', (image, kind) => {
    expect(verificationRuleFor(config, parseReference(image))?.verifier.kind).toBe(kind);
  });

  it('is none without rules', () => {
    expect(verificationRuleFor(readNodeConfig([]), parseReference('nginx'))).toBeUndefined();
  });

  it('needs the internet for keyless rules only', () => {
    expect(config.verification.map(hostsNeededBy)).toEqual([['tuf-repo-cdn.sigstore.dev'], [], [], []]);
  });
});

describe('matchesGlob()', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'a/b', true],
    ['a/*', 'a/b/c', true],
    ['a/*', 'b/a/c', false],
    ['*/b', 'a/x/b', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*bb', 'ab', false],
    ['ab*ba', 'aba', false],
    ['a', 'A', false],
    ['a.c', 'abc', false],
  ])('%j on %j: %s', (pattern, name, expected) => {
    expect(matchesGlob(pattern, name)).toBe(expected);
  });

  it('says what a regular expression says', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*'), maxLength: 12 });
    fc.assert(
      fc.property(
        text,
        text.map((one) => one.replaceAll('*', '')),
        (pattern, name) => {
          const expected = new RegExp(`^${pattern.replaceAll(/\*+/g, '.*')}$`).test(name);
          expect(matchesGlob(pattern, name)).toBe(expected);
        },
      ),
    );
  });

  it('takes no time for many stars', () => {
    expect(matchesGlob('a*'.repeat(5000), `${'a'.repeat(20_000)}b`)).toBe(true);
    expect(matchesGlob(`${'a*'.repeat(5000)}c`, 'a'.repeat(20_000))).toBe(false);
  });
});
