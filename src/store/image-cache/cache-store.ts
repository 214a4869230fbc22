/** The store over the files of an image cache. */
import { AirgapError } from '../../errors.ts';
import { type Digest, digestOf } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { formatRepository, printReference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { manifestLimit } from '../peek.ts';
import type { CallOptions, IndexedManifest, WritableRepository } from '../store.ts';
import type { CacheFiles } from './cache-files.ts';
import type { CacheForm, ImageCache } from './image-cache.ts';
import { fileAt, manifestFolder, manifestPath, tagPath } from './names.ts';
import { CacheRepository, digestsOf, manifestFacts, type StoredFacts, tagsOf } from './repository.ts';
import { type CacheTree, filesBelow } from './tree.ts';
import { cacheFiles } from './write-form.ts';

export interface OpenedCache {
  /** Absolute. */
  readonly root: string;
  readonly form: CacheForm;
  readonly tree: CacheTree;
  /** Absent where the cache is only read. */
  readonly files?: CacheFiles;
  /** Gives the tree of the new form; undefined when there was nothing to do. The old tree is closed then. */
  readonly seal?: (signal: AbortSignal | undefined) => Promise<CacheTree | undefined>;
  readonly unlock: () => Promise<void>;
}

export class CacheStore implements ImageCache {
  readonly form: CacheForm;
  readonly #opened: OpenedCache;
  readonly #facts = new Map<Digest, StoredFacts>();
  #tree: CacheTree;
  #state: 'open' | 'sealed' | 'closed' = 'open';

  constructor(opened: OpenedCache) {
    this.form = opened.form;
    this.#opened = opened;
    this.#tree = opened.tree;
  }

  repository(name: RepositoryName): WritableRepository {
    return new CacheRepository(name, {
      place: `image cache "${this.#opened.root}"`,
      tree: () => this.#tree,
      files: () => this.#files(),
      facts: this.#facts,
    });
  }

  async *catalog(options: CallOptions = {}): AsyncGenerator<RepositoryName> {
    throwIfAborted(options.signal);
    yield* await this.#repositories();
  }

  /** Every tag, and what neither a tag nor another manifest of its repository leads to. */
  async *indexed(options: CallOptions = {}): AsyncGenerator<IndexedManifest> {
    for (const name of await this.#repositories()) {
      throwIfAborted(options.signal);
      const led = new Set<Digest>();
      for (const tag of await tagsOf(this.#tree, name)) {
        const bytes = await this.#tree.read(tagPath(name, tag), manifestLimit);
        if (bytes === undefined) continue;
        const digest = digestOf(bytes);
        led.add(digest);
        yield await this.#entry(name, { digest, size: bytes.length, tag });
      }
      yield* this.#roots(name, led);
    }
  }

  async *#roots(name: RepositoryName, led: Set<Digest>): AsyncGenerator<IndexedManifest> {
    const digests = await digestsOf(this.#tree, name);
    for (const digest of digests) {
      const facts = await this.#factsOf(name, digest);
      for (const part of facts?.parts ?? []) if (part.role === 'manifest') led.add(part.digest);
    }
    for (const digest of digests) {
      const size = led.has(digest) ? undefined : await this.#tree.size(manifestPath(name, digest));
      if (size !== undefined) yield await this.#entry(name, { digest, size, tag: undefined });
    }
  }

  async #entry(
    name: RepositoryName,
    found: { readonly digest: Digest; readonly size: number; readonly tag: Tag | undefined },
  ): Promise<IndexedManifest> {
    const { digest, size, tag } = found;
    const mediaType = (await this.#factsOf(name, digest))?.mediaType ?? mediaTypes.ociManifest;
    const reference = printReference({ ...name, ...(tag === undefined ? { digest } : { tag }) });
    return { descriptor: { mediaType, digest, size }, name: reference, repository: name, tag };
  }

  #factsOf(name: RepositoryName, digest: Digest): Promise<StoredFacts | undefined> {
    return manifestFacts({ tree: () => this.#tree, facts: this.#facts }, name, digest);
  }

  /** An index with some platforms only is what talosctl itself writes: a node asks for its own. */
  async acceptsSparseIndex(): Promise<boolean> {
    return true;
  }

  async treeBytes(): Promise<number> {
    return [...(await cacheFiles(this.#tree)).values()].reduce((sum, size) => sum + size, 0);
  }

  async untyped(): Promise<readonly string[]> {
    const found: string[] = [];
    for await (const path of filesBelow(this.#tree, manifestFolder)) {
      const file = fileAt(path);
      if (file?.kind !== 'manifest') continue;
      const bytes = await this.#tree.read(path, manifestLimit);
      if (bytes !== undefined && !saysType(bytes)) found.push(printReference({ ...file.name, digest: file.digest }));
    }
    return found.sort();
  }

  async seal(options: CallOptions = {}): Promise<boolean> {
    this.#files();
    await this.flush();
    const tree = await this.#opened.seal?.(options.signal);
    if (tree === undefined) return false;
    this.#tree = tree;
    this.#state = 'sealed';
    return true;
  }

  async flush(): Promise<void> {
    await this.#opened.files?.blobs.sync();
  }

  /** Gives the lock back, even when what was written cannot be made to last. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    try {
      await this.flush();
    } finally {
      await this.#tree.close();
      await this.#opened.unlock();
    }
  }

  #files(): CacheFiles {
    const { files, root } = this.#opened;
    if (files !== undefined && this.#state === 'open') return files;
    const state = this.#state === 'open' ? 'it was opened for reading' : `it is ${this.#state}`;
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot write to image cache "${root}": ${state}`);
  }

  /** Sorted. */
  async #repositories(): Promise<RepositoryName[]> {
    const names = new Map<string, RepositoryName>();
    for await (const path of filesBelow(this.#tree, manifestFolder)) {
      const file = fileAt(path);
      if (file !== undefined && file.kind !== 'blob') names.set(formatRepository(file.name), file.name);
    }
    return [...names.keys()].sort().flatMap((key) => names.get(key) ?? []);
  }
}

/** Whether the document has a media type at its top, which is where a node looks (registry.go, getManifestData). */
function saysType(bytes: Buffer): boolean {
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { readonly mediaType?: unknown };
    return typeof mediaType === 'string' && mediaType !== '';
  } catch {
    return true;
  }
}
