/** Work shared by key: whoever asks while it runs awaits the same result. */
import { abortable } from './sleep.ts';

interface Flight<V> {
  readonly result: Promise<V>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Runs the work of one key once at a time and gives its result to everyone who asked meanwhile.
 * Nothing is remembered afterwards, a failure neither: the next one who asks starts the work again.
 * Someone who aborts only leaves; the work is aborted when the last one who waited has left.
 */
export class SingleFlight<K, V> {
  readonly #flights = new Map<K, Flight<V>>();

  /** Joins the running work of `key`, or starts `work` with a signal of its own. Rejects with `signal`'s reason when that aborts. */
  run(
    key: K,
    options: { readonly work: (signal: AbortSignal) => Promise<V>; readonly signal?: AbortSignal | undefined },
  ): Promise<V> {
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason);
    const flight = this.#flights.get(key) ?? this.#start(key, options.work);
    flight.waiting += 1;
    return abortable(flight.result, options.signal).finally(() => {
      flight.waiting -= 1;
      if (flight.waiting > 0 || this.#flights.get(key) !== flight) return;
      this.#flights.delete(key);
      flight.controller.abort(options.signal?.reason);
    });
  }

  #start(key: K, work: (signal: AbortSignal) => Promise<V>): Flight<V> {
    const controller = new AbortController();
    const result = Promise.resolve().then(() => work(controller.signal));
    const flight: Flight<V> = { result, controller, waiting: 0 };
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    result.then(landed, landed);
    return flight;
  }
}
