/** Where a layout keeps content by digest: a directory of files, or the inside of a bundle. The names above it are the same in both. */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest, DigestAlgorithm } from '../../oci/digest.ts';
import type {
  FetchOptions,
  IncomingUpload,
  PushOptions,
  PushResult,
  ReopenableContent,
  UnverifiedContent,
} from '../store.ts';

export interface BlobShelf {
  /** Bytes of content; undefined when it is not there. */
  size(digest: Digest): Promise<number | undefined>;
  /** Small content whole, unchecked; undefined when it is not there or larger than `limit` bytes. */
  read(digest: Digest, limit: number): Promise<Buffer | undefined>;
  /** Opens a blob when its first byte is asked for. Throws ERR_NOT_FOUND, and ERR_SIZE_MISMATCH when it has another size than the descriptor. */
  fetch(descriptor: Descriptor, options: FetchOptions): Promise<UnverifiedContent>;
  /** Stores a blob; nothing is visible unless size and digest match. */
  push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions): Promise<PushResult>;
  /** Stores checked bytes whole. */
  write(digest: Digest, bytes: Uint8Array): Promise<void>;
  /** A text that differs whenever the stored bytes may have changed; undefined when it is not there. */
  stamp(digest: Digest): Promise<string | undefined>;
  /** A place for bytes whose digest is not known yet. Absent where nothing new can be written. */
  receive?(algorithm: DigestAlgorithm): Promise<IncomingUpload>;
  /** Takes content away for good. False: it is not there. Absent where nothing can be. */
  remove?(digest: Digest): Promise<boolean>;
}
