/** What of a layout is needed, told from its names and its manifests. Pure but for the reading it is given. */
import { algorithmOf, type Digest, digestOf, isDigest } from '../../oci/digest.ts';
import { manifestLimit, peekManifest } from '../peek.ts';
import type { IndexEntry } from './index-file.ts';

/** Bytes of content that can be a document. Undefined for what is not here, or is larger than a manifest can be. */
export type ReadContent = (digest: Digest) => Promise<Uint8Array | undefined>;

export interface Marks {
  /** Entries of the index that stay, in their order. */
  readonly entries: readonly IndexEntry[];
  /** Entries that go: manifests without a tag that no kept manifest leads to or is the subject of. */
  readonly dropped: readonly IndexEntry[];
  /** Documents that are needed. */
  readonly manifests: ReadonlySet<Digest>;
  /** Everything that is needed, documents included, here or not. */
  readonly needed: ReadonlySet<Digest>;
  /** Documents that are not what their digest says: nobody can tell what they lead to. */
  readonly damaged: readonly Digest[];
}

/** What a document leads to. */
interface Document {
  readonly children: readonly Digest[];
  readonly blobs: readonly Digest[];
  readonly subject: Digest | undefined;
}

/**
 * Marks from the index. Entries without a tag stay unless `dropUntagged`; then those stay that something kept lists, or whose
 * subject is kept. Entries of other tools, without a full reference, always stay.
 */
export async function mark(
  entries: readonly IndexEntry[],
  options: { readonly dropUntagged: boolean; readonly read: ReadContent },
): Promise<Marks> {
  const marker = new Marker(options.read);
  const isRoot = (entry: IndexEntry) => !options.dropUntagged || isPinned(entry);
  for (const entry of entries) if (isRoot(entry)) await marker.reach(entry.digest);
  const kept = new Set(entries.filter(isRoot));
  for (let found = true; found; ) {
    found = false;
    for (const entry of entries) {
      if (kept.has(entry)) continue;
      const subject = (await marker.document(entry.digest))?.subject;
      const isListed = marker.manifests.has(entry.digest);
      if (!isListed && (subject === undefined || !marker.manifests.has(subject))) continue;
      kept.add(entry);
      await marker.reach(entry.digest);
      found = true;
    }
  }
  return {
    entries: entries.filter((entry) => kept.has(entry)),
    dropped: entries.filter((entry) => !kept.has(entry)),
    manifests: marker.manifests,
    needed: marker.needed,
    damaged: [...marker.damaged].sort(),
  };
}

function isPinned({ reference }: IndexEntry): boolean {
  return reference === undefined || reference.tag !== undefined;
}

class Marker {
  readonly manifests = new Set<Digest>();
  readonly needed = new Set<Digest>();
  readonly damaged = new Set<Digest>();
  readonly #read: ReadContent;
  readonly #documents = new Map<Digest, Document | undefined>();

  constructor(read: ReadContent) {
    this.#read = read;
  }

  /** Marks a document and all it leads to. */
  async reach(root: Digest): Promise<void> {
    const waiting = [root];
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (this.manifests.has(digest)) continue;
      this.manifests.add(digest);
      this.needed.add(digest);
      const document = await this.document(digest);
      for (const blob of document?.blobs ?? []) this.needed.add(blob);
      waiting.push(...(document?.children ?? []));
    }
  }

  /** Read once. Undefined for what is not here or is damaged. */
  async document(digest: Digest): Promise<Document | undefined> {
    if (this.#documents.has(digest)) return this.#documents.get(digest);
    const bytes = await this.#read(digest);
    const isDamaged = bytes !== undefined && digestOf(bytes, algorithmOf(digest)) !== digest;
    if (isDamaged) this.damaged.add(digest);
    const document = bytes === undefined || isDamaged ? undefined : readDocument(bytes);
    this.#documents.set(digest, document);
    return document;
  }
}

/** A document of a kind not known here keeps everything whose digest it mentions. */
function readDocument(bytes: Uint8Array): Document {
  const facts = peekManifest(bytes);
  if (facts === undefined) return { children: mentioned(bytes), blobs: [], subject: undefined };
  const children = facts.parts.filter(({ role }) => role === 'manifest').map(({ digest }) => digest);
  const blobs = facts.parts.filter(({ role }) => role !== 'manifest').map(({ digest }) => digest);
  return { children, blobs, subject: facts.subject };
}

function mentioned(bytes: Uint8Array): Digest[] {
  if (bytes.length > manifestLimit) return [];
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  return [...text.matchAll(/sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g)].map(([found]) => found).filter(isDigest);
}
