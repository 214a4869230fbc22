/** Failures of the store behind answers of status 500 and above, for whoever runs the server: clients are not told where content lies. */
import { isAirgapError } from '../errors.ts';
import { Refusal } from './refusal.ts';

/** The same failure is told again after so long. */
const sameAgainMs = 60_000;
/** Between two that differ: a disk that is gone fails for every blob in other words. */
const pauseMs = 1_000;

export class Troubles {
  readonly #tell: (message: string) => void;
  #last = '';
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(tell: (message: string) => void) {
    this.#tell = tell;
  }

  /** `thrown`: what became an answer with this status. Refusals are answers meant so. */
  met(thrown: unknown, status: number): void {
    if (status < 500 || thrown instanceof Refusal) return;
    const message = isAirgapError(thrown) ? thrown.message : `Cannot answer a request: ${textOf(thrown)}`;
    const now = performance.now();
    if (now - this.#toldAt < (message === this.#last ? sameAgainMs : pauseMs)) return;
    this.#last = message;
    this.#toldAt = now;
    this.#tell(message);
  }
}

function textOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}
