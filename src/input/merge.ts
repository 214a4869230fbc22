/** Requests from several documents become one set: asking twice is asking once, and everyone who asked is remembered. */
import type { Lock } from '../lock/lock.ts';
import { printAsked } from '../oci/retag.ts';
import { type Origin, printOrigin, type RequestedReference } from './requested.ts';

/** Each reference once for each place it is to have, sorted by its printed form; its origins in the order of the lists, each once. */
export function mergeRequests(lists: readonly (readonly RequestedReference[])[]): RequestedReference[] {
  const merged = new Map<string, { request: RequestedReference; origins: Map<string, Origin> }>();
  for (const request of lists.flat()) {
    const key = printAsked(request);
    const entry = merged.get(key) ?? { request, origins: new Map<string, Origin>() };
    for (const origin of request.origins) entry.origins.set(printOrigin(origin), origin);
    merged.set(key, entry);
  }
  return [...merged]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { request, origins }]) => ({ ...request, origins: [...origins.values()] }));
}

/** What a lock says is to be had again, pinned: the tag it was asked for by, the digest it stood for, and its own place where it had one. Sorted like mergeRequests(). */
export function requestsFromLock(lock: Lock): RequestedReference[] {
  return mergeRequests([
    lock.images.map((image) => ({
      reference: { ...image.source, digest: image.digest },
      ...(image.retag && { retag: image.retag }),
      origins: image.origins.map((document) => ({ document })),
    })),
  ]);
}
