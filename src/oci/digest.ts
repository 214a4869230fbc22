/** Content digests: `algorithm:hex`, OCI image-spec v1.1, descriptor.md "Digests". */
import { createHash, type Hash } from 'node:crypto';
import { AirgapError } from '../errors.ts';

declare const digestBrand: unique symbol;

/** `sha256:` and 64 lower-case hex digits, or `sha512:` and 128. Only parseDigest() and digestOf() make one. */
export type Digest = string & { readonly [digestBrand]: true };

export type DigestAlgorithm = 'sha256' | 'sha512';

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/** Throws ERR_REFERENCE_INVALID unless `text` is a sha256 or sha512 digest. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new AirgapError(
    'ERR_REFERENCE_INVALID',
    `Cannot read digest ${JSON.stringify(text.slice(0, 160))}: not sha256 or sha512 in lower-case hex`,
  );
}

export function algorithmOf(digest: Digest): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** The part after the colon. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** A running hash of the digest's own algorithm. */
export function hasherFor(digest: Digest): Hash {
  return createHash(algorithmOf(digest));
}

export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** Reads the digest of a finished hash. */
export function digestFrom(hash: Hash, algorithm: DigestAlgorithm): Digest {
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}
