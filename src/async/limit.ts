/** A bound on how much goes on at once. */
import pLimit from 'p-limit';

/** Runs work as soon as a slot is free, in the order it came. Give it leaves only: work that waits for other work in the same limit can wait for ever. */
export type Limit = <T>(work: () => Promise<T>) => Promise<T>;

/** `count` slots; at least 1. */
export function limitTo(count: number): Limit {
  const limit = pLimit(count);
  return (work) => limit(work);
}
