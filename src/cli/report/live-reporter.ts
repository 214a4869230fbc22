/** For people at a terminal: one view on standard error, drawn again at most ten times a second and erased at the end. */
import type { AirgapEvent } from '../../events.ts';
import { importantLine } from './event-text.ts';
import { liveLines } from './live.ts';
import { Progress } from './progress.ts';
import { OnceFilter, type Reporter, type ReporterOptions, writeLines } from './reporter.ts';
import { Screen } from './screen.ts';

const frameMs = 100;

export class LiveReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #now: () => number;
  readonly #screen: Screen;
  readonly #progress = new Progress();
  readonly #once = new OnceFilter();
  readonly #timer: NodeJS.Timeout;
  readonly #onResize = (): void => this.#draw();
  #started = false;
  #closed = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#screen = new Screen(options.stderr);
    this.#timer = setInterval(() => this.#draw(), frameMs);
    this.#timer.unref();
    options.stderr.on?.('resize', this.#onResize);
  }

  readonly event = (event: AirgapEvent): void => {
    if (this.#closed) return;
    this.#progress.apply(event, this.#now());
    if (event.type === 'phase') this.#started = true;
    const told = this.#once.toTell(event);
    const line = told === undefined ? undefined : importantLine(told);
    if (line !== undefined) this.#screen.print(`${line}\n`);
  };

  /** The view makes way; it comes back with the next phase. */
  text(lines: readonly string[]): void {
    this.#screen.erase();
    this.#started = false;
    writeLines(this.#options.stdout, lines);
  }

  problem(lines: readonly string[]): void {
    this.#screen.erase();
    writeLines(this.#options.stderr, lines);
  }

  result(): void {}

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#options.stderr.off?.('resize', this.#onResize);
    this.#screen.erase();
  }

  #draw(): void {
    if (!this.#started || this.#closed) return;
    const size = { columns: this.#screen.columns, rows: this.#screen.rows };
    const style = { color: this.#options.color, unicode: this.#options.unicode };
    this.#screen.draw(liveLines(this.#progress, { now: this.#now(), size, style }));
  }
}
