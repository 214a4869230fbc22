/** Requests from several documents become one set: asking twice is asking once, and everyone who asked is remembered. */
import type { Lock } from '../lock/lock.ts';
import { printReference } from '../oci/reference.ts';
import { type Origin, printOrigin, type RequestedReference } from './requested.ts';

/** Each reference once, sorted by its printed form; its origins in the order of the lists, each once. */
export function mergeRequests(lists: readonly (readonly RequestedReference[])[]): RequestedReference[] {
  const merged = new Map<string, { reference: RequestedReference['reference']; origins: Map<string, Origin> }>();
  for (const { reference, origins } of lists.flat()) {
    const key = printReference(reference);
    const entry = merged.get(key) ?? { reference, origins: new Map<string, Origin>() };
    for (const origin of origins) entry.origins.set(printOrigin(origin), origin);
    merged.set(key, entry);
  }
  return [...merged]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { reference, origins }]) => ({ reference, origins: [...origins.values()] }));
}

/** What a lock says is to be had again, pinned: the tag it was asked for by, and the digest it stood for. Sorted like mergeRequests(). */
export function requestsFromLock(lock: Lock): RequestedReference[] {
  return mergeRequests([
    lock.images.map((image) => ({
      reference: { ...image.source, digest: image.digest },
      origins: image.origins.map((document) => ({ document })),
    })),
  ]);
}
