/** Rows of text under aligned columns, whose long cells go on in the next line: a name is never cut, so that it can be copied. */

export interface GridOptions {
  /** Lines are at most this wide, where words allow it. Default any width: one line for each row. */
  readonly columns?: number | undefined;
  readonly indent: string;
}

const gap = '  ';
/** The first column may take this part of a line; a longer name has a line of its own. */
const namePart = 0.38;
const narrowest = 8;

/** The first row is the heading; the first column holds names. No blanks at the end of a line. */
export function gridLines(rows: readonly (readonly string[])[], { columns, indent }: GridOptions): string[] {
  const widths = naturalWidths(rows);
  if (columns !== undefined) narrow(widths, rows, columns - indent.length - gap.length * (widths.length - 1));
  return rows.flatMap((row) => rowLines(row, widths).map((line) => `${indent}${line}`.trimEnd()));
}

function naturalWidths(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return widths;
}

/** Narrows the names to their part and then, again and again, the widest of the others: `room` is for the cells alone. */
function narrow(widths: number[], rows: readonly (readonly string[])[], room: number): void {
  const total = () => widths.reduce((sum, width) => sum + width, 0);
  if (total() <= room) return;
  const fitting = rows.map(([name = '']) => name.length).filter((length) => length <= room * namePart);
  widths[0] = Math.min(widths[0] ?? 0, Math.max(narrowest, ...fitting));
  while (total() > room) {
    const widest = Math.max(...widths.slice(1));
    if (widest <= narrowest) return;
    widths[widths.indexOf(widest, 1)] = widest - 1;
  }
}

function rowLines(row: readonly string[], widths: readonly number[]): string[] {
  const [name = '', ...others] = row;
  const isLong = name.length > (widths[0] ?? 0);
  const cells = [isLong ? [] : [name], ...others.map((cell, at) => wrapped(cell, widths[at + 1] ?? 0))];
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  const lines = [...Array(height).keys()].map((line) =>
    cells.map((cell, at) => (cell[line] ?? '').padEnd(widths[at] ?? 0)).join(gap),
  );
  return isLong ? [name, ...lines] : lines;
}

/** Words in lines of at most `width` characters; a longer word is broken behind its punctuation. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').flatMap((word) => pieces(word, width))) {
    const last = lines.at(-1);
    if (last !== undefined && !word.joined && last.length + 1 + word.text.length <= width)
      lines[lines.length - 1] = `${last} ${word.text}`;
    else lines.push(word.text);
  }
  return lines;
}

/** A word, or a part of one that goes on from the line before. */
interface Piece {
  readonly text: string;
  readonly joined: boolean;
}

function pieces(word: string, width: number): Piece[] {
  const found: Piece[] = [];
  let rest = word;
  while (rest.length > width) {
    const end = breakAt(rest, width);
    found.push({ text: rest.slice(0, end), joined: found.length > 0 });
    rest = rest.slice(end);
  }
  return [...found, { text: rest, joined: found.length > 0 }];
}

/** Behind the last dot, hyphen, colon, slash or comma that fits, unless nearly nothing is before it. */
export function breakAt(word: string, width: number): number {
  const most = Math.max(1, Math.floor(width));
  const end = word.slice(0, most).search(/[.:,/-][^.:,/-]*$/) + 1;
  return end > most / 3 ? end : most;
}
