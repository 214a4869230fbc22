/** What a store has, read when somebody looks and again when it changed: a page that is loaded again costs nothing. */
import type { Source } from '../../store/store.ts';
import { type Inventory, readInventory } from './inventory.ts';

/** A store that cannot say when it changed is read again after this long. */
const staleAfterMs = 10_000;
/** Files may vanish without a change of any name: what is known is not believed for longer. */
const believedMs = 5 * 60_000;

interface Reading {
  readonly revision: string;
  readonly readAt: number;
  readonly inventory: Inventory;
}

export class CurrentInventory {
  readonly #read: (store: Source) => Promise<Inventory>;
  #known: Reading | undefined;
  #running: Promise<Reading> | undefined;

  /** `read`: how a store is read. Default readInventory(). */
  constructor(read: (store: Source) => Promise<Inventory> = readInventory) {
    this.#read = read;
  }

  /** As the store is now, or was at some moment after this was asked. One reading runs at a time, and serves everybody who waits. */
  async of(store: Source): Promise<Inventory> {
    const revision = (await store.revision?.()) ?? 'unknown';
    if (this.#isFresh(this.#known, revision)) return this.#known.inventory;
    if (this.#running !== undefined) {
      // It may have begun before what is asked about now was written.
      const reading = await this.#running.catch(() => undefined);
      if (this.#isFresh(reading, revision)) return reading.inventory;
    }
    this.#running ??= this.#start(store, revision);
    return (await this.#running).inventory;
  }

  #isFresh(reading: Reading | undefined, revision: string): reading is Reading {
    if (reading?.revision !== revision) return false;
    return Date.now() - reading.readAt < (revision === 'unknown' ? staleAfterMs : believedMs);
  }

  async #start(store: Source, revision: string): Promise<Reading> {
    try {
      this.#known = { revision, inventory: await this.#read(store), readAt: Date.now() };
      return this.#known;
    } finally {
      this.#running = undefined;
    }
  }
}
