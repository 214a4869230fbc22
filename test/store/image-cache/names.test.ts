import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, digestOf, parseDigest } from '../../../src/oci/digest.ts';
import { parseTag, type RepositoryName } from '../../../src/oci/reference.ts';
import {
  blobPath,
  fileAt,
  manifestPath,
  refuseLostTag,
  registryFolder,
  registryOfFolder,
  repositoryAt,
  repositoryPath,
  tagPath,
} from '../../../src/store/image-cache/names.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const host = fc.tuple(label, fc.constantFrom('.example', '.k8s.io')).map((parts) => parts.join(''));
const registry = fc
  .tuple(host, fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([name, port]) => (port === null ? name : `${name}:${port}`));
const component = fc.oneof(
  fc.stringMatching(/^[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}$/),
  fc.constantFrom('reference', 'digest', 'manifests'),
);
const name: fc.Arbitrary<RepositoryName> = fc.record({
  registry,
  repository: fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
});
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/).map(parseTag);
const digest = fc.string().map((text) => digestOf(Buffer.from(text)));

describe('names of an image cache', () => {
  it.each([
    ['registry.k8s.io', 'registry.k8s.io'],
    ['localhost:5000', 'localhost_5000_'],
    ['10.0.0.1:80', '10.0.0.1_80_'],
  ])('has %s in the folder %s, as talosctl does', (from, folder) => {
    expect(registryFolder(from)).toBe(folder);
    expect(registryOfFolder(folder)).toBe(from);
  });

  it('has manifests and blobs where a node looks for them', () => {
    const hex = 'a'.repeat(64);
    const kubelet = { registry: 'ghcr.io', repository: 'siderolabs/kubelet' };
    expect(blobPath(parseDigest(`sha256:${hex}`))).toBe(`blob/sha256-${hex}`);
    expect(manifestPath(kubelet, parseDigest(`sha256:${hex}`))).toBe(
      `manifests/ghcr.io/siderolabs/kubelet/digest/sha256-${hex}`,
    );
    expect(tagPath(kubelet, parseTag('v1.36.3'))).toBe('manifests/ghcr.io/siderolabs/kubelet/reference/v1.36.3');
  });

  it('reads back every path it makes', () => {
    fc.assert(
      fc.property(name, tag, digest, (repository, aTag, aDigest) => {
        expect(repositoryAt(repositoryPath(repository))).toEqual(repository);
        expect(fileAt(tagPath(repository, aTag))).toEqual({ kind: 'tag', name: repository, tag: aTag });
        expect(fileAt(manifestPath(repository, aDigest))).toEqual({
          kind: 'manifest',
          name: repository,
          digest: aDigest,
        });
        expect(fileAt(blobPath(aDigest))).toEqual({ kind: 'blob', digest: aDigest });
      }),
    );
  });

  it('never gives two things one path, nor one that differs in case alone', () => {
    const thing = fc.record({ name, tag, digest, isTag: fc.boolean() });
    const pathOf = (one: { name: RepositoryName; tag: ReturnType<typeof parseTag>; digest: Digest; isTag: boolean }) =>
      one.isTag ? tagPath(one.name, one.tag) : manifestPath(one.name, one.digest);
    const keyOf = (one: Parameters<typeof pathOf>[0]) =>
      JSON.stringify([
        one.name.registry,
        one.name.repository,
        one.isTag ? one.tag.toLowerCase() : one.digest,
        one.isTag,
      ]);
    fc.assert(
      fc.property(thing, thing, (one, other) => {
        expect(pathOf(one).toLowerCase() === pathOf(other).toLowerCase()).toBe(keyOf(one) === keyOf(other));
      }),
    );
  });

  it('has no name that vfat has no place for', () => {
    fc.assert(
      fc.property(name, digest, (repository, aDigest) => {
        for (const step of manifestPath(repository, aDigest).split('/')) {
          expect(step).not.toMatch(/["*:<>?\\|]|[. ]$/);
          expect(step.length).toBeLessThanOrEqual(255);
        }
      }),
    );
  });

  it('takes no path from elsewhere for one of its own', () => {
    const hex = 'b'.repeat(64);
    for (const path of [
      `blob/sha256:${hex}`,
      `blob/${hex}`,
      `blob/../sha256-${hex}`,
      `manifests/ghcr.io/digest/sha256-${hex}`,
      `manifests/ghcr.io/../a/digest/sha256-${hex}`,
      `manifests/host_99999_/a/digest/sha256-${hex}`,
      'manifests/ghcr.io/a/reference/.hidden',
      'manifests/ghcr.io/a/other/v1',
      'manifests/GHCR.io/a/reference/v1',
      '',
    ])
      expect(fileAt(path), path).toBeUndefined();
  });

  it('refuses what no node could read, saying why', () => {
    const at = (text: string) => ({ registry: text, repository: 'a' });
    expect(() => repositoryPath(at('[fd00::1]:5000'))).toThrow(
      /"\[fd00::1\]:5000" into an image cache: an IPv6 address has colons/,
    );
    expect(() => repositoryPath(at('[fd00::1]'))).toThrow(/IPv6/);
    expect(() => blobPath(digestOf(Buffer.from('x'), 'sha512'))).toThrow(/nothing but sha256/);
    expect(() => refuseLostTag(at('ghcr.io'), parseTag('v1.'), [])).toThrow(/ghcr.io\/a:v1\." .*lose the dot/);
    expect(() => refuseLostTag(at('ghcr.io'), parseTag('V1'), ['v1', 'v2'])).toThrow(/tag "v1" is in it/);
    expect(() => refuseLostTag(at('ghcr.io'), parseTag('v1'), ['v1', 'v2'])).not.toThrow();
  });
});
