/** Counts tries without progress, and waits between them: exponential, with jitter, capped. */
import { sleep } from '../async/sleep.ts';
import { AirgapError, isAirgapError } from '../errors.ts';

const longestDelayMs = 30_000;

export interface AttemptSettings {
  /** Tries without progress before giving up. */
  readonly retries: number;
  /** First delay in ms. */
  readonly backoffMs: number;
  readonly signal?: AbortSignal | undefined;
}

export class Attempts {
  readonly #settings: AttemptSettings;
  #failures = 0;

  constructor(settings: AttemptSettings) {
    this.#settings = settings;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Bytes arrived: the count starts again. */
  progress(): void {
    this.#failures = 0;
  }

  /**
   * Waits before the next try and returns how long, in ms, having told `announce` first. Throws the error instead when it is not
   * worth another try, and a final version of it (not retryable) when the tries are used up.
   */
  async failed(
    error: unknown,
    announce?: (delayMs: number, attempt: number, error: AirgapError) => void,
  ): Promise<void> {
    if (!isAirgapError(error) || !error.retryable) throw error;
    if (this.#settings.signal?.aborted === true) throw error;
    this.#failures += 1;
    if (this.#failures > this.#settings.retries) throw givenUp(error, this.#failures);
    const delayMs = delayFor(this.#failures, this.#settings.backoffMs);
    announce?.(delayMs, this.#failures, error);
    await sleep(delayMs, this.#settings.signal);
  }
}

/** Full jitter over the upper half: never less than half of the step, so that tries stay apart. */
function delayFor(failures: number, backoffMs: number): number {
  const step = Math.min(longestDelayMs, backoffMs * 2 ** (failures - 1));
  return Math.round(step / 2 + (Math.random() * step) / 2);
}

function givenUp(error: AirgapError, tries: number): AirgapError {
  const { code, end, host, reference, digest, hint, status, origins } = error;
  const details = { cause: error, end, host, reference, digest, hint, status, origins };
  return new AirgapError(code, `${error.message} (gave up after ${tries} tries)`, details);
}
