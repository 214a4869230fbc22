/** Long work beside answers that must not wait for it. */

/** The event loop is given to others after so many milliseconds of our own. */
const turnMs = 8;

/** Does `work` for every item, `limit` at once. The first failure ends it. */
export async function eachAtOnce<T>(
  items: readonly T[],
  options: { readonly limit: number; readonly work: (item: T) => Promise<void> },
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (const item of waiting) await options.work(item);
  };
  await Promise.all(Array.from({ length: Math.min(options.limit, items.length) }, worker));
}

/** Something to await between small steps: lets others run when these steps have taken long enough together. */
export function turns(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < turnMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  };
}
