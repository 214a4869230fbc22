/** What is wrong with airgap.yaml, gathered so that it is told at once. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';

/** Most problems that one error shows. */
const mostShown = 50;

/** Where readers put what they find. */
export interface Problems {
  readonly any: boolean;
  add(line: number, state: string): void;
}

/** The problems of one file. */
export class SpecProblems implements Problems {
  readonly #name: string;
  readonly #found: { readonly line: number; readonly state: string }[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  get any(): boolean {
    return this.#found.length > 0;
  }

  add(line: number, state: string): void {
    this.#found.push({ line, state });
  }

  /** Throws ERR_INPUT_INVALID where there are any: sorted by line, at most fifty. */
  refuse(): void {
    if (!this.any) return;
    const sorted = [...this.#found].sort((one, other) => one.line - other.line);
    const count = sorted.length === 1 ? '1 thing is' : `${sorted.length} things are`;
    const shown = sorted.slice(0, mostShown).map(({ line, state }) => `  ${this.#name}:${line}: ${state}`);
    const rest = sorted.length > mostShown ? [`  and ${sorted.length - mostShown} more`] : [];
    const summary = `Cannot read ${quoteText(this.#name)}: ${count} wrong in it`;
    throw new AirgapError('ERR_INPUT_INVALID', [summary, ...shown, ...rest].join('\n'), {
      origins: sorted.slice(0, mostShown).map(({ line }) => `${this.#name}:${line}`),
    });
  }
}
