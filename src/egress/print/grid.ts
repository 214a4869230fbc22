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

/** Words in lines of at most `width` characters; a longer word goes over it. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
