/** What turns events and results into what a reader or a program sees. `create.ts` chooses one. */
import type { AirgapEvent, EventSink } from '../../events.ts';
import type { OutputStream } from '../context.ts';

export interface Reporter {
  readonly event: EventSink;
  /** Lines of a table or a summary, for a person: on standard output. Left out with JSON and quiet. */
  text(lines: readonly string[]): void;
  /** Lines that say why something failed: on standard error, never left out. */
  problem(lines: readonly string[]): void;
  /** The last word of a run for a program; printed with JSON only. */
  result(value: Readonly<Record<string, unknown>>): void;
  /** Ends the view and its timers. Nothing is left behind on a terminal. */
  close(): void;
}

export interface ReporterOptions {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** Block characters may be used for bars. */
  readonly unicode: boolean;
  /** Milliseconds, never going backwards. Default: the process's own. */
  readonly now?: () => number;
  /** Milliseconds between two plain progress lines. Default 10 000. */
  readonly interval?: number;
}

export function writeLines(stream: OutputStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(lines.map((line) => `${line}\n`).join(''));
}

/** Lets a registry's warning and a notice through once each, and the reason of a failure. */
export class OnceFilter {
  readonly #seen = new Set<string>();

  /** The event as it is to be told; undefined when that was done. A failure is always told, its reason once. */
  toTell(event: AirgapEvent): AirgapEvent | undefined {
    if (event.type === 'warning') return this.#isNew(`${event.host} ${event.message}`) ? event : undefined;
    if (event.type === 'notice') return this.#isNew(` ${event.message}`) ? event : undefined;
    if (event.type !== 'image:failed' || this.#isNew(`failed ${event.message}`)) return event;
    return { ...event, message: 'for the same reason' };
  }

  #isNew(key: string): boolean {
    if (this.#seen.has(key)) return false;
    this.#seen.add(key);
    return true;
  }
}
