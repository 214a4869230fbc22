/** The pace one host sets for all our work on it: pauses it asks for, quotas it announces, and how much runs at once meanwhile. */
import { sleep } from '../async/sleep.ts';
import { AirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import { Gate, type Kind, notIdle, type Release } from './gate.ts';
import { quotaOf, retryAfterMs } from './retry-after.ts';

type Headers = Readonly<Record<string, string>>;

/** The longest single pause that is waited for; a host that asks for more fails the request with ERR_RATE_LIMITED. */
export const longestPauseMs = 3_600_000;
const longestGuessMs = 60_000;
const longestQuotaPauseMs = 60_000;

export interface PaceSettings {
  /** As messages name the host. */
  readonly host: string;
  readonly concurrency: number;
  /** Unit of the guesses when a 429 does not say how long: four of these, doubling up to 60 s. */
  readonly backoffMs: number;
  readonly events: EventSink;
}

export interface AdmitOptions {
  readonly kind: Kind;
  readonly onlyIfIdle: boolean;
  /** Waits for pauses, but for no slot. Default false. */
  readonly beyondLimit?: boolean;
  /** True for requests that count against a quota: those that read content other than blobs. */
  readonly counted: boolean;
  readonly action: string;
  readonly signal: AbortSignal;
}

export interface Admission {
  readonly release: Release;
  /** Which pauses were over when this request went out: refusals of one burst are counted once. */
  readonly epoch: number;
}

export class HostPace {
  readonly #settings: PaceSettings;
  readonly #gate: Gate;
  #pausedUntil = 0;
  #quotaUntil = 0;
  #reason = '';
  #announced = true;
  #epoch = 0;
  #refusals = 0;
  #successes = 0;

  constructor(settings: PaceSettings) {
    this.#settings = settings;
    this.#gate = new Gate(settings.concurrency);
  }

  /** How many requests may run at once now. */
  get limit(): number {
    return this.#gate.limit;
  }

  /** Waits for pauses and for a slot. Throws ERR_UNSUPPORTED for `onlyIfIdle` when that would take time, else the signal's reason. */
  async admit(options: AdmitOptions): Promise<Admission> {
    const { kind, signal, beyondLimit = false } = options;
    if (options.onlyIfIdle) {
      const release = this.#remaining(options.counted) > 0 ? undefined : this.#gate.tryAcquire(kind);
      if (release === undefined) throw notIdle(options.action, this.#settings.host);
      return { release, epoch: this.#epoch };
    }
    for (;;) {
      await this.#pauseOver(options);
      const release = await this.#gate.acquire({ kind, signal, beyondLimit });
      if (this.#remaining(options.counted) <= 0) return { release, epoch: this.#epoch };
      release();
    }
  }

  /**
   * The host refused a request because there were too many (429). All work on the host pauses as long as it says; what runs at
   * once is halved. Throws ERR_RATE_LIMITED when it asks for more than an hour.
   */
  refused(admission: Pick<Admission, 'epoch'>, refusal: { readonly headers: Headers; readonly action: string }): void {
    const asked = retryAfterMs(refusal.headers, Date.now()) ?? quotaOf(refusal.headers)?.resetMs;
    const again = admission.epoch === this.#epoch;
    if (again) {
      this.#gate.limit = Math.floor(this.#gate.limit / 2);
      this.#refusals += 1;
      this.#successes = 0;
    }
    if (!again && asked === undefined) return;
    this.#pause(asked ?? this.#guessMs(), { reason: '429', action: refusal.action, begins: again });
  }

  /** The host is unavailable and says until when (503 with Retry-After): all work waits. False when it does not say. */
  unavailable(
    admission: Pick<Admission, 'epoch'>,
    answer: { readonly headers: Headers; readonly action: string },
  ): boolean {
    const asked = retryAfterMs(answer.headers, Date.now());
    if (asked === undefined) return false;
    this.#pause(asked, { reason: '503', action: answer.action, begins: admission.epoch === this.#epoch });
    return true;
  }

  /** A request was answered: what runs at once grows back by one step per round of successes. */
  succeeded(headers: Headers): void {
    this.#observeQuota(headers);
    this.#successes += 1;
    if (this.#successes < this.#gate.limit) return;
    this.#successes = 0;
    this.#refusals = 0;
    if (this.#gate.limit < this.#settings.concurrency) this.#gate.limit += 1;
  }

  #observeQuota(headers: Headers): void {
    const quota = quotaOf(headers);
    if (quota === undefined) return;
    if (quota.remaining > 0) {
      this.#gate.limit = Math.min(this.#gate.limit, Math.max(2, quota.remaining));
      return;
    }
    if (this.#quotaUntil > Date.now()) return;
    this.#quotaUntil = Date.now() + Math.min(quota.resetMs ?? longestQuotaPauseMs, longestQuotaPauseMs);
    if (this.#pausedUntil > Date.now()) return;
    this.#reason = 'the quota is used up';
    this.#announced = false;
  }

  #pause(ms: number, pause: { readonly reason: string; readonly action: string; readonly begins: boolean }): void {
    const { host } = this.#settings;
    if (ms > longestPauseMs) {
      const until = new Date(Date.now() + Math.min(ms, 3_650 * 86_400_000)).toISOString();
      throw new AirgapError(
        'ERR_RATE_LIMITED',
        `Cannot ${pause.action}: ${host} answered ${pause.reason} and asks to wait until ${until}`,
        {
          host,
          status: Number(pause.reason),
          hint: 'sign in for a higher limit, or run again after that time',
        },
      );
    }
    if (pause.begins) this.#epoch += 1;
    const until = Date.now() + ms;
    if (until <= this.#pausedUntil) return;
    if (until > this.#pausedUntil + 1000 || pause.begins) {
      this.#reason = pause.reason;
      this.#announced = false;
    }
    this.#pausedUntil = until;
  }

  #guessMs(): number {
    return Math.min(longestGuessMs, this.#settings.backoffMs * 4 * 2 ** Math.min(this.#refusals - 1, 16));
  }

  #remaining(counted: boolean): number {
    const until = counted ? Math.max(this.#pausedUntil, this.#quotaUntil) : this.#pausedUntil;
    return until - Date.now();
  }

  async #pauseOver(options: AdmitOptions): Promise<void> {
    for (;;) {
      const ms = this.#remaining(options.counted);
      if (ms <= 0) return;
      if (!this.#announced) {
        this.#announced = true;
        const { host, events } = this.#settings;
        events({ type: 'wait', host, seconds: Math.ceil(ms / 1000), reason: this.#reason });
      }
      await sleep(ms, options.signal);
    }
  }
}
