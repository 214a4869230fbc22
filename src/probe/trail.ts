/** The steps of one try: each with its time, the first that goes wrong ends it. */
import { onAbort } from '../async/on-abort.ts';
import type { Missing, ProbeStep, StepName, Verdict } from '../egress/verdict.ts';

/** How long a step may take, and what ends it before. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Nothing came in time. */
export class TimedOut extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${seconds(timeoutMs)}`);
    this.name = 'TimedOut';
  }
}

/** `3 s`, `0.5 s`. */
export function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

/** A step that went wrong, and what it says of its destination. */
export class StepFailure extends Error {
  readonly verdict: Verdict;
  readonly hint: string | undefined;
  readonly missing: Missing | undefined;

  constructor(
    verdict: Verdict,
    state: string,
    more: { readonly hint?: string; readonly missing?: Missing; readonly cause?: unknown } = {},
  ) {
    super(state, { cause: more.cause });
    this.name = 'StepFailure';
    this.verdict = verdict;
    this.hint = more.hint;
    this.missing = more.missing;
  }
}

/** What a step gives, and how it is told. */
export interface Taken<T> {
  readonly value: T;
  readonly detail: string;
}

export class Trail {
  readonly steps: ProbeStep[] = [];

  /** Takes a step and writes it down. Throws what it throws. */
  async take<T>(name: StepName, work: () => Promise<Taken<T>>): Promise<T> {
    const started = performance.now();
    const tell = (isRight: boolean, detail: string): void => {
      this.steps.push({ name, isRight, milliseconds: Math.round(performance.now() - started), detail });
    };
    try {
      const { value, detail } = await work();
      tell(true, detail);
      return value;
    } catch (error) {
      tell(false, error instanceof Error ? error.message : String(error));
      throw error;
    }
  }
}

/** How a wait ends. */
export interface Ending<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Waits for whatever `open` starts. `open` gives a function that cleans up, called once at the end, with the reason where it failed.
 * Rejects with TimedOut, or with the signal's reason.
 */
export function within<T>(
  { timeoutMs, signal }: Pick<Limits, 'timeoutMs'> & { readonly signal: AbortSignal | undefined },
  open: (ending: Ending<T>) => (failed: boolean) => void,
): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    let isOver = false;
    let close: ((failed: boolean) => void) | undefined;
    const end = (failed: boolean, tell: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      stopListening();
      close?.(failed);
      tell();
    };
    const ending: Ending<T> = {
      resolve: (value) => end(false, () => resolve(value)),
      reject: (error) => end(true, () => reject(error)),
    };
    const timer = setTimeout(() => ending.reject(new TimedOut(timeoutMs)), timeoutMs);
    const stopListening = onAbort(signal, () => ending.reject(signal?.reason));
    try {
      const cleanUp = open(ending);
      // What ended while it was being opened has to be cleaned up too.
      if (isOver) cleanUp(true);
      else close = cleanUp;
    } catch (error) {
      ending.reject(error);
    }
  });
}

/** `ECONNREFUSED`; empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
