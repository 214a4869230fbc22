/**
 * Slots of one host: how many requests are on their way at once, counted at the transport.
 *
 * Why nothing can deadlock here: a slot is held by a leaf only, one exchange from its first byte until its body ended, was
 * discarded or failed, and each of these comes to an end by itself because silence is cut (idle timeout). Nothing that holds a
 * slot of a client waits for another slot of the same client: a token is fetched before its request queues, a redirect gives
 * the first host's slot back before it asks the second host, a retry and a pause wait without one. Across two clients there is
 * one order: an upload that holds a slot at the target may open its content at the source, never the other way round. An upload
 * whose content comes from the same host reads it beyond the limit, without waiting for a slot (`beyondLimit`).
 */
import { onAbort } from '../async/on-abort.ts';
import { AirgapError } from '../errors.ts';

export type Kind = 'bulk' | 'small';

interface Waiter {
  readonly kind: Kind;
  readonly admit: () => void;
}

export interface AcquireOptions {
  readonly kind: Kind;
  /** A slot beyond the limit, at once. Default false. */
  readonly beyondLimit?: boolean;
  readonly signal: AbortSignal;
}

/** Gives the slot back; calling it again does nothing. */
export type Release = () => void;

/** Hands out slots: small requests before bulk ones, each kind in the order of asking; bulk leaves one slot free for small. */
export class Gate {
  #limit: number;
  #active = 0;
  #activeBulk = 0;
  readonly #small = new Set<Waiter>();
  readonly #bulk = new Set<Waiter>();

  constructor(limit: number) {
    this.#limit = Math.max(1, limit);
  }

  get limit(): number {
    return this.#limit;
  }

  /** At least 1. Lowering it lets running requests end; raising it admits waiting ones. */
  set limit(limit: number) {
    this.#limit = Math.max(1, limit);
    this.#admitWaiting();
  }

  /** A slot at once or none: never queues, and does not overtake those who queue. */
  tryAcquire(kind: Kind): Release | undefined {
    const queued = kind === 'small' ? this.#small.size : this.#small.size + this.#bulk.size;
    if (queued > 0 || !this.#fits(kind)) return undefined;
    return this.#enter(kind);
  }

  /** A slot, waiting for it as long as it takes. Rejects with the signal's reason. */
  acquire(options: AcquireOptions): Promise<Release> {
    const { kind, signal, beyondLimit } = options;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (beyondLimit === true) return Promise.resolve(this.#enter(kind));
    const atOnce = this.tryAcquire(kind);
    if (atOnce !== undefined) return Promise.resolve(atOnce);
    return new Promise((resolve, reject) => {
      const queue = kind === 'small' ? this.#small : this.#bulk;
      const waiter: Waiter = {
        kind,
        admit: () => {
          stopListening();
          resolve(this.#enter(kind));
        },
      };
      queue.add(waiter);
      const stopListening = onAbort(signal, () => {
        queue.delete(waiter);
        reject(signal.reason);
      });
    });
  }

  #fits(kind: Kind): boolean {
    if (this.#active >= this.#limit) return false;
    return kind === 'small' || this.#activeBulk < Math.max(1, this.#limit - 1);
  }

  #enter(kind: Kind): Release {
    this.#active += 1;
    if (kind === 'bulk') this.#activeBulk += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#active -= 1;
      if (kind === 'bulk') this.#activeBulk -= 1;
      this.#admitWaiting();
    };
  }

  #admitWaiting(): void {
    this.#admitFrom(this.#small, 'small');
    this.#admitFrom(this.#bulk, 'bulk');
  }

  #admitFrom(queue: Set<Waiter>, kind: Kind): void {
    for (const waiter of queue) {
      if (!this.#fits(kind)) return;
      queue.delete(waiter);
      waiter.admit();
    }
  }
}

/** For `onlyIfIdle`: nothing was sent because the host is busy or pausing. */
export function notIdle(action: string, host: string): AirgapError {
  return new AirgapError('ERR_UNSUPPORTED', `Cannot ${action}: no free connection to ${host}`, { host });
}
