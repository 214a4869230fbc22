/** Listening to an abort. Node warns about an eleventh listener on one signal, and a run has thousands of waits on its own. */

const listenersOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` once when `signal` is aborted, at once if it already is. Returns a function that takes the listener back.
 * However many listen, the signal itself has one listener.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    listener();
    return () => {};
  }
  const listeners = listenersOf.get(signal) ?? listenTo(signal);
  // A wrapper of its own, so that the same function may listen twice.
  const entry = () => listener();
  listeners.add(entry);
  return () => {
    listeners.delete(entry);
  };
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  listenersOf.set(signal, listeners);
  const tellAll = () => {
    listenersOf.delete(signal);
    for (const listener of [...listeners]) {
      // One that was taken back by an earlier one is not called any more.
      if (listeners.delete(listener)) listener();
    }
  };
  signal.addEventListener('abort', tellAll, { once: true });
  return listeners;
}
