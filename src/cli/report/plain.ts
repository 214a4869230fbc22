/** For logs: one line per finished image, one line of progress per interval, on standard error. */
import type { AirgapEvent } from '../../events.ts';
import { logLine, progressLine } from './event-text.ts';
import { Progress } from './progress.ts';
import { OnceFilter, type Reporter, type ReporterOptions, writeLines } from './reporter.ts';

const defaultInterval = 10_000;

export class PlainReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #now: () => number;
  readonly #progress = new Progress();
  readonly #once = new OnceFilter();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#timer = setInterval(() => this.#tick(), options.interval ?? defaultInterval);
    this.#timer.unref();
  }

  readonly event = (event: AirgapEvent): void => {
    this.#progress.apply(event, this.#now());
    const told = this.#once.toTell(event);
    const line = told === undefined ? undefined : logLine(told);
    if (line !== undefined) writeLines(this.#options.stderr, [line]);
  };

  text(lines: readonly string[]): void {
    writeLines(this.#options.stdout, lines);
  }

  problem(lines: readonly string[]): void {
    writeLines(this.#options.stderr, lines);
  }

  result(): void {}

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const line = progressLine(this.#progress, this.#now());
    if (line !== undefined) writeLines(this.#options.stderr, [line]);
  }
}
