/** Rows of text under aligned columns, whose long cells go on in the next line: a name is never cut, so that it can be copied. */

export interface GridRow {
  /** One below the other. */
  readonly names: readonly string[];
  readonly cells: readonly string[];
}

export interface GridOptions {
  /** Lines are at most this wide, where words allow it. Default any width: one line for each row. */
  readonly columns?: number | undefined;
  readonly indent: string;
  /** The first column may take this part of a line; a longer name has a line of its own. Default 0.38. */
  readonly namePart?: number;
}

const gap = '  ';
const narrowest = 8;

/** The first row is the heading. The names are the first column; a row of several stands apart. No blanks at the end of a line. */
export function gridLines(rows: readonly GridRow[], { columns, indent, namePart = 0.38 }: GridOptions): string[] {
  const names = rows.flatMap((row) => row.names.map((name) => name.length));
  const widths = cellWidths(rows);
  let nameWidth = longest(names);
  if (columns !== undefined) {
    const room = columns - indent.length - gap.length * widths.length;
    if (nameWidth + sum(widths) > room)
      nameWidth = Math.max(narrowest, longest(names.filter((length) => length <= room * namePart)));
    narrow(widths, room - nameWidth);
  }
  const lines: string[] = [];
  for (const [index, row] of rows.entries()) {
    const isApart = row.names.length > 1 || (rows[index - 1]?.names.length ?? 1) > 1;
    if (isApart && index > 1) lines.push('');
    for (const line of rowLines(row, { nameWidth, widths })) lines.push(`${indent}${line}`.trimEnd());
  }
  return lines;
}

function cellWidths(rows: readonly GridRow[]): number[] {
  const widths: number[] = [];
  for (const { cells } of rows)
    for (const [at, cell] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return widths;
}

/** Takes from the widest cell, again and again. */
function narrow(widths: number[], room: number): void {
  while (sum(widths) > room) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) return;
    widths[widths.indexOf(widest)] = widest - 1;
  }
}

/** Without a spread: more than some 100,000 arguments are too many for a call. */
function longest(lengths: readonly number[]): number {
  return lengths.reduce((most, length) => Math.max(most, length), 0);
}

function sum(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, 0);
}

interface Widths {
  readonly nameWidth: number;
  readonly widths: readonly number[];
}

/** Where a name is too long, the names have their lines alone, and the cells stand below them. */
function rowLines({ names, cells }: GridRow, { nameWidth, widths }: Widths): string[] {
  const wrappedCells = cells.map((cell, at) => wrapped(cell, widths[at] ?? 0));
  const height = Math.max(1, ...wrappedCells.map((lines) => lines.length));
  const beside = [...Array(height).keys()].map((line) =>
    wrappedCells.map((lines, at) => (lines[line] ?? '').padEnd(widths[at] ?? 0)).join(gap),
  );
  const isLong = names.some((name) => name.length > nameWidth);
  const lines = names.map((name) => (isLong ? name : `${name.padEnd(nameWidth)}${gap}${beside.shift() ?? ''}`));
  return [...lines, ...beside.map((rest) => `${' '.repeat(nameWidth)}${gap}${rest}`)];
}

/** Words in lines of at most `width` characters; a longer word is broken behind its punctuation. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').flatMap((word) => pieces(word, width))) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A word, or its parts where it is longer: each as long as can be, so that two that follow each other never fit into one line. */
function pieces(word: string, width: number): string[] {
  const found: string[] = [];
  let rest = word;
  while (rest.length > width) {
    const end = breakAt(rest, width);
    found.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...found, rest];
}

/** Behind the last dot, hyphen, colon, slash or comma that fits, unless nearly nothing is before it. */
export function breakAt(word: string, width: number): number {
  const most = Math.max(1, Math.floor(width));
  const end = word.slice(0, most).search(/[.:,/-][^.:,/-]*$/) + 1;
  return end > most / 3 ? end : most;
}
