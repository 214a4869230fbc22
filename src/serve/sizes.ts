/** Sizes of blobs as manifests claim them: a request for a blob says its digest alone. */
import type { Digest } from '../oci/digest.ts';
import { peekManifest } from '../store/peek.ts';
import { forgetOldest } from './oldest.ts';

/** Entries kept; the oldest go first. */
const limit = 50_000;

export interface RememberedSizes {
  get(digest: Digest): number | undefined;
  /** Learns what a manifest names. */
  learn(manifest: Uint8Array): void;
}

export function rememberedSizes(): RememberedSizes {
  const sizes = new Map<Digest, number>();
  return {
    get: (digest) => sizes.get(digest),
    learn(manifest) {
      for (const part of peekManifest(manifest)?.parts ?? []) {
        if (part.role !== 'manifest') sizes.set(part.digest, part.size);
      }
      forgetOldest(sizes, limit);
    },
  };
}
