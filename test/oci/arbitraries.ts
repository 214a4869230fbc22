/** References, digests and lists of them as fast-check makes them: in normal form, so that reading what they print must give them back. */
import fc from 'fast-check';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { isRepositoryPath, parseTag, type Reference, type RepositoryName, type Tag } from '../../src/oci/reference.ts';

const lowerAlnum = [...'abcdefghijklmnopqrstuvwxyz0123456789'];

function word(options: { readonly alphabet: readonly string[]; readonly max: number }): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...options.alphabet), { minLength: 1, maxLength: options.max })
    .map((parts) => parts.join(''));
}

const label = word({ alphabet: lowerAlnum, max: 8 });
const domain = fc.tuple(label, fc.constantFrom('io', 'local', 'x-y', 'k8s')).map(([name, top]) => `${name}.${top}`);
const ipv4 = fc.ipV4();
const ipv6 = fc
  .array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })
  .map(
    (groups) =>
      new URL(`http://[${groups.map((group) => (group % 3 === 0 ? 0 : group).toString(16)).join(':')}]/`).hostname,
  );
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });

/** Hosts as they stand in references, Docker Hub among them. */
export const registryHost: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('docker.io', 'ghcr.io', 'registry.k8s.io', 'localhost', 'localhost:5000'),
  fc
    .tuple(fc.oneof(domain, ipv4, ipv6), port)
    .map(([host, number]) => (number === undefined ? host : `${host}:${number}`)),
);

const component = fc
  .tuple(label, fc.array(fc.tuple(fc.constantFrom('.', '_', '__', '-', '---'), label), { maxLength: 2 }))
  .map(([first, more]) => first + more.flat().join(''));

export const repositoryName: fc.Arbitrary<RepositoryName> = fc
  .tuple(registryHost, fc.array(component, { minLength: 1, maxLength: 4 }))
  .map(([registry, parts]) => ({
    registry,
    repository: registry === 'docker.io' && parts.length === 1 ? `library/${parts[0]}` : parts.join('/'),
  }))
  .filter(({ repository }) => isRepositoryPath(repository));

export const tag: fc.Arbitrary<Tag> = fc
  .tuple(
    fc.constantFrom(...lowerAlnum, 'A', 'Z', '_'),
    fc.array(fc.constantFrom(...lowerAlnum, 'A', 'Z', '_', '.', '-'), { maxLength: 127 }),
  )
  .map(([first, rest]) => parseTag(first + rest.join('')));

export const digest: fc.Arbitrary<Digest> = fc
  .tuple(fc.uint8Array({ maxLength: 8 }), fc.constantFrom('sha256', 'sha512'))
  .map(([bytes, algorithm]) => digestOf(bytes, algorithm));

export const reference: fc.Arbitrary<Reference> = fc
  .tuple(
    repositoryName,
    fc.oneof(
      tag.map((one) => ({ tag: one })),
      digest.map((one) => ({ digest: one })),
      fc.record({ tag, digest }),
    ),
  )
  .map(([name, version]) => ({ ...name, ...version }));
