/** Writes the index often enough and not more often: who waits for a write shares it with everyone who came meanwhile. */

/** How long a change may wait that nobody waits for, in milliseconds. */
const delayMs = 100;

export class Checkpoint {
  readonly #write: () => Promise<void>;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #dirty = false;

  /** `write` saves everything as it stands when it is called; it is never called twice at once. */
  constructor(write: () => Promise<void>) {
    this.#write = write;
  }

  /** Something changed; it is saved within 100 ms or with the next save. */
  soon(): void {
    this.#dirty = true;
    this.#timer ??= setTimeout(() => void this.now().catch(() => {}), delayMs);
  }

  /** Saves everything that changed before this call. Rejects with what the write threw; what is unsaved stays so. */
  now(): Promise<void> {
    this.#dirty = true;
    this.#next ??= this.#after(this.#running);
    return this.#next;
  }

  /** Resolves when everything that changed before this call is saved; saves only what is not. */
  settled(): Promise<void> {
    return this.#dirty || this.#next !== undefined ? this.now() : this.#running;
  }

  /** Saves what is unsaved, if anything is. */
  async end(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#running.catch(() => {});
    if (this.#dirty) await this.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #after(before: Promise<void>): Promise<void> {
    await before.catch(() => {});
    this.#next = undefined;
    this.#running = this.#save();
    await this.#running;
  }

  async #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dirty = false;
    try {
      await this.#write();
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }
}
