/** What is remembered is bounded: the oldest goes first. */

/** Takes out what was put in first, until at most `limit` are left. */
export function forgetOldest(known: Set<unknown> | Map<unknown, unknown>, limit: number): void {
  for (const oldest of known.keys()) {
    if (known.size <= limit) return;
    known.delete(oldest);
  }
}
