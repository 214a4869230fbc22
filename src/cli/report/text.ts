/** How sizes, times, tables and foreign text look on paper and on screens. Pure. */

/**
 * Text that came from a network or a file, safe to print: control characters, line breaks, bidirectional marks and
 * zero-width characters are shown as `\x1b` or `\u202e`, so that nothing can move a cursor or forge a line.
 */
export function printable(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** C0, DEL and C1 controls, zero-width and bidirectional marks, line and paragraph separators, lone surrogates, the byte order mark. */
const unsafe = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Cs}]/gu;

/** The same in ASCII alone, for places where the width of a character matters: anything else becomes `?`. */
export function printableAscii(text: string): string {
  return printable(text).replaceAll(/[^\x20-\x7e]/gu, '?');
}

const units = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `0 B`, `999 B`, `1.2 kB`, `345.6 MB`: decimal units, one digit after the point. */
export function sizeText(bytes: number): string {
  const sign = bytes < 0 ? '-' : '';
  let value = Math.abs(bytes);
  if (value < 1000) return `${sign}${Math.round(value)} B`;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.95 && unit < units.length - 1);
  return `${sign}${value.toFixed(1)} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3 m 05 s`, `2 h 07 m`. */
export function timeText(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
}

/** `1 image`, `2 images`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

export interface TableOptions {
  /** Indexes of the columns that are aligned to the right. Default none. */
  readonly right?: readonly number[];
  /** Printed before every row. Default nothing. */
  readonly indent?: string;
  /** Rows are at most this wide: cells of the column `shrink` (default the first) are shortened in their middle. Default: any width. */
  readonly columns?: number | undefined;
  readonly shrink?: number;
}

/** Narrowest that a column is shortened to; beyond that the terminal wraps. */
const narrowestCell = 12;

/** Rows with aligned columns, two blanks between them and none at the end of a line. */
export function tableLines(rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const widths = columnWidths(rows);
  const { indent = '', columns, shrink = 0 } = options;
  const surplus = columns === undefined ? 0 : indent.length + tableWidth(rows) - columns;
  const own = widths[shrink] ?? 0;
  if (surplus > 0) widths[shrink] = Math.min(own, Math.max(narrowestCell, own - surplus));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      const text = shortened(cell, width);
      return options.right?.includes(column) ? text.padStart(width) : text.padEnd(width);
    });
    return `${indent}${cells.join('  ')}`.trimEnd();
  });
}

/** Columns of the widest row. */
export function tableWidth(rows: readonly (readonly string[])[]): number {
  const widths = columnWidths(rows);
  return widths.reduce((sum, width) => sum + width, 2 * Math.max(0, widths.length - 1));
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  return widths;
}

/** `text` in at most `width` columns; what is cut out of its middle is marked with `..`. Expects ASCII. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width <= 4) return text.slice(0, Math.max(0, width));
  const head = Math.floor((width - 2) / 3);
  return `${text.slice(0, head)}..${text.slice(text.length - (width - 2 - head))}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** An image as a line names it: by its tag alone where it has one, however it is pinned. */
export function imageName(reference: string): string {
  return printable(reference).replace(/(:[\w][\w.-]{0,127})@sha(?:256|512):[0-9a-f]+(?=$| => )/, '$1');
}
