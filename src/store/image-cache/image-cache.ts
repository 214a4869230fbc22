/** What an image cache can do besides what every store can. */
import type { CallOptions, Target } from '../store.ts';

/** `flat`: the tree as files, for `talosctl image cache-serve`. `oci`: one image with the tree in its layer, for the imager and for registries. */
export type CacheForm = 'flat' | 'oci';

export interface ImageCacheOptions extends CallOptions {
  /** False leaves the directory as it is, and refuses every write. */
  readonly write: boolean;
  /** What is to be written. Both forms are read whatever is said here. Default `flat`. */
  readonly form?: CacheForm | undefined;
  /** Architectures whose imager takes the OCI form. Default `amd64`, as talosctl writes it for all platforms. */
  readonly architectures?: readonly string[] | undefined;
  /** Existing directory for a layer that has to be unpacked to be read. Default: the system's for temporary files. */
  readonly staging?: string | undefined;
}

export interface ImageCache extends Target {
  readonly form: CacheForm;
  /** Bytes of all files of the tree: what a node keeps. */
  treeBytes(): Promise<number>;
  /** References of manifests that say no media type of their own: nodes of older releases answer a request for one with an error. */
  untyped(): Promise<readonly string[]>;
  /** Makes the OCI form of what was written, and of what was there before; to be called when all has come. False: nothing was new, or the form is flat and needs no end. */
  seal(options?: CallOptions): Promise<boolean>;
  /** Without seal(), what was written for an OCI form is kept and the next run goes on from there. */
  close(): Promise<void>;
}

/** Whether a store that was opened as some end is an image cache. */
export function isImageCache<T extends object>(store: T): store is T & ImageCache {
  return 'seal' in store && 'treeBytes' in store;
}
