/** Locks as fast-check makes them. */
import fc from 'fast-check';
import { timeText } from '../../src/lock/contacts.ts';
import type { Contact, Lock, LockedImage, Observed } from '../../src/lock/lock.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { printReference } from '../../src/oci/reference.ts';
import type { Retag } from '../../src/oci/retag.ts';
import { digest, reference, registryHost, repositoryName, tag } from '../oci/arbitraries.ts';

const digests: fc.Arbitrary<Digest[]> = fc.uniqueArray(digest, { maxLength: 3 });
const size = fc.maxSafeNat();

const image: fc.Arbitrary<LockedImage> = fc
  .record(
    {
      source: reference,
      target: repositoryName,
      digest,
      mediaType: fc.constantFrom(mediaTypes.ociIndex, mediaTypes.dockerManifest),
      size,
      totalSize: size,
      tags: fc.uniqueArray(fc.record({ tag, digest, role: fc.constantFrom('image' as const, 'signature' as const) }), {
        selector: (entry) => entry.tag,
        maxLength: 3,
      }),
      signatures: fc.constantFrom('found' as const, 'none' as const, 'unknown' as const, 'not-asked' as const),
      manifests: digests,
      omitted: digests,
      narrowedFrom: digest,
      origins: fc.array(fc.string({ maxLength: 10 }), { maxLength: 3 }),
    },
    {
      requiredKeys: [
        'source',
        'target',
        'digest',
        'mediaType',
        'size',
        'totalSize',
        'tags',
        'signatures',
        'manifests',
        'omitted',
        'origins',
      ],
    },
  )
  .chain((made) => fc.tuple(fc.constant(made), fc.boolean()))
  .map(([made, retagged]) => ({
    ...made,
    ...(retagged ? { retag: retagOf(made) } : {}),
    manifests: [...new Set([made.digest, ...made.manifests])],
  }));

/** The last part of the target, and one of its tags where there is one. */
function retagOf({ target, tags }: Pick<LockedImage, 'target' | 'tags'>): Retag {
  const repository = target.repository.split('/').at(-1) ?? '';
  const [first] = tags;
  return first === undefined ? { repository } : { repository, tag: first.tag };
}

const path = fc.constantFrom('', 'mirror', 'a/b');

const hostAndPort = fc
  .tuple(
    fc.oneof(registryHost, fc.constant('my_bucket.s3.test')).map((host) => host.replace(/:\d+$/, '')),
    fc.integer({ min: 1, max: 65_535 }),
  )
  .map((parts) => parts.join(':'));

const time = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => timeText(date.getTime()));

const observed: fc.Arbitrary<Observed> = fc
  .record({
    registries: fc.uniqueArray(hostAndPort, { maxLength: 3 }),
    through: fc
      .tuple(fc.boolean(), fc.uniqueArray(hostAndPort, { maxLength: 2 }))
      .map(([also, proxies]) => (also && proxies.length > 0 ? ['direct', ...proxies] : proxies)),
    requests: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    receivedBytes: size,
    sentBytes: size,
    times: fc.tuple(time, time),
  })
  .map(({ times, ...counts }) => {
    const [first = '', last = ''] = times.toSorted();
    return { ...counts, first, last };
  });

const purpose = fc.constantFrom('registry' as const, 'token' as const, 'redirect' as const, 'proxy' as const);

/** As the current release writes them, and as the first one did. */
export const contact: fc.Arbitrary<Contact> = fc.oneof(
  fc.record({ host: hostAndPort, purpose, observed }),
  fc.record({ host: registryHost, purpose }),
);

export const lock: fc.Arbitrary<Lock> = fc.record({
  version: fc.constant(1 as const),
  rule: fc.record({
    naming: fc.constantFrom('replace-host' as const, 'by-registry' as const, 'keep' as const),
    registry: fc.oneof(registryHost, fc.constant('')),
    prefix: path,
  }),
  mirrors: fc.uniqueArray(
    fc.record({
      registry: fc.oneof(registryHost, fc.constant('*')),
      endpoint: fc.tuple(fc.constantFrom('http', 'https'), registryHost).map((parts) => parts.join('://')),
      pathPrefix: path,
    }),
    { selector: (mirror) => mirror.registry, maxLength: 3 },
  ),
  images: fc.uniqueArray(image, { selector: (one) => printReference(one.source), maxLength: 5 }),
  contacts: fc.uniqueArray(contact, {
    selector: ({ host, purpose: why }) => `${host} ${why}`,
    maxLength: 4,
  }),
});
