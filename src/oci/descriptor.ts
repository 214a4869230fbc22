/** A descriptor points at content: media type, digest and size (OCI image-spec v1.1, descriptor.md). */
import type { Digest } from './digest.ts';
import type { Platform } from './platform.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly platform?: Platform;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Where foreign layers are to be fetched from. */
  readonly urls?: readonly string[];
}
