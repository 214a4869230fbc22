/** How often a request is repeated, and how long is waited before that. */
import type { AttemptFailure, Repeat } from './failure.ts';

/** Pauses one request sits through before it gives up. */
const mostPauses = 10;
const mostQuickRepeats = 2;
const longestDelayMs = 30_000;

export interface RetrySettings {
  readonly retries: number;
  readonly backoffMs: number;
}

/** The budget of one request. */
export class RetryBudget {
  readonly #settings: RetrySettings;
  #attempts = 0;
  #pauses = 0;
  #staleUsed = false;

  constructor(settings: RetrySettings) {
    this.#settings = settings;
  }

  /** Repeats granted so far. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Milliseconds to wait before the next attempt; undefined when the budget is spent. Pauses cost nothing of the retries. */
  next(repeat: Repeat): number | undefined {
    if (repeat === 'never') return undefined;
    if (repeat === 'paused') {
      this.#pauses += 1;
      return this.#pauses > mostPauses ? undefined : 0;
    }
    if (repeat === 'at-once' && !this.#staleUsed) {
      this.#staleUsed = true;
      return 0;
    }
    const most = repeat === 'quick' ? Math.min(mostQuickRepeats, this.#settings.retries) : this.#settings.retries;
    if (this.#attempts >= most) return undefined;
    const exponent = repeat === 'quick' ? 0 : this.#attempts;
    this.#attempts += 1;
    return backoff(this.#settings.backoffMs, exponent);
  }
}

/** Exponential with full jitter: anything from nothing to the doubled delay, at most 30 s. */
function backoff(firstMs: number, exponent: number): number {
  return Math.random() * Math.min(longestDelayMs, firstMs * 2 ** Math.min(exponent, 24));
}

/** May this request be sent again after this failure? A body that was streamed is gone; an unknown fate needs a repeatable request. */
export function mayRepeat(
  request: { readonly repeatable: boolean; readonly bodyIsThere: boolean },
  failure: Pick<AttemptFailure, 'repeat' | 'undone'>,
): boolean {
  if (failure.repeat === 'never' || !request.bodyIsThere) return false;
  return failure.undone || request.repeatable;
}
