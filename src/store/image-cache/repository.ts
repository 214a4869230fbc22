/** One repository of an image cache. */
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestOf, isDigest } from '../../oci/digest.ts';
import { isManifestType } from '../../oci/media-type.ts';
import { isTag, printReference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { type ManifestFacts, manifestLimit, peekManifest } from '../peek.ts';
import type {
  CallOptions,
  FetchOptions,
  ManifestContent,
  PushOptions,
  PushResult,
  ReopenableContent,
  UnverifiedContent,
  WritableRepository,
} from '../store.ts';
import { checkManifest, digestMismatch } from '../verified.ts';
import type { CacheFiles } from './cache-files.ts';
import { blobPath, digestFolder, digestOfName, manifestPath, repositoryPath, tagFolder, tagPath } from './names.ts';
import type { CacheTree } from './tree.ts';

/** What the repositories of one cache share. */
export interface CacheParts {
  /** For messages: `image cache "DIR"`. */
  readonly place: string;
  readonly tree: () => CacheTree;
  /** Where new content goes. Throws when the cache is open for reading alone, or closed. */
  readonly files: () => CacheFiles;
  /** What is known of manifests by digest; they never change. */
  readonly facts: Map<Digest, StoredFacts>;
}

export interface StoredFacts extends ManifestFacts {
  readonly size: number;
}

/** Why a manifest that an index lists may be absent (talosctl's `--platform` is linux/amd64 by default). */
const otherPlatforms =
  'talosctl caches one platform unless it is told otherwise: name the one that is there, for example --platform linux/amd64, with --narrow where the target takes no index without all its parts';

export class CacheRepository implements WritableRepository {
  readonly name: RepositoryName;
  readonly #parts: CacheParts;

  constructor(name: RepositoryName, parts: CacheParts) {
    this.name = { registry: name.registry, repository: name.repository };
    this.#parts = parts;
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const digest = await this.#digestOf(tagOrDigest);
    const facts = digest === undefined ? undefined : await manifestFacts(this.#parts, this.name, digest);
    if (digest === undefined || facts === undefined) throw this.#notFound(tagOrDigest);
    return { mediaType: facts.mediaType, digest, size: facts.size };
  }

  async manifest(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ManifestContent> {
    throwIfAborted(options.signal);
    const digest = await this.#digestOf(tagOrDigest);
    const bytes = digest === undefined ? undefined : await this.#read(manifestPath(this.name, digest));
    if (digest === undefined || bytes === undefined) throw this.#notFound(tagOrDigest);
    const actual = digestOf(bytes);
    if (actual !== digest) throw digestMismatch(digest, actual);
    const facts = await manifestFacts(this.#parts, this.name, digest);
    if (facts === undefined) throw this.#notFound(tagOrDigest);
    return { descriptor: { mediaType: facts.mediaType, digest, size: bytes.length }, bytes };
  }

  /** A tag stands for the digest of its file's bytes, and only where the same bytes are there by digest: else a node answers with an error. */
  async #digestOf(tagOrDigest: Tag | Digest): Promise<Digest | undefined> {
    if (isDigest(tagOrDigest)) return isHeld(tagOrDigest) ? tagOrDigest : undefined;
    const bytes = await this.#read(tagPath(this.name, tagOrDigest as Tag));
    return bytes === undefined ? undefined : digestOf(bytes);
  }

  #read(path: string): Promise<Buffer | undefined> {
    return this.#parts.tree().read(path, manifestLimit);
  }

  /** A blob is here when the cache has it, whichever repository it came with; a manifest is of this repository alone. */
  async exists(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const { digest, size, mediaType } = descriptor;
    if (!isHeld(digest)) return false;
    // Manifests are small: one that went bad counts as absent, and is written again.
    if (isManifestType(mediaType)) return (await manifestFacts(this.#parts, this.name, digest))?.size === size;
    return (await this.#parts.tree().size(blobPath(digest))) === size;
  }

  async fetch(descriptor: Descriptor, options: FetchOptions = {}): Promise<UnverifiedContent> {
    throwIfAborted(options.signal);
    const { digest } = descriptor;
    const tree = this.#parts.tree();
    const path = isManifestType(descriptor.mediaType) ? manifestPath(this.name, digest) : blobPath(digest);
    const size = isHeld(digest) ? await tree.size(path) : undefined;
    const thing = `Cannot read blob "${digest}" from ${this.#parts.place}`;
    if (size === undefined) throw new AirgapError('ERR_NOT_FOUND', `${thing}: it is not there`, { digest });
    if (size !== descriptor.size) {
      const state = `the file has ${size} bytes where ${descriptor.size} were promised`;
      throw new AirgapError('ERR_SIZE_MISMATCH', `${thing}: ${state}`, { digest });
    }
    const end = Math.min(options.end ?? size, size);
    return tree.content(path, {
      start: options.offset ?? 0,
      end,
      signal: options.signal,
      transient: options.transient,
    });
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    return isHeld(digest) ? this.#parts.tree().size(blobPath(digest)) : undefined;
  }

  async contentStamp(digest: Digest): Promise<string | undefined> {
    if (!isHeld(digest)) return undefined;
    const tree = this.#parts.tree();
    return (await tree.stamp(blobPath(digest))) ?? tree.stamp(manifestPath(this.name, digest));
  }

  async *tags(options: CallOptions = {}): AsyncGenerator<Tag> {
    throwIfAborted(options.signal);
    const tags = await tagsOf(this.#parts.tree(), this.name);
    if (tags.length === 0 && (await digestsOf(this.#parts.tree(), this.name)).length === 0) {
      throw this.#notFound(undefined);
    }
    yield* tags;
  }

  /** Never: a node's registry has no such API and is asked for the tag `sha256-HEX` instead, so that is what has to be here. */
  async referrers(_subject: Digest, options: CallOptions = {}): Promise<undefined> {
    throwIfAborted(options.signal);
    return undefined;
  }

  async push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions = {}): Promise<PushResult> {
    throwIfAborted(options.signal);
    const files = this.#parts.files();
    if ((await this.#parts.tree().size(blobPath(descriptor.digest))) === descriptor.size) return { startedAt: 0 };
    return files.blobs.push(descriptor, content, options);
  }

  async pushManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    const files = this.#parts.files();
    checkManifest(descriptor, bytes);
    const { digest } = descriptor;
    await files.writeManifest(this.name, { digest, bytes, tag: options.tag }, this.#parts.tree());
  }

  /** Blobs are shared by all repositories: true whenever the cache has it. */
  async mount(descriptor: Descriptor, _from: RepositoryName, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    return (await this.blobSize(descriptor.digest)) === descriptor.size;
  }

  #notFound(what: Tag | Digest | undefined): AirgapError {
    const { registry, repository } = this.name;
    const named = what === undefined ? {} : isDigest(what) ? { digest: what } : { tag: what as Tag };
    const reference = printReference({ registry, repository, ...named });
    const hint = what !== undefined && isDigest(what) ? otherPlatforms : undefined;
    return new AirgapError('ERR_NOT_FOUND', `Cannot find "${reference}": it is not in ${this.#parts.place}`, {
      reference,
      hint,
    });
  }
}

/** Whether a cache can hold content with such a digest at all. */
function isHeld(digest: Digest): boolean {
  return digest.startsWith('sha256:');
}

/** Sorted. */
export async function tagsOf(tree: CacheTree, name: RepositoryName): Promise<Tag[]> {
  const entries = await tree.entries(`${repositoryPath(name)}/${tagFolder}`);
  return entries.flatMap((entry) => (entry.kind === 'file' && isTag(entry.name) ? [entry.name] : []));
}

/** Digests of all manifests of a repository, sorted. */
export async function digestsOf(tree: CacheTree, name: RepositoryName): Promise<Digest[]> {
  const entries = await tree.entries(`${repositoryPath(name)}/${digestFolder}`);
  return entries.flatMap((entry) => (entry.kind === 'file' ? (digestOfName(entry.name) ?? []) : []));
}

/** Read once, and only believed when the bytes are those of the digest. Undefined when the manifest is not in the repository, or is none. */
export async function manifestFacts(
  parts: Pick<CacheParts, 'tree' | 'facts'>,
  name: RepositoryName,
  digest: Digest,
): Promise<StoredFacts | undefined> {
  const path = manifestPath(name, digest);
  const known = parts.facts.get(digest);
  if (known !== undefined) return (await parts.tree().size(path)) === known.size ? known : undefined;
  const bytes = await parts.tree().read(path, manifestLimit);
  if (bytes === undefined || digestOf(bytes) !== digest) return undefined;
  const facts = peekManifest(bytes);
  if (facts === undefined) return undefined;
  const stored = { ...facts, size: bytes.length };
  parts.facts.set(digest, stored);
  return stored;
}
