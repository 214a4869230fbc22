import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AirgapError, isAirgapError } from '../../src/errors.ts';
import {
  compareReferences,
  formatRepository,
  isRepositoryPath,
  isTag,
  maxNameLength,
  normaliseRegistry,
  parseReference,
  parseRepository,
  parseTag,
  printReference,
} from '../../src/oci/reference.ts';
import { reference as anyReference } from './arbitraries.ts';

const sha256 = `sha256:${'0a'.repeat(32)}`;
const sha512 = `sha512:${'0b'.repeat(64)}`;

function refusal(action: () => unknown): AirgapError {
  try {
    action();
  } catch (thrown) {
    if (isAirgapError(thrown)) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('parseReference()', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/nginx:1', 'docker.io/library/nginx:1'],
    ['registry-1.docker.io/grafana/grafana:11', 'docker.io/grafana/grafana:11'],
    ['grafana/grafana', 'docker.io/grafana/grafana:latest'],
    ['docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['registry.k8s.io/coredns/coredns:v1.12.3', 'registry.k8s.io/coredns/coredns:v1.12.3'],
    ['localhost/a', 'localhost/a:latest'],
    ['localhost:5000/a/b/c/d:x', 'localhost:5000/a/b/c/d:x'],
    ['10.5.0.1:6000/siderolabs/kubelet:v1', '10.5.0.1:6000/siderolabs/kubelet:v1'],
    ['[::1]:5000/a', '[::1]:5000/a:latest'],
    ['[2001:DB8:0:0::1]/a:t', '[2001:db8::1]/a:t'],
    ['GHCR.IO/siderolabs/talos:V1', 'ghcr.io/siderolabs/talos:V1'],
    ['LOCALHOST/a', 'localhost/a:latest'],
    ['registry.local:05000/a', 'registry.local:5000/a:latest'],
    ['a_b/c__d/e---f.g:_x', 'docker.io/a_b/c__d/e---f.g:_x'],
    ['my.image:v1', 'docker.io/library/my.image:v1'],
    ['test.example:5000/x', 'test.example:5000/x:latest'],
    [`nginx@${sha256}`, `docker.io/library/nginx@${sha256}`],
    [`nginx@${sha512}`, `docker.io/library/nginx@${sha512}`],
    [`quay.io/a/b:1@${sha512}`, `quay.io/a/b:1@${sha512}`],
  ])('reads %s as %s', (text, printed) => {
    expect(printReference(parseReference(text))).toBe(printed);
  });

  it('keeps both tag and digest', () => {
    expect(parseReference(`ghcr.io/a/b:1@${sha256}`)).toEqual({
      registry: 'ghcr.io',
      repository: 'a/b',
      tag: '1',
      digest: sha256,
    });
  });

  it('gives no tag to a reference by digest alone', () => {
    expect(parseReference(`ghcr.io/a/b@${sha256}`)).not.toHaveProperty('tag');
  });

  it.each([
    ['', 'empty', undefined],
    ['https://ghcr.io/a/b', 'URL', 'leave out https://'],
    ['HTTP://ghcr.io/a', 'URL', 'leave out HTTP://'],
    ['docker://ghcr.io/a', 'URL', 'leave out docker://'],
    ['ghcr.io/a b', 'blanks', 'without blanks'],
    ['ghcr.io/A/b:1', 'upper-case letters', 'a/b'],
    ['Nginx', 'upper-case letters', 'nginx'],
    ['MyOrg/app:1', 'upper-case letters', 'myorg/app'],
    [`nginx@${sha256.toUpperCase()}`, 'upper-case letters', 'lower case'],
    ['nginx@sha256:abc', 'no digest', '64 hex'],
    [`nginx@md5:${'0'.repeat(32)}`, 'no digest', 'sha512'],
    [`nginx@${sha256}@${sha256}`, 'no digest', 'sha256'],
    ['nginx:', 'tag is empty', 'leave out the ":"'],
    ['nginx:-1', 'tag has characters', 'begin with'],
    [`nginx:${'1'.repeat(129)}`, '129 characters', undefined],
    ['localhost:5000', 'host without a repository', 'HOST/REPOSITORY'],
    ['10.5.0.1:6000', 'host without a repository', 'HOST/REPOSITORY'],
    ['registry.local:5000', 'host without a repository', 'docker.io/library/registry.local'],
    ['[::1]:5000', 'host without a repository', 'HOST/REPOSITORY'],
    ['ghcr.io/', 'repository is missing', 'REGISTRY/REPOSITORY'],
    ['ghcr.io//a', 'two slashes', undefined],
    ['ghcr.io/a/', 'slash', undefined],
    ['/nginx', 'slash', undefined],
    ['a..b/c', 'not a DNS name', undefined],
    ['-a.io/b', 'not a DNS name', undefined],
    ['ghcr.io:0/a', 'ports are 1 to 65535', undefined],
    ['ghcr.io:65536/a', 'ports are 1 to 65535', undefined],
    ['300.1.1.1/a', 'no IPv4 address', undefined],
    ['1.2.3/a', 'no IPv4 address', undefined],
    ['[::g]/a', 'not HOST or HOST:PORT', undefined],
    ['[:::]/a', 'no IPv6 address', undefined],
    ['\u212aube.io/a', 'not HOST or HOST:PORT', undefined],
    ['ghcr.io/a___b', 'cannot have', 'parted by'],
    ['ghcr.io/a-', 'cannot have', 'parted by'],
    ['a'.repeat(64).replaceAll('a', '0'), 'bare hash', '@sha256:'],
  ])('refuses %j: %s', (text, state, hint) => {
    const error = refusal(() => parseReference(text));
    expect(error.code).toBe('ERR_REFERENCE_INVALID');
    expect(error.message).toContain(state);
    expect(error.message).not.toContain('\n');
    if (hint !== undefined) expect(error.hint).toContain(hint);
  });

  it.each([
    'https://robot:s3cret@ghcr.io/a/b',
    'robot:s3cret@ghcr.io/a/b',
    'robot:s3cret@ghcr.io:5000',
    'robot:s3cret@ghcr.io',
    'robot:s3@cret@ghcr.io/a',
    'robot:s3cret@ghcr.io/a b',
  ])('does not repeat the password of %s', (text) => {
    const error = refusal(() => parseReference(text));
    expect(`${error.message} ${error.hint}`).not.toMatch(/s3|cret@/);
  });

  it('allows a name of 255 characters with its host, and no longer one', () => {
    const room = maxNameLength - 'ghcr.io/'.length;
    expect(formatRepository(parseReference(`ghcr.io/${'a'.repeat(room)}`))).toHaveLength(maxNameLength);
    expect(refusal(() => parseReference(`ghcr.io/${'a'.repeat(room + 1)}`)).message).toContain('256 characters');
    // The `library/` that is written out counts.
    expect(refusal(() => parseReference('b'.repeat(240))).message).toContain('258 characters');
  });

  it('undoes printReference()', () => {
    fc.assert(
      fc.property(anyReference, (reference) => {
        expect(parseReference(printReference(reference))).toEqual(reference);
      }),
      { numRuns: 1000 },
    );
  });

  it('throws nothing but AirgapError, and what it takes prints as a fixed point', () => {
    const pieces = fc.constantFrom(
      'a',
      'Z',
      '0',
      '.',
      ':',
      '/',
      '@',
      '[',
      ']',
      '_',
      '-',
      '%',
      ' ',
      'sha256:',
      'é',
      '\u0000',
      '::1',
      'xn--',
      sha256,
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (garbage) => {
        try {
          const printed = printReference(parseReference(garbage));
          expect(printReference(parseReference(printed))).toBe(printed);
          expect(URL.canParse(`https://${printed.slice(0, printed.indexOf('/'))}/`)).toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AirgapError);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['slashes', '/'.repeat(1_000_000)],
    ['dashes', `a${'-'.repeat(1_000_000)}`],
    ['dots', 'a.'.repeat(500_000)],
    ['at signs', '@'.repeat(1_000_000)],
    ['colons', ':'.repeat(1_000_000)],
    ['blanks', ' '.repeat(1_000_000)],
    ['underscores below the limit', `a${'_'.repeat(1000)}`],
    ['dashes below the limit', `a${'-'.repeat(253)}!`],
  ])('refuses a million %s at once', (_, text) => {
    const start = performance.now();
    for (let round = 0; round < 20; round += 1)
      expect(refusal(() => parseReference(text)).message.length).toBeLessThan(1500);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('parseRepository()', () => {
  it('normalises as parseReference() does', () => {
    expect(parseRepository('nginx')).toEqual({ registry: 'docker.io', repository: 'library/nginx' });
    expect(parseRepository('GHCR.io/a/b')).toEqual({ registry: 'ghcr.io', repository: 'a/b' });
    expect(parseRepository('[::1]:5000/a')).toEqual({ registry: '[::1]:5000', repository: 'a' });
  });

  it.each(['nginx:1', `nginx@${sha256}`, 'ghcr.io/a:'])('refuses the tag or digest of %s', (text) => {
    expect(refusal(() => parseRepository(text)).message).toContain('only a repository');
  });
});

describe('parseTag()', () => {
  it('takes 128 characters and no more', () => {
    expect(parseTag('a'.repeat(128))).toHaveLength(128);
    expect(refusal(() => parseTag('a'.repeat(129))).code).toBe('ERR_REFERENCE_INVALID');
  });

  it('refuses a line end after a tag', () => {
    expect(isTag('v1\n')).toBe(false);
  });
});

describe('normaliseRegistry()', () => {
  it.each([
    ['index.docker.io', 'docker.io'],
    ['Registry-1.Docker.io', 'docker.io'],
    ['10.5.0.1:6000', '10.5.0.1:6000'],
    ['HARBOR.local', 'harbor.local'],
    ['registry', 'registry'],
    ['[0:0:0:0:0:0:0:1]:80', '[::1]:80'],
  ])('writes %s as %s', (text, host) => {
    expect(normaliseRegistry(text)).toBe(host);
  });

  it.each(['', 'a/b', 'http://a', 'a_b', 'a:b', 'user:pw@a.io', 'a.io:', '::1', 'a.'])('refuses %j', (text) => {
    const error = refusal(() => normaliseRegistry(text));
    expect(error.code).toBe('ERR_REFERENCE_INVALID');
    expect(error.message).not.toContain('pw');
  });
});

describe('isRepositoryPath()', () => {
  it('wants lower-case components between single slashes', () => {
    for (const path of ['a', 'a/b-c/d__e', '0.1']) expect(isRepositoryPath(path)).toBe(true);
    for (const path of ['', '/a', 'a/', 'a//b', 'A', 'a/../b', 'a:b', '.a', 'a\n'])
      expect(isRepositoryPath(path)).toBe(false);
  });
});

describe('compareReferences()', () => {
  it('orders by the printed text', () => {
    const texts = ['ghcr.io/b:1', 'ghcr.io/a:2', 'ghcr.io/a:10', 'docker.io/x/y:1'];
    const sorted = texts.map(parseReference).sort(compareReferences).map(printReference);
    expect(sorted).toEqual(['docker.io/x/y:1', 'ghcr.io/a:10', 'ghcr.io/a:2', 'ghcr.io/b:1']);
    expect(compareReferences(parseReference('a'), parseReference('docker.io/a:latest'))).toBe(0);
  });
});
