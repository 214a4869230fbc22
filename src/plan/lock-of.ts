/** The lock that images leave once they are in place. A dry run can check it before anything is copied. */
import { sumContacts } from '../lock/contacts.ts';
import type { Contact, Lock, LockedImage } from '../lock/lock.ts';
import { sortLock } from '../lock/print.ts';
import type { Mirror, MirrorRule } from '../mirror/rule.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { printAsked } from '../oci/retag.ts';
import type { ResolvedImage, SignatureSearch } from '../resolve/resolved.ts';
import { originTexts } from './origins.ts';

export interface LockContext {
  readonly rule: MirrorRule;
  readonly mirrors: readonly Mirror[];
  /** Summed: one for each host and purpose. */
  readonly contacts: readonly Contact[];
  /** From an earlier lock, for what stands unchanged. Where a source is among `images` as well, that one counts. */
  readonly carried: readonly LockedImage[];
}

/** Sorted in every list; the same images and contacts give the same lock, in whatever order they come. */
export function lockOf(images: readonly ResolvedImage[], context: LockContext): Lock {
  const locked = new Map<string, LockedImage>();
  for (const image of [...context.carried, ...images.map(lockedImageOf)])
    locked.set(printAsked({ reference: image.source, retag: image.retag }), image);
  return sortLock({
    version: 1,
    rule: context.rule,
    mirrors: context.mirrors,
    images: [...locked.values()],
    contacts: sumContacts(context.contacts),
  });
}

/** One image as its lock names it. */
export function lockedImageOf(image: ResolvedImage): LockedImage {
  const manifests = image.manifests.map((document) => document.descriptor);
  const tags = new Map(image.tags.map((tag) => [tag.tag, { tag: tag.tag, digest: tag.digest, role: tag.role }]));
  return {
    source: image.reference,
    target: { registry: image.target.registry, repository: image.target.repository },
    ...(image.retag && { retag: image.retag }),
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.size,
    totalSize: sizeOfAll([image.root, ...manifests, ...image.blobs]),
    tags: [...tags.values()],
    signatures: signatureResult(image.signatures),
    manifests: uniqueDigests([image.root, ...manifests]),
    omitted: uniqueDigests(image.omitted),
    ...(image.narrowedFrom && { narrowedFrom: image.narrowedFrom }),
    origins: originTexts(image.origins),
  };
}

/** Bytes of all of them, each digest once. */
function sizeOfAll(descriptors: readonly Descriptor[]): number {
  const sizes = new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor.size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function uniqueDigests(descriptors: readonly Descriptor[]): Digest[] {
  return [...new Set(descriptors.map((descriptor) => descriptor.digest))];
}

function signatureResult(search: SignatureSearch): LockedImage['signatures'] {
  return search.status === 'failed' ? 'unknown' : search.status;
}
