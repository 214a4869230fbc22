/** Shares work among those who ask at the same time, without an answer older than the question. */

/**
 * Runs `work` at most once at a time. Who asks while it runs waits for the next run, together with everybody else who asks meanwhile:
 * what the run before saw may have changed since it looked.
 */
export function freshly<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const run = (): Promise<T> => {
    next = undefined;
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (next !== undefined) return next;
    if (running === undefined) return run();
    next = running.then(run, run);
    return next;
  };
}
