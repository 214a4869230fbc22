/**
 * Stored bytes are checked before they are served: a blob is hashed whole before its first byte leaves, and that is remembered for
 * as long as its store says that nothing was written over it. Nobody gets wrong bytes; the first to ask waits for the hash,
 * some second per gigabyte. To make that rare, the blobs of a manifest that was asked for are checked ahead, as they are asked
 * for next. (containerd gives up on a pull after five minutes without a byte, most clients never.)
 */
import { limitTo } from '../async/limit.ts';
import { SingleFlight } from '../async/single-flight.ts';
import { type AirgapError, isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, digestFrom, hasherFor } from '../oci/digest.ts';
import { mediaTypes } from '../oci/media-type.ts';
import { peekManifest } from '../store/peek.ts';
import type { CallOptions, ReadableRepository } from '../store/store.ts';
import { forgetOldest } from './oldest.ts';
import { Refusal, refusals } from './refusal.ts';

/** Stored content that is not what its digest says. */
export interface ServeProblem {
  readonly digest: Digest;
  /** `unreadable`: the disk or its system refuses to give the bytes. */
  readonly kind: 'corrupt' | 'short' | 'unreadable';
  /** One line for the operator, without a path. */
  readonly message: string;
}

interface Verdict {
  /** What the store said of the bytes when they were checked. */
  readonly stamp: string;
  readonly problem: ServeProblem | undefined;
}

/** Digests remembered; the oldest go first. */
const remembered = 200_000;
/** Blobs hashed at the same time, of each kind. More would only make each one slower: they share the disk and one thread. */
const checksAtOnce = 2;
/** Blobs up to this many bytes do not wait behind larger ones: 4 MiB, some milliseconds. */
const smallBytes = 4 * 1024 * 1024;
/** A blob that is written to while it is hashed is hashed again, at most so often in all. */
const attempts = 3;

export class Integrity {
  /** Blobs hashed, those found wrong included. */
  checked = 0;
  /** Blobs and manifests found wrong. */
  corrupt = 0;
  readonly #verdicts = new Map<Digest, Verdict>();
  readonly #flights = new SingleFlight<Digest, Verdict>();
  readonly #small = limitTo(checksAtOnce);
  readonly #large = limitTo(checksAtOnce);
  readonly #ahead = limitTo(1);
  readonly #onProblem: (problem: ServeProblem) => void;
  readonly #closed = new AbortController();
  /** Manifests whose blobs were checked ahead, or will be. */
  readonly #lookedAhead = new Set<Digest>();
  /** Manifests that were found wrong and reported. */
  readonly #reported = new Set<Digest>();

  constructor(onProblem: (problem: ServeProblem) => void = () => {}) {
    this.#onProblem = onProblem;
  }

  /**
   * Resolves when the stored bytes are those of the digest, or the store checks them itself. Throws a refusal with status 500 otherwise.
   * Work under way is shared, and given up when nobody waits for it any more.
   */
  async ensure(repository: ReadableRepository, descriptor: Descriptor, options: CallOptions = {}): Promise<void> {
    const { digest } = descriptor;
    const stamp = await repository.contentStamp?.(digest, options);
    if (stamp === undefined) return;
    const known = this.#verdicts.get(digest);
    const verdict = known?.stamp === stamp ? known : await this.#judge(repository, descriptor, options);
    if (verdict.problem !== undefined) throw refusalOf(verdict.problem);
  }

