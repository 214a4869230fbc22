/** One content read whole and hashed: is it what its digest says? */
import { isAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, digestFrom, hasherFor } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/reference.ts';
import { throwIfAborted } from '../store/interruption.ts';
import type { Source } from '../store/store.ts';

/** `short`: fewer bytes than there should be. `corrupt`: other bytes, or none that can be read. */
export type Verdict = 'ok' | 'missing' | 'short' | 'corrupt';

export interface ReadContent {
  readonly verdict: Verdict;
  /** What is wrong, as a state; empty for `ok`. */
  readonly message: string;
  /** Bytes that were read. */
  readonly bytesRead: number;
  /** The content itself, where it was asked for and is right. */
  readonly bytes?: Buffer;
}

export interface ReadOptions {
  readonly source: Source;
  /** Through which it is read. */
  readonly repository: RepositoryName;
  /** Give the bytes back. Default false: they are only hashed. */
  readonly keep?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

/** Reads content from its first byte to its last, with flat memory. Throws only when interrupted, and defects. */
export async function readContent(descriptor: Descriptor, options: ReadOptions): Promise<ReadContent> {
  const { signal } = options;
  const count = { bytes: 0 };
  throwIfAborted(signal);
  try {
    return await hash(descriptor, { ...options, count });
  } catch (error) {
    throwIfAborted(signal);
    if (!isAirgapError(error) || error.code === 'ERR_INTERRUPTED') throw error;
    const bytesRead = count.bytes;
    if (error.code === 'ERR_NOT_FOUND') return { verdict: 'missing', message: 'it is not here', bytesRead };
    if (error.code === 'ERR_SIZE_MISMATCH' && bytesRead > 0 && bytesRead < descriptor.size)
      return { ...otherSize(descriptor, bytesRead), bytesRead };
    const size = await sizeOf(descriptor, options);
    if (size !== undefined && size !== descriptor.size) return { ...otherSize(descriptor, size), bytesRead };
    return { verdict: 'corrupt', message: `it cannot be read: ${error.message}`, bytesRead };
  }
}

async function hash(
  descriptor: Descriptor,
  options: ReadOptions & { readonly count: { bytes: number } },
): Promise<ReadContent> {
  const { source, repository, keep, signal, events, count } = options;
  const { digest, size } = descriptor;
  const hasher = hasherFor(digest);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await source.repository(repository).fetch(descriptor, { signal })) {
    hasher.update(chunk);
    count.bytes += chunk.length;
    if (keep === true) chunks.push(chunk);
    events?.({ type: 'blob:bytes', digest, bytes: chunk.length });
    if (count.bytes > size) break;
  }
  const bytesRead = count.bytes;
  if (bytesRead !== size) return { ...otherSize(descriptor, bytesRead), bytesRead };
  const actual = digestFrom(hasher, algorithmOf(digest));
  if (actual !== digest) return { verdict: 'corrupt', message: `its bytes have digest ${actual}`, bytesRead };
  return { verdict: 'ok', message: '', bytesRead, ...(keep === true && { bytes: Buffer.concat(chunks) }) };
}

function otherSize({ size }: Descriptor, actual: number): Pick<ReadContent, 'verdict' | 'message'> {
  return {
    verdict: actual < size ? 'short' : 'corrupt',
    message: `it has ${actual} bytes, and should have ${size}`,
  };
}

async function sizeOf(
  { digest }: Descriptor,
  { source, repository, signal }: ReadOptions,
): Promise<number | undefined> {
  return source
    .repository(repository)
    .blobSize?.(digest, { signal })
    .catch(() => undefined);
}
