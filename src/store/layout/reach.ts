/** Which manifests the entries of a layout lead to. */
import { limitTo } from '../../async/limit.ts';
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { type ManifestFacts, manifestLimit, peekManifest } from '../peek.ts';
import type { LayoutNames } from './names.ts';
import type { BlobShelf } from './shelf.ts';

/** Manifests read at the same time. */
const readsAtOnce = 16;

/** What the repositories of one layout share. */
export interface LayoutParts {
  /** For messages: `layout "DIR"`, `bundle "FILE"`. */
  readonly place: string;
  readonly blobs: BlobShelf;
  /** The names as they are now. */
  readonly names: () => Promise<LayoutNames>;
  /** Throws when the layout is open for reading alone, or closed. */
  readonly refuseUnlessWritable: () => void;
  /** Called after the names changed; with `wait`, resolves when that is on disk. */
  readonly changed: (wait: boolean) => Promise<void>;
  /** Resolves when every change of the names so far is on disk. Absent where nothing changes. */
  readonly settled?: () => Promise<void>;
  /** What is known of manifests by digest; they never change. */
  readonly facts: Map<Digest, StoredFacts>;
}

export interface StoredFacts extends ManifestFacts {
  readonly size: number;
}

/** Where manifests are read from, and what was learned of them. */
export type ReadParts = Pick<LayoutParts, 'facts'> & { readonly blobs: Pick<BlobShelf, 'read'> };

/** Every manifest that a repository's entries lead to. Afterwards the facts of all of them are known. */
export function reachable(parts: LayoutParts, names: LayoutNames, name: RepositoryName): Promise<ReadonlySet<Digest>> {
  return names.reached(name, () => walk(parts, names.entries(name)));
}

/** Every manifest that is here among the given ones and their children, at any depth. */
export async function walk(parts: ReadParts, roots: Iterable<Digest>): Promise<ReadonlySet<Digest>> {
  const reached = new Set<Digest>();
  const seen = new Set<Digest>(roots);
  for (let level = [...seen]; level.length > 0; ) {
    await learn(parts, level);
    const below: Digest[] = [];
    for (const digest of level) {
      const facts = parts.facts.get(digest);
      if (facts === undefined) continue;
      reached.add(digest);
      for (const part of facts.parts) {
        if (part.role !== 'manifest' || seen.has(part.digest)) continue;
        seen.add(part.digest);
        below.push(part.digest);
      }
    }
    level = below;
  }
  return reached;
}

/** Reads the manifests that are not known yet, several at once: each is a few short waits for the system. */
async function learn(parts: ReadParts, digests: readonly Digest[]): Promise<void> {
  const unknown = digests.filter((digest) => !parts.facts.has(digest));
  if (unknown.length === 0) return;
  const slot = limitTo(readsAtOnce);
  await Promise.all(unknown.map((digest) => slot(() => factsOf(parts, digest))));
}

/** Read once, and only believed when the bytes are those of the digest: what is remembered stays true when the file is repaired. Undefined when the manifest is not here, or the file is none or damaged. */
export async function factsOf(parts: ReadParts, digest: Digest): Promise<StoredFacts | undefined> {
  const known = parts.facts.get(digest);
  if (known !== undefined) return known;
  const bytes = await parts.blobs.read(digest, manifestLimit);
  const read = bytes === undefined ? undefined : peekManifest(bytes);
  if (bytes === undefined || read === undefined || digestOf(bytes, algorithmOf(digest)) !== digest) return undefined;
  const facts: StoredFacts = { ...read, size: bytes.length };
  parts.facts.set(digest, facts);
  return facts;
}
