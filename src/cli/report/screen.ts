/**
 * A few lines at the end of a terminal that are drawn again and again, and erased in the end.
 * Lines printed meanwhile stand above them. Control sequences: ECMA-48 CUU (cursor up) and ED (erase to the end of the screen).
 */

export interface ScreenStream {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

/** Colour sequences have no width. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what a colour sequence starts with
const colorSequence = /\u001b\[[0-9;]*m/g;

export class Screen {
  readonly #stream: ScreenStream;
  /** Widths of the lines that stand on the screen now. */
  #drawn: number[] = [];

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  get columns(): number {
    const columns = this.#stream.columns;
    return columns === undefined || columns < 1 ? 80 : columns;
  }

  get rows(): number {
    const rows = this.#stream.rows;
    return rows === undefined || rows < 1 ? 24 : rows;
  }

  /** Replaces what was drawn. One write per frame, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('');
    this.#stream.write(this.#erasing() + text);
    this.#drawn = lines.map((line) => line.replaceAll(colorSequence, '').length);
  }

  /** Prints text above what is drawn; the caller draws again. Text ends with a line break. */
  print(text: string): void {
    this.#stream.write(this.#erasing() + text);
    this.#drawn = [];
  }

  /** Leaves nothing behind. */
  erase(): void {
    const erasing = this.#erasing();
    if (erasing !== '') this.#stream.write(erasing);
    this.#drawn = [];
  }

  /** A terminal that became narrower has wrapped what was drawn: rows are counted at the width of now. */
  #erasing(): string {
    if (this.#drawn.length === 0) return '';
    const columns = this.columns;
    const rows = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    return `\u001b[${rows}A\r\u001b[0J`;
  }
}
