import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAirgapError } from '../../src/errors.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { hasArrow, parseAsked, parseRetag, printAsked, printRetag, type Retag } from '../../src/oci/retag.ts';
import { digest, reference, repositoryName, tag } from './arbitraries.ts';

describe('parseAsked()', () => {
  it.each([
    ['nginx => web/front:1.29', 'docker.io/library/nginx:latest => web/front:1.29'],
    ['nginx:1.29 => web/front', 'docker.io/library/nginx:1.29 => web/front:1.29'],
    ['nginx:1.29=>web/front:a', 'docker.io/library/nginx:1.29 => web/front:a'],
    ['nginx:1.29  →  web', 'docker.io/library/nginx:1.29 => web:1.29'],
    ['ghcr.io/a/b:1', 'ghcr.io/a/b:1'],
  ])('reads %s', (text, full) => {
    expect(printAsked(parseAsked(text))).toBe(full);
  });

  it('keeps an image by digest alone without a tag', () => {
    const text = `ghcr.io/a/b@sha256:${'a'.repeat(64)} => c`;
    expect(parseAsked(text)).toEqual({
      reference: parseReference(text.split(' ')[0] ?? ''),
      retag: { repository: 'c' },
    });
    expect(printAsked(parseAsked(text))).toBe(text);
  });

  it.each(['nginx =>', '=> web/front', ' → '])('says of %j that something is missing', (text) => {
    expect(() => parseAsked(text)).toThrow('something is missing beside the arrow');
  });

  it('reads back what printAsked() prints', () => {
    const place: fc.Arbitrary<Retag> = fc.oneof(
      fc.record({ repository: repositoryName.map((name) => name.repository), tag }),
      fc.record({ repository: repositoryName.map((name) => name.repository) }),
    );
    fc.assert(
      fc.property(reference, place, (asked, retag) => {
        const whole = retag.tag === undefined && asked.tag !== undefined ? { ...retag, tag: asked.tag } : retag;
        expect(parseAsked(printAsked({ reference: asked, retag }))).toEqual({ reference: asked, retag: whole });
        expect(parseRetag(printRetag(retag))).toEqual(retag);
      }),
    );
  });

  it('throws nothing but ERR_REFERENCE_INVALID, in time that does not grow with blanks', () => {
    const strange = fc.oneof(
      fc.string(),
      fc.string().map((text) => `nginx => ${text}`),
      digest.map((one) => `a => b@${one}`),
    );
    fc.assert(
      fc.property(strange, (text) => {
        try {
          parseAsked(text);
        } catch (error) {
          if (!isAirgapError(error) || error.code !== 'ERR_REFERENCE_INVALID') throw error;
        }
      }),
    );
    const start = performance.now();
    expect(() => parseAsked(`nginx${' '.repeat(1_000_000)}x`)).toThrow();
    expect(performance.now() - start).toBeLessThan(500);
  });
});

describe('parseRetag()', () => {
  it.each([
    ['10.5.0.1:6000/web', 'a host with a port stands in it'],
    ['[::1]:5000/web', 'a host with a port stands in it'],
    ['web@sha256:aa', 'a digest stands in it'],
    ['Web/front', 'no repository'],
    ['', 'no repository'],
    ['web/front:', 'no tag'],
    ['web/front:a b', 'no tag'],
    ['web => x', 'no repository'],
  ])('refuses "%s": %s', (text, state) => {
    expect(() => parseRetag(text)).toThrow(
      expect.objectContaining({ code: 'ERR_REFERENCE_INVALID', message: expect.stringContaining(state) }),
    );
  });
});

describe('hasArrow()', () => {
  it('tells a retag from references and files', () => {
    expect(['a => b', 'a=>b', 'a → b'].every(hasArrow)).toBe(true);
    expect(['nginx:1', './a.txt', 'ghcr.io/a/b@sha256:00', 'a=b'].some(hasArrow)).toBe(false);
  });
});
