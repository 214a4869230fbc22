/** One signal that follows several. `AbortSignal.any()` keeps its sources' memory on Node 20; this lets go when told to. */

export interface LinkedSignal {
  /** Aborted, with the same reason, as soon as one of the sources is. */
  readonly signal: AbortSignal;
  /** Stops following: call it when the work is over. */
  unlink(): void;
}

/** Follows every given signal until `unlink()`; undefined ones are left out. */
export function linkSignals(signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const followed: { readonly signal: AbortSignal; readonly onAbort: () => void }[] = [];
  const unlink = () => {
    for (const { signal, onAbort } of followed) signal.removeEventListener('abort', onAbort);
    followed.length = 0;
  };
  for (const signal of signals) {
    if (signal === undefined) continue;
    const onAbort = () => {
      unlink();
      controller.abort(signal.reason);
    };
    if (signal.aborted) {
      onAbort();
      break;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    followed.push({ signal, onAbort });
  }
  return { signal: controller.signal, unlink };
}
