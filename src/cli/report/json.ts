/** For programs: every event as one JSON line on standard output, a `result` line last, and nothing else there. */
import type { AirgapEvent } from '../../events.ts';
import { OnceFilter, type Reporter, type ReporterOptions, writeLines } from './reporter.ts';

/** `blob:bytes` arrives for every chunk; a line per chunk would cost more than the copy. */
const bytesInterval = 500;

export class JsonReporter implements Reporter {
  readonly #options: ReporterOptions;
  readonly #now: () => number;
  readonly #once = new OnceFilter();
  readonly #bytes = new Map<string, number>();
  #flushed = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#flushed = this.#now();
  }

  readonly event = (event: AirgapEvent): void => {
    if (event.type === 'blob:bytes') {
      this.#bytes.set(event.digest, (this.#bytes.get(event.digest) ?? 0) + event.bytes);
      if (this.#now() - this.#flushed >= bytesInterval) this.#flush();
      return;
    }
    if ((event.type === 'warning' || event.type === 'notice') && this.#once.toTell(event) === undefined) return;
    if ('digest' in event) this.#flush(event.digest);
    this.#write(event);
  };

  text(): void {}

  problem(lines: readonly string[]): void {
    writeLines(this.#options.stderr, lines);
  }

  result(value: Readonly<Record<string, unknown>>): void {
    this.#flush();
    this.#write({ type: 'result', ...value });
  }

  close(): void {
    this.#flush();
  }

  /** Writes what was counted, of one blob or of all. */
  #flush(only?: string): void {
    for (const [digest, bytes] of this.#bytes) {
      if (only !== undefined && only !== digest) continue;
      this.#bytes.delete(digest);
      this.#write({ type: 'blob:bytes', digest, bytes });
    }
    if (only === undefined) this.#flushed = this.#now();
  }

  #write(value: object): void {
    this.#options.stdout.write(`${jsonLine(value)}\n`);
  }
}

/** JSON leaves DEL, C1 controls and bidirectional marks as they are; a terminal would obey them. */
export function jsonLine(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replaceAll(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    },
  );
}
