/** Hands things on many at a time: what comes while one batch is under way becomes the next. */
import { sleep } from '../async/sleep.ts';

/** How long a batch waits for company, in milliseconds. */
const gatherMs = 20;

export class Batch<T> {
  readonly #hand: (items: readonly T[]) => Promise<void>;
  #items: T[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `hand` is never called while an earlier call is under way. */
  constructor(hand: (items: readonly T[]) => Promise<void>) {
    this.#hand = hand;
  }

  /** Resolves, or rejects, with the batch that has this item. */
  add(item: T): Promise<void> {
    this.#items.push(item);
    this.#next ??= this.#begin();
    return this.#next;
  }

  #begin(): Promise<void> {
    const begun = Promise.all([this.#last, sleep(gatherMs)]).then(() => {
      const items = this.#items;
      this.#items = [];
      this.#next = undefined;
      return this.#hand(items);
    });
    this.#last = begun.catch(() => {});
    return begun;
  }
}
