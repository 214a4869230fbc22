/** Fake streams for tests: what was written, and a terminal small enough to check by eye. */
import { EventEmitter } from 'node:events';
import type { OutputStream } from '../../src/cli/context.ts';

/** A stream that keeps what is written. */
export class KeptOutput extends EventEmitter implements OutputStream {
  text = '';
  isTTY = false;
  columns: number | undefined;
  rows: number | undefined;

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }
}

/**
 * A terminal as far as our control sequences go: cursor up, carriage return, erase to the end, colours, wrapping at its
 * width, and wrapping anew when it gets narrower, as most terminals do.
 */
export class FakeTerminal extends EventEmitter implements OutputStream {
  readonly isTTY = true;
  columns: number;
  rows: number;
  /** Lines as they were written, each ended by a line break; the last one is being written. */
  #lines: string[] = [''];
  /** Screen row of the cursor, counted over wrapped lines. */
  #row = 0;
  frames = 0;

  constructor(columns: number, rows = 24) {
    super();
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): boolean {
    this.frames += 1;
    let rest = text;
    while (rest !== '') {
      const control = /^(?:\p{Cc}\[(\d*)([A-Za-z])|\r|\n)/u.exec(rest);
      if (control === null) {
        const end = rest.search(/\p{Cc}/u);
        this.#put(end === -1 ? rest : rest.slice(0, end));
        rest = end === -1 ? '' : rest.slice(end);
        continue;
      }
      rest = rest.slice(control[0].length);
      if (control[0] === '\n') this.#lineBreak();
      else if (control[2] === 'A') this.#up(Number(control[1] || '1'));
      else if (control[2] === 'J') this.#eraseBelow();
    }
    return true;
  }

  resize(columns: number): void {
    this.columns = columns;
    this.#row = this.#lines.slice(0, -1).reduce((sum, line) => sum + this.#height(line), 0);
    this.emit('resize');
  }

  /** What stands on the screen, line by line, wrapped lines joined. */
  get screen(): string[] {
    const lines = [...this.#lines];
    if (lines.at(-1) === '') lines.pop();
    return lines;
  }

  #height(line: string): number {
    return Math.max(1, Math.ceil(line.length / this.columns));
  }

  #put(text: string): void {
    if (this.#lines.length === 0) this.#lines.push('');
    this.#lines[this.#lines.length - 1] += text;
  }

  #lineBreak(): void {
    this.#row += this.#height(this.#lines.at(-1) ?? '');
    this.#lines.push('');
  }

  /** Goes to the line that stands in that row; going into the middle of a wrapped line is what must not happen. */
  #up(count: number): void {
    let row = Math.max(0, this.#row - count);
    const target = row;
    let index = 0;
    while (index < this.#lines.length - 1 && row >= this.#height(this.#lines[index] ?? '')) {
      row -= this.#height(this.#lines[index] ?? '');
      index += 1;
    }
    if (row !== 0) throw new Error('the cursor went into the middle of a wrapped line');
    this.#row = target;
    this.#cut = index;
  }

  #cut: number | undefined;

  #eraseBelow(): void {
    if (this.#cut !== undefined) this.#lines = [...this.#lines.slice(0, this.#cut), ''];
    this.#cut = undefined;
  }
}
