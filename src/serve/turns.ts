/** Who may work beside whom: manifests are taken side by side, but nothing is removed meanwhile, so that no manifest loses a blob it was just checked for. */
export class Turns {
  #writers = new Set<Promise<unknown>>();
  #removal: Promise<unknown> = Promise.resolve();

  /** Runs beside others of its kind, after every removal asked for before. */
  add<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#removal.then(work);
    const settled = done.catch(() => {}).finally(() => this.#writers.delete(settled));
    this.#writers.add(settled);
    return done;
  }

  /** Runs alone, after everything asked for before. */
  remove<T>(work: () => Promise<T>): Promise<T> {
    const done = Promise.all([this.#removal, ...this.#writers]).then(work);
    this.#removal = done.catch(() => {});
    return done;
  }
}
