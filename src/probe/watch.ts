/** Looks names up again before their TTL ends, for as long as it is let, and has what they resolve to written down somewhere. */
import { type Limit, limitTo } from '../async/limit.ts';
import { abortable, sleep } from '../async/sleep.ts';
import { Batch } from './batch.ts';
import { type LookUp, type LookUpFailure, lookUp } from './look-up.ts';
import type { NameServer } from './name-servers.ts';

/** Addresses of a name, each with the seconds it may stay if nobody renews it. */
export interface WatchedName {
  readonly host: string;
  readonly addresses: readonly { readonly address: string; readonly seconds: number }[];
}

export type WatchEvent =
  /** Addresses came or left the answers since the last ones. Those that left stay for `staySeconds` at most. */
  | {
      readonly type: 'changed';
      readonly host: string;
      readonly came: readonly string[];
      readonly left: readonly string[];
      readonly staySeconds: number;
    }
  /** Written down; `nextMs` is the time until one of these names is looked up again. */
  | {
      readonly type: 'refreshed';
      readonly hosts: readonly string[];
      readonly addresses: number;
      readonly nextMs: number;
    }
  /**
   * Not looked up. What was written for it stays until its time is over: `keptSeconds` from now, 0 when nothing is there (any more).
   * `partly`: one family was answered, and is kept up.
   */
  | {
      readonly type: 'failed';
      readonly host: string;
      readonly failure: LookUpFailure;
      readonly keptSeconds: number;
      readonly retryMs: number;
      readonly partly: boolean;
    }
  /** Looked up again after that. */
  | { readonly type: 'recovered'; readonly host: string }
  /** Not written down; these names are tried again. */
  | {
      readonly type: 'unwritten';
      readonly hosts: readonly string[];
      readonly error: unknown;
      readonly retryMs: number;
    };

export interface WatchOptions {
  /** For one try of one server. */
  readonly timeoutMs: number;
  /** Asked in this order; one that answered in place of another comes first from then on, for that name. */
  readonly servers: readonly NameServer[];
  /** How long an address stays after the TTL with which it was seen last. */
  readonly graceMs: number;
  /** Names that are looked up at the same time. Default 16. */
  readonly atOnce?: number | undefined;
  /** Writes all of it at once. Never called while another call is under way. A rejection is told and tried again. */
  readonly write: (names: readonly WatchedName[]) => Promise<void>;
  readonly tell: (event: WatchEvent) => void;
  /** Ends the watch; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** Milliseconds, never going backwards. Default: the process's own. */
  readonly now?: (() => number) | undefined;
  /** Default: of the process. */
  readonly sleep?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

/** The first wait after a failure. */
const shortestWaitMs = 1000;
/** What somebody else emptied is filled again after so long, whatever the TTL. */
const longestWaitMs = 60_000;
/** Asked so much before the TTL ends: a tenth of it within these bounds, or twice what asking and writing took lately, if more. */
const ahead = { leastMs: 250, mostMs: 2000 } as const;
/** How much of what a slow round took counts for the next one. */
const remembered = 0.9;
/** No name is asked for more often while it is answered: a TTL of a second is kept too. */
const shortestPauseMs = 750;
const longestRetryMs = 30_000;
/** While nothing is there (any more) and no server answers: nobody gets through until one does. */
const longestEmptyMs = 5_000;
/** A TTL is believed up to a day (RFC 8767 section 4 lets a cache set such a limit). */
const longestTtl = 86_400;

/** Watches these names, each by its own TTL. Without names it waits for the signal. Rejects with the signal's reason, never for another. */
export async function watchNames(names: readonly string[], options: WatchOptions): Promise<never> {
  const shared = new Shared(options);
  const watches = [...new Set(names)].map((name) => new NameWatch(name, shared).run());
  const forever = new Promise<never>(() => {});
  return await abortable(
    Promise.all([...watches, forever]).then(() => forever),
    options.signal,
  );
}

interface Written extends WatchedName {
  readonly nextMs: number;
}

/** What all names of one watch have in common. */
class Shared {
  readonly options: WatchOptions;
  readonly limit: Limit;
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #batch = new Batch<Written>((written) => this.#hand(written));
  #failures = 0;

  constructor(options: WatchOptions) {
    this.options = options;
    this.limit = limitTo(options.atOnce ?? 16);
    this.now = options.now ?? (() => performance.now());
    this.sleep = options.sleep ?? sleep;
  }

