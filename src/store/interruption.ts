/** How stores stop when their caller's signal says so. */
import { AirgapError, isAirgapError } from '../errors.ts';

/** Throws the signal's own AirgapError, else ERR_INTERRUPTED, once `signal` is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const reason: unknown = signal.reason;
  if (isAirgapError(reason)) throw reason;
  throw new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted', { cause: reason });
}
