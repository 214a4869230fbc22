/** Content that proved its digest: what sits between a fetch and whatever makes bytes visible. */
import { AirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, digestFrom, digestOf, hasherFor } from '../oci/digest.ts';
import { isManifestType } from '../oci/media-type.ts';
import { manifestLimit } from './peek.ts';
import type { CallOptions, ReadableRepository, ReopenableContent, UnverifiedContent } from './store.ts';

/** Contents made by verifiedContent(), so that content is not hashed twice on its way. */
const proving = new WeakMap<UnverifiedContent, Descriptor>();

/**
 * The same bytes, hashed as they flow. Chunks are passed on as they are; the last one is held back until size and digest
 * are checked, so whoever needs the last byte never completes on wrong content. Can be read once.
 * Content that already proves the same descriptor is returned as it is. Nothing is opened before the first chunk is asked for.
 * Throws, while it is read, ERR_SIZE_MISMATCH (at once when more bytes come than promised) and ERR_DIGEST_MISMATCH, both retryable.
 */
export function verifiedContent(descriptor: Descriptor, content: UnverifiedContent): UnverifiedContent {
  const known = proving.get(content);
  if (known !== undefined && known.digest === descriptor.digest && known.size === descriptor.size) return content;
  const verified = checkEnd(descriptor, content);
  proving.set(verified, descriptor);
  return verified;
}

async function* checkEnd(descriptor: Descriptor, content: UnverifiedContent): AsyncGenerator<Uint8Array> {
  const hash = hasherFor(descriptor.digest);
  let received = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    if (chunk.length === 0) continue;
    received += chunk.length;
    if (received > descriptor.size)
      throw sizeMismatch(descriptor, `more than the promised ${descriptor.size} bytes came`);
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (received !== descriptor.size) throw cutShort(descriptor, received);
  const actual = digestFrom(hash, algorithmOf(descriptor.digest));
  if (actual !== descriptor.digest) throw digestMismatch(descriptor.digest, actual);
  if (held !== undefined) yield held;
}

/**
 * Content that is opened by `open(offset)`. From 0 it is verified; from later on only its length is checked, as the
 * bytes before are not seen: whoever continues has to hash the whole.
 */
export function reopenable(descriptor: Descriptor, open: (offset: number) => UnverifiedContent): ReopenableContent {
  return {
    open(offset: number): UnverifiedContent {
      if (offset === 0) return verifiedContent(descriptor, open(0));
      return checkLength(descriptor, { offset, content: open(offset) });
    },
  };
}

async function* checkLength(
  descriptor: Descriptor,
  part: { readonly offset: number; readonly content: UnverifiedContent },
): AsyncGenerator<Uint8Array> {
  let received = part.offset;
  for await (const chunk of part.content) {
    received += chunk.length;
    if (received > descriptor.size)
      throw sizeMismatch(descriptor, `more than the promised ${descriptor.size} bytes came`);
    yield chunk;
  }
  if (received !== descriptor.size) throw cutShort(descriptor, received);
}

/** Bytes in memory as content. Not copied. */
export function contentOfBytes(descriptor: Descriptor, bytes: Uint8Array): ReopenableContent {
  return reopenable(descriptor, (offset) => chunksOf(bytes.subarray(offset)));
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}

/** The whole of a manifest or a small blob, checked. Throws ERR_SIZE_MISMATCH before asking when it is larger than `limit` bytes, and what verifiedContent() throws. */
export async function readVerified(
  repository: ReadableRepository,
  descriptor: Descriptor,
  options: CallOptions & { readonly limit: number },
): Promise<Uint8Array> {
  if (descriptor.size > options.limit) {
    const state = `${descriptor.size} bytes are more than the limit of ${options.limit}`;
    throw new AirgapError('ERR_SIZE_MISMATCH', `Cannot read content "${descriptor.digest}": ${state}`, {
      digest: descriptor.digest,
    });
  }
  if (isManifestType(descriptor.mediaType)) {
    const { bytes } = await repository.manifest(descriptor.digest, options);
    return collect(descriptor, chunksOf(bytes));
  }
  return collect(descriptor, await repository.fetch(descriptor, { signal: options.signal }));
}

async function collect(descriptor: Descriptor, content: UnverifiedContent): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of verifiedContent(descriptor, content)) chunks.push(chunk);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

/** Throws what a store must refuse a manifest for: ERR_SIZE_MISMATCH (over 4 MiB, or not the size its descriptor says) and ERR_DIGEST_MISMATCH. */
export function checkManifest(descriptor: Descriptor, bytes: Uint8Array): void {
  if (bytes.length > manifestLimit) {
    throw sizeMismatch(descriptor, `a manifest of ${bytes.length} bytes is over the limit of ${manifestLimit}`, false);
  }
  if (bytes.length > descriptor.size)
    throw sizeMismatch(descriptor, `more than the promised ${descriptor.size} bytes came`);
  if (bytes.length < descriptor.size) throw cutShort(descriptor, bytes.length);
  const actual = digestOf(bytes, algorithmOf(descriptor.digest));
  if (actual !== descriptor.digest) throw digestMismatch(descriptor.digest, actual);
}

/** The error for bytes that hash to something else than they were asked by. Retryable: the next answer may be right. */
export function digestMismatch(expected: Digest, actual: Digest): AirgapError {
  return new AirgapError('ERR_DIGEST_MISMATCH', `Cannot take content "${expected}": what came has digest ${actual}`, {
    digest: expected,
    retryable: true,
    hint: 'if it stays so, a proxy or the registry alters the content on its way',
  });
}

function cutShort(descriptor: Descriptor, received: number): AirgapError {
  return sizeMismatch(descriptor, `it ended after ${received} of ${descriptor.size} bytes`);
}

function sizeMismatch(descriptor: Descriptor, state: string, retryable = true): AirgapError {
  return new AirgapError('ERR_SIZE_MISMATCH', `Cannot take content "${descriptor.digest}": ${state}`, {
    digest: descriptor.digest,
    retryable,
  });
}
