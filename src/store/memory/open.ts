/** A store in memory: for tests and for the library. */
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { isManifestType } from '../../oci/media-type.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { peekManifest, referrerDescriptor } from '../peek.ts';
import type {
  CallOptions,
  FetchOptions,
  ManifestContent,
  PushResult,
  ReopenableContent,
  Target,
  UnverifiedContent,
  WritableRepository,
} from '../store.ts';
import { checkManifest, verifiedContent } from '../verified.ts';

/** Bytes of a blob are handed out in chunks of this size. */
const chunkSize = 256 * 1024;

/** An empty store. Each repository holds its own blobs: what another one has must be mounted or pushed. It takes sparse indexes. */
export function openMemory(): Target {
  return new MemoryStore();
}

interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

interface Contents {
  readonly name: RepositoryName;
  readonly blobs: Map<Digest, Uint8Array>;
  readonly manifests: Map<Digest, StoredManifest>;
  readonly tags: Map<Tag, Digest>;
}

class MemoryStore implements Target {
  readonly #contents = new Map<string, Contents>();
  #revision = 0;

  repository(name: RepositoryName): WritableRepository {
    return new MemoryRepository(name, {
      find: (wanted) => this.#contents.get(keyOf(wanted)),
      make: () => this.#make(name),
      changed: () => {
        this.#revision += 1;
      },
    });
  }

  async *catalog(options: CallOptions = {}): AsyncGenerator<RepositoryName> {
    throwIfAborted(options.signal);
    for (const key of [...this.#contents.keys()].sort()) {
      const contents = this.#contents.get(key);
      if (contents !== undefined && contents.manifests.size > 0) yield contents.name;
    }
  }

  async revision(): Promise<string> {
    return String(this.#revision);
  }

  async acceptsSparseIndex(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {}

  #make(name: RepositoryName): Contents {
    const found = this.#contents.get(keyOf(name));
    if (found !== undefined) return found;
    const made: Contents = {
      name: { registry: name.registry, repository: name.repository },
      blobs: new Map(),
      manifests: new Map(),
      tags: new Map(),
    };
    this.#contents.set(keyOf(name), made);
    return made;
  }
}

interface Shelf {
  readonly find: (name: RepositoryName) => Contents | undefined;
  readonly make: () => Contents;
  readonly changed: () => void;
}

class MemoryRepository implements WritableRepository {
  readonly name: RepositoryName;
  readonly #shelf: Shelf;

  constructor(name: RepositoryName, shelf: Shelf) {
    this.name = name;
    this.#shelf = shelf;
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    return (await this.manifest(tagOrDigest, options)).descriptor;
  }

  async manifest(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ManifestContent> {
    throwIfAborted(options.signal);
    const contents = this.#shelf.find(this.name);
    const digest = isDigest(tagOrDigest) ? tagOrDigest : contents?.tags.get(tagOrDigest as Tag);
    const stored = digest === undefined ? undefined : contents?.manifests.get(digest);
    if (digest === undefined || stored === undefined) throw this.#notFound(tagOrDigest);
    return { descriptor: { mediaType: stored.mediaType, digest, size: stored.bytes.length }, bytes: stored.bytes };
  }

  async exists(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const contents = this.#shelf.find(this.name);
    const bytes = isManifestType(descriptor.mediaType)
      ? contents?.manifests.get(descriptor.digest)?.bytes
      : contents?.blobs.get(descriptor.digest);
    return bytes?.length === descriptor.size;
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    return this.#shelf.find(this.name)?.blobs.get(digest)?.length;
  }

  async fetch(descriptor: Descriptor, options: FetchOptions = {}): Promise<UnverifiedContent> {
    throwIfAborted(options.signal);
    const bytes = this.#shelf.find(this.name)?.blobs.get(descriptor.digest);
    if (bytes === undefined) throw this.#notFound(descriptor.digest);
    return slices(bytes.subarray(options.offset ?? 0, options.end), options.signal);
  }

  async *tags(options: CallOptions = {}): AsyncGenerator<Tag> {
    throwIfAborted(options.signal);
    const contents = this.#shelf.find(this.name);
    if (contents === undefined || contents.manifests.size === 0) throw this.#notFound(undefined);
    yield* [...contents.tags.keys()].sort();
  }

  async referrers(subject: Digest, options: CallOptions = {}): Promise<readonly Descriptor[]> {
    throwIfAborted(options.signal);
    const found: Descriptor[] = [];
    for (const [digest, stored] of this.#shelf.find(this.name)?.manifests ?? []) {
      const facts = peekManifest(stored.bytes);
      if (facts?.subject !== subject) continue;
      found.push(referrerDescriptor(digest, { ...facts, mediaType: stored.mediaType, size: stored.bytes.length }));
    }
    return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  async push(descriptor: Descriptor, content: ReopenableContent, options: CallOptions = {}): Promise<PushResult> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of verifiedContent(descriptor, content.open(0))) {
      throwIfAborted(options.signal);
      chunks.push(chunk);
    }
    this.#shelf.make().blobs.set(descriptor.digest, Buffer.concat(chunks));
    return { startedAt: 0 };
  }

  async pushManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    checkManifest(descriptor, bytes);
    const contents = this.#shelf.make();
    contents.manifests.set(descriptor.digest, { mediaType: descriptor.mediaType, bytes: Uint8Array.from(bytes) });
    if (options.tag !== undefined) contents.tags.set(options.tag, descriptor.digest);
    this.#shelf.changed();
  }

  async mount(descriptor: Descriptor, from: RepositoryName, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const bytes = this.#shelf.find(from)?.blobs.get(descriptor.digest);
    if (bytes === undefined) return false;
    this.#shelf.make().blobs.set(descriptor.digest, bytes);
    return true;
  }

  async removeTag(tag: Tag, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const removed = this.#shelf.find(this.name)?.tags.delete(tag) ?? false;
    if (removed) this.#shelf.changed();
    return removed;
  }

  async removeManifest(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const contents = this.#shelf.find(this.name);
    if (contents?.manifests.has(digest) !== true) return false;
    this.#refuseNeeded(contents, digest);
    contents.manifests.delete(digest);
    for (const [tag, named] of contents.tags) if (named === digest) contents.tags.delete(tag);
    this.#shelf.changed();
    return true;
  }

  async removeBlob(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const contents = this.#shelf.find(this.name);
    if (contents?.blobs.has(digest) !== true) return false;
    this.#refuseNeeded(contents, digest);
    return contents.blobs.delete(digest);
  }

  #refuseNeeded({ manifests }: Contents, digest: Digest): void {
    for (const [user, { bytes }] of manifests) {
      if (peekManifest(bytes)?.parts.some((part) => part.digest === digest) !== true) continue;
      throw new AirgapError(
        'ERR_DENIED',
        `Cannot remove "${digest}" from memory: ${keyOf(this.name)}@${user} needs it`,
      );
    }
  }

  #notFound(what: string | undefined): AirgapError {
    const name = keyOf(this.name);
    const separator = what !== undefined && isDigest(what) ? '@' : ':';
    const thing = what === undefined ? name : `${name}${separator}${what}`;
    return new AirgapError('ERR_NOT_FOUND', `Cannot find "${thing}": it is not in memory`, { reference: thing });
  }
}

async function* slices(bytes: Uint8Array, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += chunkSize) {
    throwIfAborted(signal);
    yield bytes.subarray(start, start + chunkSize);
  }
}

function keyOf(name: RepositoryName): string {
  return `${name.registry}/${name.repository}`;
}
