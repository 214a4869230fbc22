/** What a server says about when to come back: Retry-After (RFC 9110, 10.2.3) and the RateLimit headers Docker Hub sends. */

type Headers = Readonly<Record<string, string>>;

/** Milliseconds to wait by `Retry-After`, in seconds or as a date (measured against the answer's own Date, where it has one). */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,12}(?:\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  if (Number.isNaN(date) || !/[a-z]/i.test(text)) return undefined;
  const clock = Date.parse(headers.date ?? '');
  return Math.max(0, date - (Number.isNaN(clock) ? now : clock));
}

/** What is left of a quota. */
export interface Quota {
  readonly remaining: number;
  /** Milliseconds until more is allowed, as far as the headers tell. */
  readonly resetMs: number | undefined;
}

/**
 * Reads `RateLimit-Remaining` (`76;w=21600` as Docker Hub writes it, or a bare number) with `RateLimit-Reset` in seconds.
 * Without a reset, the window divided by the limit says how soon one more request is allowed. Undefined without the header.
 */
export function quotaOf(headers: Headers): Quota | undefined {
  const remaining = parseAmount(headers['ratelimit-remaining']);
  if (remaining === undefined) return undefined;
  const limit = parseAmount(headers['ratelimit-limit']);
  const reset = parseAmount(headers['ratelimit-reset']);
  const window = remaining.window ?? limit?.window;
  if (reset !== undefined) return { remaining: remaining.amount, resetMs: reset.amount * 1000 };
  if (window === undefined || limit === undefined || limit.amount === 0) {
    return { remaining: remaining.amount, resetMs: undefined };
  }
  return { remaining: remaining.amount, resetMs: (window * 1000) / limit.amount };
}

function parseAmount(
  text: string | undefined,
): { readonly amount: number; readonly window: number | undefined } | undefined {
  const parts = /^\s*(\d{1,9})\s*(?:;\s*w=(\d{1,9})\s*)?(?:[;,].*)?$/.exec(text ?? '');
  if (parts === null) return undefined;
  return { amount: Number(parts[1]), window: parts[2] === undefined ? undefined : Number(parts[2]) };
}
