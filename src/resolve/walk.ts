/** Everything a manifest reaches, by breadth and depth that have a limit: what a registry answers is not trusted to end. */
import { AirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf, type ManifestDocument } from '../oci/manifest.ts';
import { isManifestType, isSchema1Type } from '../oci/media-type.ts';

/** Bounds of one walk. */
export interface WalkLimits {
  /** Indexes inside indexes. Default 8. */
  readonly depth: number;
  /** Manifests in all. Default 4096. */
  readonly manifests: number;
  /** Bytes of manifests in all. Default 128 MiB. */
  readonly bytes: number;
}

export const walkLimits: WalkLimits = { depth: 8, manifests: 4096, bytes: 128 * 1024 * 1024 };

export interface WalkOptions {
  /** Reads a child of an index. */
  readonly read: (child: Descriptor) => Promise<ManifestDocument>;
  /** Children that are left out. */
  readonly omit?: ReadonlySet<Digest>;
  readonly limits?: Partial<WalkLimits>;
}

export interface Walked {
  /** Each manifest once; what a manifest names comes before it, the root last. */
  readonly documents: readonly ManifestDocument[];
  /** What an index lists that is no manifest by its media type: content to be carried as it is (image-spec v1.1, image-index.md "manifests"). */
  readonly others: readonly Descriptor[];
}

/** Reads all that `root` reaches, side by side. Throws ERR_PROTOCOL past a limit, ERR_UNSUPPORTED for schema 1, ERR_SIZE_MISMATCH when an index is wrong about a size, and what `read` throws. */
export async function walk(root: ManifestDocument, options: WalkOptions): Promise<Walked> {
  const walker = new Walker(root, options);
  await walker.visit(root, 0);
  return { documents: walker.ordered(), others: walker.others() };
}

class Walker {
  readonly #root: ManifestDocument;
  readonly #options: WalkOptions;
  readonly #limits: WalkLimits;
  readonly #documents = new Map<Digest, ManifestDocument>();
  readonly #others = new Map<Digest, Descriptor>();
  /** Sizes as they were said, of everything that was met. */
  readonly #sizes = new Map<Digest, number>();
  #bytes = 0;
  #stopped = false;

  constructor(root: ManifestDocument, options: WalkOptions) {
    this.#root = root;
    this.#options = options;
    this.#limits = { ...walkLimits, ...options.limits };
    this.#take(root);
    this.#sizes.set(root.descriptor.digest, root.descriptor.size);
  }

  async visit(document: ManifestDocument, depth: number): Promise<void> {
    const children = childrenOf(document.manifest).filter((child) => this.#options.omit?.has(child.digest) !== true);
    if (children.length === 0) return;
    if (depth >= this.#limits.depth) throw this.#refused(`indexes are nested more than ${this.#limits.depth} deep`);
    try {
      await Promise.all(children.map((child) => this.#child(child, depth)));
    } catch (error) {
      this.#stopped = true;
      throw error;
    }
  }

  async #child(child: Descriptor, depth: number): Promise<void> {
    if (this.#stopped || !this.#isNew(child)) return;
    if (isSchema1Type(child.mediaType)) throw schema1(child);
    if (!isManifestType(child.mediaType)) {
      this.#others.set(child.digest, child);
      return;
    }
    const document = await this.#options.read(child);
    this.#take(document);
    await this.visit(document, depth + 1);
  }

  #isNew(child: Descriptor): boolean {
    const size = this.#sizes.get(child.digest);
    if (size === child.size) return false;
    if (size !== undefined) {
      const state = `it is said to have ${size} bytes and also ${child.size}`;
      throw new AirgapError('ERR_SIZE_MISMATCH', `Cannot read manifest "${child.digest}": ${state}`, {
        digest: child.digest,
      });
    }
    this.#sizes.set(child.digest, child.size);
    if (this.#sizes.size > this.#limits.manifests) {
      throw this.#refused(`more than ${this.#limits.manifests} manifests hang together`);
    }
    return true;
  }

  #take(document: ManifestDocument): void {
    this.#bytes += document.bytes.length;
    if (this.#bytes > this.#limits.bytes) throw this.#refused(`its manifests exceed ${this.#limits.bytes} bytes`);
    this.#documents.set(document.descriptor.digest, document);
  }

  /** Children before parents, in the order indexes list them, whatever order answers came in. */
  ordered(): ManifestDocument[] {
    const placed = new Set<Digest>();
    const order: ManifestDocument[] = [];
    const place = (document: ManifestDocument): void => {
      if (placed.has(document.descriptor.digest)) return;
      placed.add(document.descriptor.digest);
      for (const { digest } of childrenOf(document.manifest)) {
        const child = this.#documents.get(digest);
        if (child !== undefined) place(child);
      }
      order.push(document);
    };
    place(this.#root);
    return order;
  }

  others(): Descriptor[] {
    return [...this.#others.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  #refused(state: string): AirgapError {
    const { digest } = this.#root.descriptor;
    return new AirgapError('ERR_PROTOCOL', `Cannot follow index "${digest}": ${state}`, { digest });
  }
}

function schema1(child: Descriptor): AirgapError {
  const message = `Cannot take manifest "${child.digest}": it is of Docker schema 1, which containerd does not run any more`;
  return new AirgapError('ERR_UNSUPPORTED', message, {
    digest: child.digest,
    hint: 'ask for a newer tag, or rebuild the image',
  });
}
