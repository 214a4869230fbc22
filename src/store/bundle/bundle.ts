/** The two sides of a bundle: what writing one and reading one offer beside the interfaces of a store. */
import type { AirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { CallOptions, Source, Target } from '../store.ts';
import type { UnreadPart } from './parts.ts';
import type { BaseBlob, BundleSet } from './set.ts';

/** One file, or the volumes of a set in a directory. */
export type BundlePlace =
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'volumes'; readonly directory: string };

/** An image as the bundle will name it. */
export interface BundledImage {
  readonly name: RepositoryName;
  /** Children before what names them. */
  readonly manifests: readonly { readonly descriptor: Descriptor; readonly children: readonly Digest[] }[];
  readonly tags: readonly { readonly tag: Tag; readonly digest: Digest }[];
}

/** Everything a bundle will hold, known before the first byte is written. The same contents give the same bytes. */
export interface BundleContents {
  readonly images: readonly BundledImage[];
  readonly blobs: readonly Descriptor[];
  /** `airgap.lock` and what else travels along, by the name it has in the bundle. */
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** What the receiver has: blobs that are left out. */
  readonly base: readonly BaseBlob[];
  /** Manifests and blobs of images that the receiver has whole: neither they nor the names of their images are in the bundle. */
  readonly known: readonly { readonly digest: Digest; readonly size: number }[];
  /** The release the images are for, as in `v1.14.4`. */
  readonly talos?: string | undefined;
}

export interface BundleWriteOptions {
  /** Largest volume in bytes; with `volumes` alone. */
  readonly volumeSize?: number | undefined;
  /** Write this volume alone, counted from 1. */
  readonly onlyVolume?: number | undefined;
  /** Look at the place and write nothing there, not even a lock: only reserve() and questions work. Default false. */
  readonly dryRun?: boolean | undefined;
  /** Signs `airgap/set.json`. At most 512 bytes. Default: the bundle is not signed. */
  readonly sign?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Whether a signature that stands in a finished bundle is one `sign` could have made. Default: any is. */
  readonly isSignature?: ((bytes: Uint8Array, signature: Uint8Array) => boolean) | undefined;
}

/** Where everything will be. Nothing is written yet. */
export interface BundleReservation {
  readonly set: BundleSet;
  /** Bytes of all files of the bundle that will be written, volumes added up. */
  readonly bytes: number;
  /** Bytes that have to be free on the file system: what is not there yet of them. */
  readonly newBytes: number;
  /** The bundle stands already, with exactly these contents: nothing will be written. */
  readonly isComplete: boolean;
}

export interface BundleWriter extends Target {
  /**
   * Decides where everything goes, and writes nothing. To be called once, before anything is asked or pushed. Afterwards exists()
   * and resolve() tell what an interrupted or an earlier bundle of this name has already, and, for what is in `base` and `known`, yes.
   * Throws ERR_USAGE where volumes would be too small, ERR_INPUT_INVALID where something else is in the place.
   */
  reserve(contents: BundleContents, options?: CallOptions): Promise<BundleReservation>;
  /** Completes the bundle and makes it visible under its name. Throws ERR_PROTOCOL when content that was reserved has not come. */
  finish(
    options?: CallOptions,
  ): Promise<{ readonly files: readonly { readonly path: string; readonly size: number }[] }>;
  /** Without finish(): what came is kept and the next run goes on from there. */
  close(): Promise<void>;
}

export interface BundleReadOptions extends CallOptions {
  /** PEM of an Ed25519 or P-256 public key: the bundle must be signed with its other half. Default: signatures are not looked at. */
  readonly verifyKey?: string | undefined;
  /** Names the key's file in messages. */
  readonly verifyKeyName?: string | undefined;
  /** A directory where parts of blobs wait for volumes that are not here yet; what lies there counts as here. Default: none. */
  readonly staging?: string | undefined;
  /** Take files that end too early for what they have, to tell what is missing of them. Default false: they are refused. */
  readonly cutShort?: boolean | undefined;
}

export interface BundleSource extends Source {
  /** Undefined for an archive of another tool: a tar of an OCI layout without our index. */
  readonly set: BundleSet | undefined;
  /** `bundle "FILE"`, for messages. */
  readonly place: string;
  /** Files that end before their tar does, where `cutShort` lets them pass. */
  readonly cutShort: readonly string[];
  /** Numbers of volumes that are not here, ascending. */
  readonly missingVolumes: readonly number[];
  readonly signature: 'absent' | 'unchecked' | 'verified';
  /** Bytes of `airgap.lock` or another named file, its digest checked; undefined when the bundle has none of that name. */
  file(name: string): Promise<Uint8Array | undefined>;
  /** Whether the bundle should have this content: manifests and blobs of its set, in volumes that are here or not; of an archive without a set what is in it. */
  promises(digest: Digest): boolean;
  /** Volumes that have a part of this blob and are not here; empty when it can be read. */
  absentVolumes(digest: Digest): readonly number[];
  /** What reading through the store passes over: copies of manifests in other volumes, and parts of blobs whose other volumes are not here. */
  readonly unread: readonly UnreadPart[];
  /**
   * Copies the parts here of blobs that are not complete here into the staging directory, and tells how many bytes; does nothing without
   * one. A part that waits there already and is wrong is replaced. Throws ERR_DIGEST_MISMATCH naming the volume when all others are copied.
   */
  stage(options?: StageOptions): Promise<number>;
  /** Removes from the staging directory what this set put there. */
  unstage(options?: Pick<StageOptions, 'only'>): Promise<void>;
  /**
   * Looks for the part that is to blame for content with wrong bytes, and gives the error that names its file. Parts that waited in the
   * staging directory are removed where no volume here is to blame. Undefined when nothing is wrong here.
   */
  blame(digest: Digest, options?: CallOptions): Promise<AirgapError | undefined>;
}

export interface StageOptions extends CallOptions {
  /** Parts of these blobs alone. Default: of all. */
  readonly only?: ReadonlySet<Digest> | undefined;
}
