/** What one host turned out to do and not to do: learned once, remembered for the run. */

/** A blob smaller than this is sent whole even where larger bodies were refused. */
const leastLimit = 1024 * 1024;

export class HostFeatures {
  /** False once HEAD of a manifest, or of a blob, was answered 405 or 501. */
  headManifest = true;
  headBlob = true;
  /** False once the host had no referrers API. */
  referrers = true;
  /** False once a mount was answered 405 or 501. */
  mount = true;
  /** False once a PATCH of an upload was answered as no method or no path. */
  patch = true;
  /** False once a PUT with a body was answered 405 or 501. */
  bodyInPut = true;
  /** Whether an index with absent children is taken; undefined until tried. */
  sparseIndex: boolean | undefined;
  #bodyLimit = Number.POSITIVE_INFINITY;
  #dropped = 0;

  /** Largest request body in bytes that was not refused, by 413 or by hanging up. */
  get bodyLimit(): number {
    return this.#bodyLimit;
  }

  /** A body of this many bytes was answered 413: half of it, but at least 1 MiB, is the most from now on. */
  bodyTooLarge(bytes: number): void {
    this.#bodyLimit = Math.min(this.#bodyLimit, Math.max(leastLimit, Math.floor(bytes / 2)));
  }

  /** A whole blob of this many bytes was cut without an answer. Proxies with a body limit do that too: the second time in a row, parts are tried. */
  bodyDropped(bytes: number): void {
    if (bytes <= leastLimit) return;
    this.#dropped += 1;
    if (this.#dropped >= 2) this.bodyTooLarge(Math.min(bytes, this.#bodyLimit));
  }

  bodyTaken(): void {
    this.#dropped = 0;
  }
}

/** A bounded number of bytes for which memory may be held at once; who gets none streams instead of waiting. */
export class ByteBudget {
  #free: number;

  constructor(bytes: number) {
    this.#free = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#free += bytes;
  }
}

/** A rate is told after this many milliseconds. */
const windowMs = 500;

/** How fast uploads to all hosts of a store go together, over the last half second or more. */
export class SendingRate {
  readonly #now: () => number;
  #since: number;
  #bytes = 0;
  #last = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  /** Bytes that a registry has taken. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const elapsed = this.#now() - this.#since;
    if (elapsed < windowMs) return;
    this.#last = (this.#bytes / elapsed) * 1000;
    this.#since = this.#now();
    this.#bytes = 0;
  }

  /** Bytes in a second; 0 until enough was seen. */
  get perSecond(): number {
    return this.#last;
  }
}
