/** One signal that follows several. `AbortSignal.any()` keeps its sources' memory on Node 20; this lets go when told to. */
import { onAbort } from './on-abort.ts';

export interface LinkedSignal {
  /** Aborted, with the same reason, as soon as one of the sources is. */
  readonly signal: AbortSignal;
  /** Stops following: call it when the work is over. */
  unlink(): void;
}

/** Follows every given signal until `unlink()`; undefined ones are left out. */
export function linkSignals(signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const stops = signals.map((signal) => onAbort(signal, () => controller.abort(signal?.reason)));
  return {
    signal: controller.signal,
    unlink: () => {
      for (const stop of stops.splice(0)) stop();
    },
  };
}