  /** Undefined when it is written; else the time after which to try again. */
  async write(written: Written): Promise<number | undefined> {
    try {
      await this.#batch.add(written);
      return undefined;
    } catch {
      return backOffMs(this.#failures);
    }
  }

  async #hand(written: readonly Written[]): Promise<void> {
    const { write, tell, signal } = this.options;
    const hosts = written.map(({ host }) => host);
    try {
      await write(written.map(({ host, addresses }) => ({ host, addresses })));
    } catch (error) {
      this.#failures += 1;
      if (!signal.aborted) tell({ type: 'unwritten', hosts, error, retryMs: backOffMs(this.#failures) });
      throw error;
    }
    this.#failures = 0;
    if (signal.aborted) return;
    const addresses = written.reduce((sum, name) => sum + name.addresses.length, 0);
    tell({ type: 'refreshed', hosts, addresses, nextMs: Math.min(...written.map(({ nextMs }) => nextMs)) });
  }
}

/** 1, 2, 4 … 30 seconds. */
function backOffMs(failures: number): number {
  return Math.min(longestRetryMs, shortestWaitMs * 2 ** Math.max(0, failures - 1));
}

class NameWatch {
  readonly #host: string;
  readonly #shared: Shared;
  #servers: readonly NameServer[];
  #failures = 0;
  /** From a question until its answer was written, of late. */
  #tookMs = 0;
  /** In the last answer. */
  #current = new Set<string>();
  /** When the last of what was written leaves by itself. */
  #keptUntil = 0;

  constructor(host: string, shared: Shared) {
    this.#host = host;
    this.#shared = shared;
    this.#servers = shared.options.servers;
  }

  async run(): Promise<never> {
    const { limit, now, sleep: wait, options } = this.#shared;
    for (;;) {
      const { found, askedAt } = await limit(async () => {
        const start = now();
        const { timeoutMs, signal } = options;
        const servers = this.#servers;
        return { found: await lookUp(this.#host, { servers, timeoutMs, signal }), askedAt: start };
      });
      const waitMs =
        found.addresses.length > 0 ? await this.#keep(found, askedAt) : this.#miss(found.failure ?? nothing);
      await wait(Math.max(0, askedAt + waitMs - now()), options.signal);
    }
  }

  /** Writes what was found; gives the time, from the question on, until the next one. */
  async #keep(found: LookUp, askedAt: number): Promise<number> {
    const { now, options } = this.#shared;
    this.#preferServer(found.server);
    this.#tellTrouble(found.unanswered);
    const least = Math.min(...found.addresses.map(({ ttl }) => ttl));
    const usual = Math.min(ahead.mostMs, Math.max(ahead.leastMs, least * 100));
    const early = Math.min(least * 500, Math.max(usual, 2 * this.#tookMs));
    const byTtl = Math.max(shortestPauseMs, Math.min(longestWaitMs, least * 1000 - early));
    const nextMs = found.unanswered === undefined ? byTtl : Math.min(byTtl, backOffMs(this.#failures));
    const addresses = found.addresses.map(({ address, ttl }) => {
      return { address, seconds: (nextMs + options.graceMs) / 1000 + Math.min(ttl, longestTtl) };
    });
    const retryMs = await this.#shared.write({ host: this.#host, addresses, nextMs });
    if (retryMs !== undefined) return retryMs;
    this.#tookMs = Math.max(now() - askedAt, remembered * this.#tookMs);
    this.#tellChange(new Set(addresses.map(({ address }) => address)));
    const longest = Math.max(...addresses.map(({ seconds }) => seconds));
    this.#keptUntil = Math.max(this.#keptUntil, now() + longest * 1000);
    return nextMs;
  }

  /** Leaves what is there; gives the time until the next question. */
  #miss(failure: LookUpFailure): number {
    this.#failures += 1;
    const kept = this.#keptMs();
    const isTold = failure.kind === 'no-such-name' || failure.kind === 'no-address';
    const most = kept > 0 ? kept : isTold ? longestRetryMs : longestEmptyMs;
    const retryMs = Math.max(shortestWaitMs, Math.min(backOffMs(this.#failures), most));
    const keptSeconds = Math.ceil(kept / 1000);
    this.#shared.options.tell({ type: 'failed', host: this.#host, failure, keptSeconds, retryMs, partly: false });
    return retryMs;
  }

  #tellTrouble(unanswered: LookUpFailure | undefined): void {
    const { tell } = this.#shared.options;
    if (unanswered === undefined) {
      if (this.#failures > 0) tell({ type: 'recovered', host: this.#host });
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    const known = { host: this.#host, failure: unanswered, keptSeconds: Math.ceil(this.#keptMs() / 1000) };
    tell({ type: 'failed', ...known, retryMs: backOffMs(this.#failures), partly: true });
  }

  #tellChange(current: Set<string>): void {
    const came = [...current].filter((address) => !this.#current.has(address));
    const left = [...this.#current].filter((address) => !current.has(address));
    this.#current = current;
    if (came.length === 0 && left.length === 0) return;
    const staySeconds = left.length === 0 ? 0 : Math.ceil(this.#keptMs() / 1000);
    this.#shared.options.tell({ type: 'changed', host: this.#host, came, left, staySeconds });
  }

  /** How long what was written stays from now on. */
  #keptMs(): number {
    return Math.max(0, this.#keptUntil - this.#shared.now());
  }

  #preferServer(server: NameServer | undefined): void {
    if (server === undefined || server === this.#servers[0]) return;
    this.#servers = [server, ...this.#servers.filter((other) => other !== server)];
  }
}

const nothing: LookUpFailure = { kind: 'no-address', message: 'no address' };
