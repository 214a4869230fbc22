/** How wide a text is drawn: an estimate on the safe side, as the font that a reader has is not known. */
import { breakAt } from './grid.ts';

export interface Font {
  /** In units of the drawing. */
  readonly size: number;
  readonly mono: boolean;
  readonly bold?: boolean;
}

/** Advance of DejaVu Sans Mono, the widest of the common ones, in parts of its size. */
const monoAdvance = 0.602;
/** Of proportional fonts, after DejaVu Sans; classes of characters from narrow to wide. */
const advances: readonly (readonly [RegExp, number])[] = [
  [/[ijl.,:;'|!()[\]/ ft-]/, 0.4],
  [/[mwMW@%&+=<>~#]/, 0.98],
  [/[A-Z]/, 0.76],
];
const otherAdvance = 0.64;
const wideAdvance = 1.1;

/** In units of the drawing. */
export function textWidth(text: string, font: Font): number {
  let width = 0;
  for (const character of text) width += advanceOf(character, font.mono);
  return scaled(width, font);
}

/** How much of a text is drawn no wider than `width`, in UTF-16 units: no more of it is looked at. */
function fittingIn(text: string, { font, width }: Line): number {
  let used = 0;
  let fitting = 0;
  for (const character of text) {
    used += advanceOf(character, font.mono);
    if (scaled(used, font) > width) break;
    fitting += character.length;
  }
  return fitting;
}

function scaled(width: number, { size, bold, mono }: Font): number {
  return width * size * (bold === true && !mono ? 1.09 : 1);
}

function advanceOf(character: string, mono: boolean): number {
  if (character > '\u02ff') return wideAdvance;
  if (mono) return monoAdvance;
  return advances.find(([pattern]) => pattern.test(character))?.[1] ?? otherAdvance;
}

/** The room for a line, and how it is drawn. */
export interface Line {
  readonly font: Font;
  readonly width: number;
}

/** Lines no wider than `width`: broken at blanks, or else behind punctuation. */
export function linesOf(text: string, line: Line): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    const together = last === undefined ? word : `${last} ${word}`;
    if (fittingIn(together, line) === together.length) lines.splice(-1, 1, together);
    else for (const part of broken(word, line)) lines.push(part);
  }
  return lines;
}

function broken(word: string, line: Line): string[] {
  const found: string[] = [];
  let rest = word;
  for (;;) {
    const fitting = Math.max(1, fittingIn(rest, line));
    if (fitting >= rest.length) return [...found, rest];
    const end = breakAt(rest, fitting);
    found.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
}
