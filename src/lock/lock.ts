/** The lock: the one document that leaves the corridor and may come back. Format: docs/lock-format.md. */

import type { Mirror, MirrorRule } from '../mirror/rule.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName, Tag } from '../oci/reference.ts';
import type { Retag } from '../oci/retag.ts';

export interface LockedTag {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly role: 'image' | 'signature';
}

/** An image that stood complete at the target when the lock was written. */
export interface LockedImage {
  /** Upstream reference as asked for, normalised. */
  readonly source: Reference;
  /** Where it lives at the target. */
  readonly target: RepositoryName;
  /** The place that was asked for, where it is not the one of the rule. */
  readonly retag?: Retag;
  /** What the tag stands for at the target: the root manifest's digest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Size of the root manifest in bytes. */
  readonly size: number;
  /** Sum of manifests and blobs in bytes. */
  readonly totalSize: number;
  /** Every tag written for it, sorted by tag. */
  readonly tags: readonly LockedTag[];
  /** Result of looking for signatures. */
  readonly signatures: 'found' | 'none' | 'unknown' | 'not-asked';
  /** Every manifest digest that must be there (children, signatures, referrers, the root itself), sorted. */
  readonly manifests: readonly Digest[];
  /** Child digests left out on purpose by --platform, sorted. */
  readonly omitted: readonly Digest[];
  /** The upstream digest when --narrow made `digest` differ from it. */
  readonly narrowedFrom?: Digest;
  /** `file:line` of what asked for it, sorted. */
  readonly origins: readonly string[];
}

/** A host that was contacted, once for each purpose; a refused connection counts. */
export interface Contact {
  /** `host:port`. */
  readonly host: string;
  readonly purpose: 'registry' | 'token' | 'redirect' | 'proxy';
  /** What runs saw of it; missing in locks that were written before it was kept. */
  readonly observed?: Observed | undefined;
}

/** Summed over the runs that made a lock what it is. */
export interface Observed {
  /** Registries, as `host:port` on the wire, that it was asked for; sorted. Of a registry itself: its own. */
  readonly registries: readonly string[];
  /** Proxies, as `host:port`, it was reached through, and `direct` where it was reached without as well; sorted. Empty: only directly. */
  readonly through: readonly string[];
  readonly requests: number;
  /** Bytes of bodies. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** RFC 3339 in UTC, to the second: `2026-11-26T10:08:04Z`. */
  readonly first: string;
  readonly last: string;
}

export interface Lock {
  readonly version: 1;
  /** How names were placed. */
  readonly rule: MirrorRule;
  /** As a node should use them; empty when the endpoint was not known (a layout without --endpoint). */
  readonly mirrors: readonly Mirror[];
  /** Only what is complete, sorted by source. */
  readonly images: readonly LockedImage[];
  /** Sorted by host. */
  readonly contacts: readonly Contact[];
}
