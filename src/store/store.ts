/**
 * What a store of content can do: the interfaces every end implements (a registry, a layout directory, memory).
 * `test/conformance` states the contract once for all of them.
 */
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest, DigestAlgorithm } from '../oci/digest.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';

/** Bytes whose digest nobody has checked yet. Leaving the loop early releases whatever feeds it. */
export type UnverifiedContent = AsyncIterable<Uint8Array>;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface FetchOptions extends CallOptions {
  /** First byte wanted. Default 0. */
  readonly offset?: number | undefined;
  /** One past the last byte wanted. Default: the end. A store that cannot do ranges throws ERR_UNSUPPORTED when offset or end is given. */
  readonly end?: number | undefined;
  /** Take a connection only if one is free at once; throws ERR_UNSUPPORTED otherwise. For optional extra streams. Default false. */
  readonly onlyIfIdle?: boolean | undefined;
  /** The bytes go into a push to the same store, which may hold its last connection: do not wait for a free one, take one more. Default false. */
  readonly whilePushing?: boolean | undefined;
  /** Whoever reads is done with a chunk when the next one is asked for, so the store may read into the same memory again. Default false: chunks stay as they are. */
  readonly transient?: boolean | undefined;
}

/** A manifest's bytes, whose digest was computed by the store and matched what was asked for or claimed. At most 4 MiB. */
export interface ManifestContent {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export interface ReadableRepository {
  readonly name: RepositoryName;
  /** The descriptor a tag or digest stands for, as cheaply as possible (HEAD). Throws ERR_NOT_FOUND. For a blob digest use exists(). */
  resolve(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<Descriptor>;
  /** The manifest itself in one request. Throws ERR_NOT_FOUND, ERR_DIGEST_MISMATCH, ERR_SIZE_MISMATCH (over 4 MiB), ERR_UNSUPPORTED (schema 1). */
  manifest(tagOrDigest: Tag | Digest, options?: CallOptions): Promise<ManifestContent>;
  /** Whether content is here (manifest or blob told by media type) with the size the descriptor says. */
  exists(descriptor: Descriptor, options?: CallOptions): Promise<boolean>;
  /** Opens a blob's bytes, from `offset` to `end` where asked. Nothing is checked but the length of what was promised. Throws ERR_NOT_FOUND. */
  fetch(descriptor: Descriptor, options?: FetchOptions): Promise<UnverifiedContent>;
  /** The size in bytes of a blob that is here; undefined when it is not. Where the store knows it without asking anyone: what serving by digest needs. */
  blobSize?(digest: Digest, options?: CallOptions): Promise<number | undefined>;
  /** A text that differs whenever stored bytes may have changed since it was asked for last: who has checked them need not do so again while it stays. Absent where the store cannot tell. */
  contentStamp?(digest: Digest, options?: CallOptions): Promise<string | undefined>;
  /** Every tag, in any order. Throws ERR_NOT_FOUND when the repository is unknown. */
  tags?(options?: CallOptions): AsyncIterable<Tag>;
  /** Referrers by API. Undefined when the store does not have the API (ask the fallback tag instead). */
  referrers?(subject: Digest, options?: CallOptions): Promise<readonly Descriptor[] | undefined>;
}

/** Content that can be opened again from any offset: what lets an interrupted push go on. */
export interface ReopenableContent {
  /** Bytes from `offset` on. Opening at 0 checks size and digest on the way and fails before its last byte when they do not match. */
  open(offset: number): UnverifiedContent;
}

/** An upload a registry keeps for us: a hint that is checked (by asking the session) before it is used. */
export interface UploadState {
  readonly location: string;
  readonly offset: number;
}

export interface PushOptions extends CallOptions {
  /** An earlier attempt's state. Checked first; when the session is gone, the push starts at 0. */
  readonly resume?: UploadState | undefined;
  /** Called whenever bytes up to `offset` are safe at the target, and with undefined when the session ended. */
  readonly onState?: ((state: UploadState | undefined) => void) | undefined;
}

export interface PushResult {
  /** Where in the content the push started: above 0 when it went on with an earlier session. */
  readonly startedAt: number;
  /** True when the end hashed every byte itself, those of the earlier session included. */
  readonly verified?: boolean;
}

export interface WritableRepository extends ReadableRepository {
  /** Stores a blob. Nothing is visible unless size and digest match. Pushing twice is no error. One attempt: the copier repeats. */
  push(descriptor: Descriptor, content: ReopenableContent, options?: PushOptions): Promise<PushResult>;
  /** Stores a manifest by digest, or, with `tag`, by digest and tag at once. Bytes are stored as they are. */
  pushManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options?: CallOptions & { readonly tag?: Tag | undefined },
  ): Promise<void>;
  /** Makes a blob of another repository of this store available here. False: not possible, so push it. */
  mount?(descriptor: Descriptor, from: RepositoryName, options?: CallOptions): Promise<boolean>;
  /** Takes a tag away; the manifest it stood for stays, by its digest. False: there is no such tag. */
  removeTag?(tag: Tag, options?: CallOptions): Promise<boolean>;
  /** Takes a manifest out of the repository, with every tag that stands for it; its children stay. False: it is not here. Throws ERR_DENIED while an index that is here lists it. */
  removeManifest?(digest: Digest, options?: CallOptions): Promise<boolean>;
  /** Takes a blob away. False: it is not here. Throws ERR_DENIED while a manifest of the store needs it. */
  removeBlob?(digest: Digest, options?: CallOptions): Promise<boolean>;
  /** A place for bytes whose digest is said only when they end, in the store itself. `algorithm` is the digest that is likely, by default sha256. Absent where there is none: keep them elsewhere and push. */
  receive?(options?: { readonly algorithm?: DigestAlgorithm | undefined }): Promise<IncomingUpload>;
}

/** Bytes that arrive before anybody says their digest. Nobody sees them until finish(). Its calls must not overlap. */
export interface IncomingUpload {
  /** Bytes kept so far. */
  readonly size: number;
  /** Adds what comes. What came before a failure is kept. */
  append(content: UnverifiedContent): Promise<void>;
  /** Adds the last bytes and makes the whole a blob. Throws ERR_DIGEST_MISMATCH when it is another one: nothing is visible then. */
  finish(
    last: UnverifiedContent,
    options: CallOptions & {
      readonly digest: Digest;
      /** How many bytes `last` has, where that is known. */
      readonly length?: number | undefined;
    },
  ): Promise<void>;
  /** Gives the bytes up; nothing happens after finish(). */
  drop(): Promise<void>;
}

/** A manifest as a store's own index names it, whether or not its bytes are there and right. */
export interface IndexedManifest {
  /** Media type, digest and size as the index says. */
  readonly descriptor: Descriptor;
  /** The reference in full; for an entry of another tool, what that called it, which may be empty. */
  readonly name: string;
  /** Undefined where the name is no full reference: then every repository of the store can read it. */
  readonly repository: RepositoryName | undefined;
  readonly tag: Tag | undefined;
}

export interface Source {
  repository(name: RepositoryName): ReadableRepository;
  /** Names of all repositories, where the store can tell. Throws ERR_UNSUPPORTED or ERR_DENIED where it will not. */
  catalog?(options?: CallOptions): AsyncIterable<RepositoryName>;
  /** Everything the index names, by tag or by digest alone. Absent where a store has no index of its own. */
  indexed?(options?: CallOptions): AsyncIterable<IndexedManifest>;
  /** A text that differs whenever manifests or tags may have changed since it was asked for last. Cheap. Absent where the store cannot tell. */
  revision?(): Promise<string>;
  close(): Promise<void>;
}

export interface Target extends Source {
  repository(name: RepositoryName): WritableRepository;
  /** Resolves when every manifest whose push has resolved survives the end of the process. Absent where that is always so. */
  flush?(): Promise<void>;
  /** Whether this repository takes an index whose children are partly absent. Leaves nothing behind that a user can see. Undefined when only a write could tell and `mayWrite` is false (default true). */
  acceptsSparseIndex?(
    name: RepositoryName,
    options?: CallOptions & { readonly mayWrite?: boolean | undefined },
  ): Promise<boolean | undefined>;
}
