/** The lock as text: the same lock gives the same bytes (what must stay true, no. 4). */
import type { Mirror, MirrorRule } from '../mirror/rule.ts';
import { formatRepository, printReference } from '../oci/reference.ts';
import { printAsked, printRetag } from '../oci/retag.ts';
import { sortContact } from './contacts.ts';
import type { Contact, Lock, LockedImage, LockedTag, Observed } from './lock.ts';

/** JSON with two blanks per level, keys in a fixed order, lists sorted, references as text, a newline at the end. */
export function printLock(lock: Lock): string {
  const sorted = sortLock(lock);
  const document = {
    version: sorted.version,
    rule: orderRule(sorted.rule),
    mirrors: sorted.mirrors.map(orderMirror),
    images: sorted.images.map(orderImage),
    contacts: sorted.contacts.map(orderContact),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * The same lock with its lists in the order they are printed in: images by source and retag, mirrors by registry, the others by their
 * text. Several mirrors of one registry stay in their order: nodes ask them in it.
 */
export function sortLock(lock: Lock): Lock {
  return {
    ...lock,
    mirrors: sortedBy(lock.mirrors, (mirror) => mirror.registry),
    images: sortedBy(lock.images.map(sortImage), (image) =>
      printAsked({ reference: image.source, retag: image.retag }),
    ),
    contacts: sortedBy(lock.contacts.map(sortContact), (contact) => `${contact.host}\n${contact.purpose}`),
  };
}

function sortImage(image: LockedImage): LockedImage {
  return {
    ...image,
    tags: sortedBy(image.tags, (tag) => tag.tag),
    manifests: [...image.manifests].sort(),
    omitted: [...image.omitted].sort(),
    origins: [...image.origins].sort(),
  };
}

function sortedBy<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const keyed = items.map((item) => ({ key: keyOf(item), item }));
  keyed.sort((one, other) => (one.key === other.key ? 0 : one.key < other.key ? -1 : 1));
  return keyed.map(({ item }) => item);
}

function orderRule(rule: MirrorRule): MirrorRule {
  return { naming: rule.naming, registry: rule.registry, prefix: rule.prefix };
}

function orderMirror(mirror: Mirror): Mirror {
  return { registry: mirror.registry, endpoint: mirror.endpoint, pathPrefix: mirror.pathPrefix };
}

function orderImage(image: LockedImage): object {
  return {
    source: printReference(image.source),
    target: formatRepository(image.target),
    retag: image.retag && printRetag(image.retag),
    digest: image.digest,
    mediaType: image.mediaType,
    size: image.size,
    totalSize: image.totalSize,
    tags: image.tags.map(orderTag),
    signatures: image.signatures,
    manifests: image.manifests,
    omitted: image.omitted,
    narrowedFrom: image.narrowedFrom,
    origins: image.origins,
  };
}

function orderTag(tag: LockedTag): LockedTag {
  return { tag: tag.tag, digest: tag.digest, role: tag.role };
}

function orderContact({ host, purpose, observed }: Contact): Contact {
  return { host, purpose, observed: observed && orderObserved(observed) };
}

function orderObserved(observed: Observed): Observed {
  const { registries, through, requests, receivedBytes, sentBytes, first, last } = observed;
  return { registries, through, requests, receivedBytes, sentBytes, first, last };
}
