/** One blob from upstream, or from another repository of the target, into one target repository: repeated and resumed until it stands. */
import { AirgapError, isAirgapError, toAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { formatRepository, type RepositoryName } from '../oci/reference.ts';
import type { ReopenableContent, UnverifiedContent, UploadState } from '../store/store.ts';
import { contentOfBytes, reopenable, verifiedContent } from '../store/verified.ts';
import { Attempts } from './attempts.ts';
import type { CopyContext } from './context.ts';
import { contentKey } from './survey.ts';

/** Wrong bytes are fetched again this often: once may be an accident, twice is not. */
const wrongBytesTries = 2;

export interface Transfer {
  readonly descriptor: Descriptor;
  readonly content: ReopenableContent;
  readonly to: RepositoryName;
  /** For messages. */
  readonly image: string;
}

/** Sends content until the target has it. Throws when the retries are used up or the error is final. */
export async function transfer(work: Transfer, context: CopyContext): Promise<void> {
  context.hopeless.check();
  const attempts = new Attempts({ ...context.settings, signal: context.signal });
  const progress = new UploadProgress(work, context);
  let wrongBytes = 0;
  for (;;) {
    try {
      await pushOnce({ ...work, progress }, context);
      return;
    } catch (error) {
      if (isAirgapError(error)) context.hopeless.note(error);
      if (progress.advanced()) attempts.progress();
      if (isIntegrity(error)) {
        progress.forget();
        wrongBytes += 1;
        if (wrongBytes >= wrongBytesTries) throw asFinal(error);
      }
      if (await answerWasLost(error, { work, context })) break;
      await attempts.failed(error, (delayMs, attempt, { message }) => {
        const { descriptor, image } = work;
        context.events({ type: 'blob:retry', digest: descriptor.digest, image, attempt, delayMs, message });
      });
    }
  }
  progress.forget();
}

async function pushOnce(work: Transfer & { readonly progress: UploadProgress }, context: CopyContext): Promise<void> {
  const { descriptor, content, to, progress } = work;
  const repository = context.target.repository(to);
  const { startedAt, verified } = await repository.push(descriptor, content, {
    signal: context.signal,
    resume: progress.state,
    onState: (state) => progress.reached(state),
  });
  if (startedAt === 0) return;
  context.events({ type: 'blob:resume', digest: descriptor.digest, offset: startedAt, size: descriptor.size });
  if (verified !== true) await readBack(descriptor, { from: repository, signal: context.signal });
}

/** Bytes an earlier attempt sent were not hashed by this one, so what the target made of them is read and hashed. */
async function readBack(
  descriptor: Descriptor,
  at: { readonly from: ReturnType<CopyContext['target']['repository']>; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const content = await at.from.fetch(descriptor, { signal: at.signal });
  for await (const _chunk of verifiedContent(descriptor, content)) {
    // Only the hash matters here.
  }
}

/** How far the target got, in this process and for the next one. */
class UploadProgress {
  readonly #key: string;
  readonly #context: CopyContext;
  #state: UploadState | undefined;
  #best = 0;
  #seen = 0;

  constructor(work: Transfer, context: CopyContext) {
    this.#key = contentKey(work.to, work.descriptor.digest);
    this.#context = context;
    this.#state = context.uploads.load(this.#key);
  }

  get state(): UploadState | undefined {
    return this.#state;
  }

  reached(state: UploadState | undefined): void {
    this.#state = state;
    this.#best = Math.max(this.#best, state?.offset ?? 0);
    this.#context.uploads.save(this.#key, state);
  }

  /** Whether more bytes are safe than at the last question. */
  advanced(): boolean {
    const more = this.#best > this.#seen;
    this.#seen = this.#best;
    return more;
  }

  forget(): void {
    this.reached(undefined);
  }
}

/** A PUT whose answer got lost may have done its work: the target is asked before anything is sent again. */
async function answerWasLost(
  error: unknown,
  { work, context }: { readonly work: Transfer; readonly context: CopyContext },
): Promise<boolean> {
  if (!isAirgapError(error) || !error.retryable || error.end !== 'target' || isIntegrity(error)) return false;
  if (context.signal?.aborted === true) return false;
  try {
    return await context.target.repository(work.to).exists(work.descriptor, { signal: context.signal });
  } catch {
    return false;
  }
}

/** A small blob whole in memory, checked: sending it again needs no second fetch. */
export async function held(descriptor: Descriptor, content: ReopenableContent): Promise<ReopenableContent> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.open(0)) chunks.push(chunk);
  return contentOfBytes(descriptor, Buffer.concat(chunks));
}

/** The same blob as it lies in another repository of the target. */
export function contentInTarget(
  descriptor: Descriptor,
  options: { readonly from: RepositoryName; readonly context: CopyContext },
): ReopenableContent {
  const { from, context } = options;
  return reopenable(descriptor, (offset) => readFrom(descriptor, { from, context, offset }));
}

async function* readFrom(
  descriptor: Descriptor,
  options: { readonly from: RepositoryName; readonly context: CopyContext; readonly offset: number },
): UnverifiedContent {
  const repository = options.context.target.repository(options.from);
  const range = options.offset === 0 ? {} : { offset: options.offset };
  yield* await repository.fetch(descriptor, { ...range, whilePushing: true, signal: options.context.signal });
}

export function isIntegrity(error: unknown): boolean {
  return isAirgapError(error) && (error.code === 'ERR_DIGEST_MISMATCH' || error.code === 'ERR_SIZE_MISMATCH');
}

/** Wrong bytes, again: another try is not worth it. */
export function asFinal(error: unknown): AirgapError {
  const known = toAirgapError(error, 'ERR_DIGEST_MISMATCH', 'Cannot copy blob');
  return new AirgapError(known.code, `${known.message} (${wrongBytesTries} times)`, {
    cause: known,
    hint: known.hint ?? 'the upstream registry or something between gives out wrong bytes; nothing was tagged',
    end: known.end,
    host: known.host,
    digest: known.digest,
  });
}

/** `repository@digest`, for messages. */
export function nameOf(repository: RepositoryName, descriptor: Descriptor): string {
  return `${formatRepository(repository)}@${descriptor.digest}`;
}