  /** Checks the blobs of a manifest, one after the other and once. A failure waits until somebody asks for the blob. */
  checkAhead(repository: ReadableRepository, manifest: Digest, bytes: Uint8Array): void {
    if (repository.contentStamp === undefined || this.#lookedAhead.has(manifest)) return;
    keep(this.#lookedAhead, manifest);
    const { signal } = this.#closed;
    for (const { role, digest } of peekManifest(bytes)?.parts ?? []) {
      if (role === 'manifest' || this.#verdicts.has(digest)) continue;
      const work = async () => {
        const size = signal.aborted ? undefined : await repository.blobSize?.(digest);
        if (size === undefined) return;
        await this.ensure(repository, { mediaType: mediaTypes.octetStream, digest, size }, { signal });
      };
      void this.#ahead(work).catch(() => {});
    }
  }

  /** Tells of a manifest that its store found wrong, once. Gives the refusal. */
  wrongManifest(digest: Digest, error: AirgapError): Refusal {
    const problem = problemOf(digest, error);
    if (!this.#reported.has(digest)) {
      keep(this.#reported, digest);
      this.#tell(problem);
    }
    return refusalOf(problem);
  }

  /** Ends checks that were begun ahead. */
  close(): void {
    this.#closed.abort(new Refusal(refusals.internal, 'the server is closed'));
  }

  #judge(repository: ReadableRepository, descriptor: Descriptor, options: CallOptions): Promise<Verdict> {
    const slot = descriptor.size > smallBytes ? this.#large : this.#small;
    const work = (signal: AbortSignal) =>
      slot(async () => {
        const verdict = await judge(repository, descriptor, signal);
        this.checked += 1;
        if (verdict.problem !== undefined) this.#tell(verdict.problem);
        if (verdict.problem?.kind !== 'unreadable') this.#remember(descriptor.digest, verdict);
        return verdict;
      });
    return this.#flights.run(descriptor.digest, { work, signal: options.signal });
  }

  #tell(problem: ServeProblem): void {
    if (problem.kind !== 'unreadable') this.corrupt += 1;
    this.#onProblem(problem);
  }

  #remember(digest: Digest, verdict: Verdict): void {
    this.#verdicts.delete(digest);
    this.#verdicts.set(digest, verdict);
    forgetOldest(this.#verdicts, remembered);
  }
}

function keep(digests: Set<Digest>, digest: Digest): void {
  digests.add(digest);
  forgetOldest(digests, remembered);
}

async function judge(repository: ReadableRepository, descriptor: Descriptor, signal: AbortSignal): Promise<Verdict> {
  const { digest } = descriptor;
  let before = await repository.contentStamp?.(digest, { signal });
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const problem = await problemWith(repository, descriptor, signal);
    const after = await repository.contentStamp?.(digest, { signal });
    if (before !== undefined && before === after) return { stamp: before, problem };
    before = after;
  }
  const message = `blob ${digest} does not stay the same while it is read`;
  return { stamp: '', problem: { digest, kind: 'unreadable', message } };
}

async function problemWith(
  repository: ReadableRepository,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<ServeProblem | undefined> {
  const { digest } = descriptor;
  try {
    const hash = hasherFor(digest);
    for await (const chunk of await repository.fetch(descriptor, { signal, transient: true })) hash.update(chunk);
    const actual = digestFrom(hash, algorithmOf(digest));
    if (actual === digest) return undefined;
    const message = `blob ${digest} is corrupt: its ${descriptor.size} bytes have digest ${actual}`;
    return { digest, kind: 'corrupt', message };
  } catch (error) {
    if (signal.aborted || !isAirgapError(error) || error.code === 'ERR_NOT_FOUND') throw error;
    return problemOf(digest, error);
  }
}

function problemOf(digest: Digest, error: AirgapError): ServeProblem {
  if (error.code === 'ERR_SIZE_MISMATCH') {
    return { digest, kind: 'short', message: `content ${digest} is short: bytes are missing from what is stored` };
  }
  if (error.code === 'ERR_DIGEST_MISMATCH') {
    return { digest, kind: 'corrupt', message: `content ${digest} is corrupt: what is stored has another digest` };
  }
  return { digest, kind: 'unreadable', message: `content ${digest} cannot be read from where it is stored` };
}

function refusalOf(problem: ServeProblem): Refusal {
  return new Refusal(refusals.internal, problem.message, { detail: { digest: problem.digest } });
}
