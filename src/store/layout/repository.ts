/** One repository of a layout. */
import { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, type DigestAlgorithm, digestOf, isDigest } from '../../oci/digest.ts';
import { isManifestType } from '../../oci/media-type.ts';
import { printReference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { manifestLimit, peekManifest, referrerDescriptor } from '../peek.ts';
import type {
  CallOptions,
  FetchOptions,
  IncomingUpload,
  ManifestContent,
  PushOptions,
  PushResult,
  ReopenableContent,
  UnverifiedContent,
  WritableRepository,
} from '../store.ts';
import { checkManifest, digestMismatch } from '../verified.ts';
import type { LayoutNames } from './names.ts';
import { factsOf, type LayoutParts, reachable } from './reach.ts';
import { removeBlob, removeManifest } from './removal.ts';

export class LayoutRepository implements WritableRepository {
  readonly name: RepositoryName;
  readonly #parts: LayoutParts;

  constructor(name: RepositoryName, parts: LayoutParts) {
    this.name = { registry: name.registry, repository: name.repository };
    this.#parts = parts;
  }

  async resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const names = await this.#parts.names();
    const digest = this.#digestOf(names, tagOrDigest);
    const facts = digest === undefined ? undefined : await factsOf(this.#parts, digest);
    if (digest === undefined || facts === undefined) throw this.#notFound(tagOrDigest);
    if ((await this.#parts.blobs.size(digest)) !== facts.size) throw this.#notFound(tagOrDigest);
    if (isDigest(tagOrDigest) && !(await this.#leadsTo(names, digest))) throw this.#notFound(tagOrDigest);
    return { mediaType: names.mediaTypeOf(digest) ?? facts.mediaType, digest, size: facts.size };
  }

  async manifest(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ManifestContent> {
    const descriptor = await this.resolve(tagOrDigest, options).catch(async (error: unknown) => {
      throw (await this.#damageOf(tagOrDigest)) ?? error;
    });
    const bytes = await this.#parts.blobs.read(descriptor.digest, manifestLimit);
    if (bytes === undefined) throw this.#notFound(tagOrDigest);
    checkManifest(descriptor, bytes);
    return { descriptor, bytes };
  }

  #digestOf(names: LayoutNames, tagOrDigest: Tag | Digest): Digest | undefined {
    return isDigest(tagOrDigest) ? tagOrDigest : names.tag(this.name, tagOrDigest as Tag)?.digest;
  }

  /** Why a manifest that the repository names cannot be given, where its file is there and has other bytes. */
  async #damageOf(tagOrDigest: Tag | Digest): Promise<AirgapError | undefined> {
    const names = await this.#parts.names();
    const digest = this.#digestOf(names, tagOrDigest);
    const bytes = digest === undefined ? undefined : await this.#parts.blobs.read(digest, manifestLimit);
    if (digest === undefined || bytes === undefined) return undefined;
    const actual = digestOf(bytes, algorithmOf(digest));
    if (actual === digest) return undefined;
    return (await this.#leadsTo(names, digest)) ? digestMismatch(digest, actual) : undefined;
  }

  /** Whether the repository names a manifest or something it names lists it, here or not. */
  async #leadsTo(names: LayoutNames, digest: Digest): Promise<boolean> {
    const { facts } = this.#parts;
    const reached = await reachable(this.#parts, names, this.name);
    if (reached.has(digest)) return true;
    const entries = names.entries(this.name);
    const isListed = (parent: Digest) =>
      facts.get(parent)?.parts.some((part) => part.role === 'manifest' && part.digest === digest);
    if (!entries.includes(digest) && !entries.some(isListed) && ![...reached].some(isListed)) return false;
    // Something on the way was damaged or not here when the names were followed last.
    names.followAgain(this.name);
    return true;
  }

  /** A blob is here when the layout has it, whichever repository it was pushed to. A manifest must be named in this repository, or by something that is. */
  async exists(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    if ((await this.#parts.blobs.size(descriptor.digest)) !== descriptor.size) return false;
    if (!isManifestType(descriptor.mediaType)) return true;
    return (await reachable(this.#parts, await this.#parts.names(), this.name)).has(descriptor.digest);
  }

  async fetch(descriptor: Descriptor, options: FetchOptions = {}): Promise<UnverifiedContent> {
    throwIfAborted(options.signal);
    return this.#parts.blobs.fetch(descriptor, options);
  }

  async blobSize(digest: Digest): Promise<number | undefined> {
    return this.#parts.blobs.size(digest);
  }

  async contentStamp(digest: Digest): Promise<string | undefined> {
    return this.#parts.blobs.stamp(digest);
  }

  async *tags(options: CallOptions = {}): AsyncGenerator<Tag> {
    throwIfAborted(options.signal);
    const tags = (await this.#parts.names()).tags(this.name);
    if (tags === undefined) throw this.#notFound(undefined);
    yield* tags;
  }

  /** Found by reading every manifest of the repository, once. Sorted by digest. */
  async referrers(subject: Digest, options: CallOptions = {}): Promise<readonly Descriptor[]> {
    throwIfAborted(options.signal);
    const found: Descriptor[] = [];
    for (const digest of await reachable(this.#parts, await this.#parts.names(), this.name)) {
      const facts = this.#parts.facts.get(digest);
      if (facts?.subject === subject) found.push(referrerDescriptor(digest, facts));
    }
    return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  async push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions = {}): Promise<PushResult> {
    throwIfAborted(options.signal);
    this.#parts.refuseUnlessWritable();
    return this.#parts.blobs.push(descriptor, content, options);
  }

  async pushManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    throwIfAborted(options.signal);
    this.#parts.refuseUnlessWritable();
    checkManifest(descriptor, bytes);
    await this.#parts.blobs.write(descriptor.digest, bytes);
    const facts = peekManifest(bytes);
    const children = (facts?.parts ?? []).filter((part) => part.role === 'manifest').map((part) => part.digest);
    (await this.#parts.names()).put(this.name, { descriptor, tag: options.tag, children });
    await this.#parts.changed(options.tag !== undefined);
  }

  /** Blobs are shared by all repositories: true whenever the layout has it. */
  async mount(descriptor: Descriptor, _from: RepositoryName, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    return (await this.#parts.blobs.size(descriptor.digest)) === descriptor.size;
  }

  async removeTag(tag: Tag, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    this.#parts.refuseUnlessWritable();
    const removed = (await this.#parts.names()).removeTag(this.name, tag);
    if (removed) await this.#parts.changed(true);
    return removed;
  }

  async removeManifest(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    this.#parts.refuseUnlessWritable();
    return removeManifest(this.#parts, { name: this.name, digest });
  }

  async removeBlob(digest: Digest, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    this.#parts.refuseUnlessWritable();
    return removeBlob(this.#parts, { name: this.name, digest });
  }

  async receive(options: { readonly algorithm?: DigestAlgorithm | undefined } = {}): Promise<IncomingUpload> {
    this.#parts.refuseUnlessWritable();
    const { place, blobs } = this.#parts;
    const upload = await blobs.receive?.(options.algorithm ?? 'sha256');
    if (upload !== undefined) return upload;
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot write to ${place}: it takes no uploads`);
  }

  #notFound(what: Tag | Digest | undefined): AirgapError {
    const { registry, repository } = this.name;
    const named = what === undefined ? {} : isDigest(what) ? { digest: what } : { tag: what as Tag };
    const reference = printReference({ registry, repository, ...named });
    const state = `it is not in ${this.#parts.place}`;
    return new AirgapError('ERR_NOT_FOUND', `Cannot find "${reference}": ${state}`, { reference });
  }
}
