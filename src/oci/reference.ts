/** Placeholder types; the grammar follows. */
import type { Digest } from './digest.ts';

declare const tagBrand: unique symbol;

/** `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}` (OCI distribution-spec v1.1). Only parseTag() makes one. */
export type Tag = string & { readonly [tagBrand]: true };

export interface RepositoryName {
  /** `host[:port]`, lower case; `docker.io` for Docker Hub under any of its names. */
  readonly registry: string;
  /** Path below the registry, for Docker Hub with `library/` written out. */
  readonly repository: string;
}

/** Keeps a tag and a digest when both were written: the digest decides, the tag is carried along. At least one is there. */
export interface Reference extends RepositoryName {
  readonly tag?: Tag;
  readonly digest?: Digest;
}
