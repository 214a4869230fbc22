/** One at a time per key, in the order of asking. */
import { abortable } from './sleep.ts';

/** Runs work of the same key one after another; work of different keys runs side by side. A failure does not stop the next one. */
export class KeyedMutex<K> {
  readonly #tails = new Map<K, Promise<void>>();

  /** Runs `work` when everything asked for earlier under `key` is over. Rejects with `signal`'s reason when that aborts while waiting. */
  async run<V>(
    key: K,
    options: { readonly work: () => Promise<V>; readonly signal?: AbortSignal | undefined },
  ): Promise<V> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    let release: () => void = () => {};
    const turn = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => turn);
    this.#tails.set(key, tail);
    try {
      await abortable(before, options.signal);
      return await options.work();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
