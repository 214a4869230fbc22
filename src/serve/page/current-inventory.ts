/** What a store has, read when somebody looks and again when it changed: a page that is loaded again costs nothing. */
import type { Source } from '../../store/store.ts';
import { type Inventory, type Progress, readInventory } from './inventory.ts';

/** A store that cannot say when it changed is read again after this long. */
const staleAfterMs = 10_000;
/** Files may vanish without a change of any name: what is known is not believed for longer. */
const believedMs = 5 * 60_000;

/** What is known of a store. */
export interface KnownInventory {
  /** Undefined while the store is read for the first time. */
  readonly inventory: Inventory | undefined;
  /** There while a reading is under way; `inventory` is then from before the last change. */
  readonly reading: Progress | undefined;
}

export interface CurrentInventoryOptions {
  /** How a store is read. Default readInventory(). */
  readonly read?: typeof readInventory;
  /** How long somebody waits for a reading before being told how far it is. Default 1 500. */
  readonly patienceMs?: number;
}

interface Reading {
  readonly revision: string;
  readonly readAt: number;
  readonly inventory: Inventory;
}

interface Flight {
  readonly revision: string;
  readonly progress: Progress;
  readonly result: Promise<Reading>;
}

export class CurrentInventory {
  readonly #read: typeof readInventory;
  readonly #patienceMs: number;
  #known: Reading | undefined;
  #flight: Flight | undefined;

  constructor(options: CurrentInventoryOptions = {}) {
    this.#read = options.read ?? readInventory;
    this.#patienceMs = options.patienceMs ?? 1_500;
  }

  /**
   * As the store is now, where that can be said soon. One reading runs at a time and serves everybody; it goes on when
   * those who wait have lost patience. Throws what the reading throws.
   */
  async of(store: Source): Promise<KnownInventory> {
    const revision = (await store.revision?.()) ?? 'unknown';
    const known = this.#known;
    if (known !== undefined && isFresh(known, revision)) return { inventory: known.inventory, reading: undefined };
    const limit = AbortSignal.timeout(this.#patienceMs);
    // A reading under way may have begun before what is asked about now was written.
    if (this.#flight !== undefined && this.#flight.revision !== revision) await settled(this.#flight.result, limit);
    this.#flight ??= this.#start(store, revision);
    const flight = this.#flight;
    if (await settled(flight.result, limit)) return { inventory: (await flight.result).inventory, reading: undefined };
    return { inventory: this.#known?.inventory, reading: flight.progress };
  }

  #start(store: Source, revision: string): Flight {
    const progress: Progress = { done: 0, total: 0 };
    const result = this.#land(this.#read(store, progress), revision);
    result.catch(() => {});
    return { revision, progress, result };
  }

  async #land(reading: Promise<Inventory>, revision: string): Promise<Reading> {
    try {
      this.#known = { revision, inventory: await reading, readAt: Date.now() };
      return this.#known;
    } finally {
      this.#flight = undefined;
    }
  }
}

function isFresh(reading: Reading, revision: string): boolean {
  if (reading.revision !== revision) return false;
  return Date.now() - reading.readAt < (revision === 'unknown' ? staleAfterMs : believedMs);
}

/** True when it has ended, either way, before the limit is over. */
async function settled(work: Promise<unknown>, limit: AbortSignal): Promise<boolean> {
  if (limit.aborted) return false;
  return new Promise((resolve) => {
    const over = () => resolve(false);
    limit.addEventListener('abort', over, { once: true });
    const ended = () => {
      limit.removeEventListener('abort', over);
      resolve(true);
    };
    work.then(ended, ended);
  });
}
