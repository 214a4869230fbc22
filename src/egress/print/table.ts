/** The list for a terminal, or for a ticket. */
import type { Destination, EgressList } from '../destination.ts';
import { type GridRow, gridLines, wrapped } from './grid.ts';
import type { PrintOptions } from './printers.ts';
import { visible } from './visible.ts';
import {
  byRole,
  clientPorts,
  type Entry,
  entriesOf,
  isObserved,
  knownFrom,
  neededText,
  neededWord,
  returning,
  seenText,
  sourceIds,
  sourcesById,
  spareOf,
  warningsOf,
  whyText,
} from './wording.ts';

/** A table for each role, and below them what to beware of. Ends with a newline. */
export function printTable(list: EgressList, options: PrintOptions): string {
  const { columns } = options;
  const lines = byRole(list).flatMap(({ title, destinations }) => [
    title,
    ...gridLines(tableRows(destinations, { ...options, observed: isObserved(list) }), { columns, indent: '  ' }),
    '',
  ]);
  if (lines.length === 0) lines.push('Nothing has to be opened.', '');
  const warnings = warningsOf(list).map(({ host, text }) => `${host}: ${text}`);
  lines.push(
    ...paragraphs('Warnings:', { texts: warnings, columns }),
    ...paragraphs('Notes:', { texts: list.notes, columns }),
    ...(sourceIds(list).length === 0 ? [] : ['Documents that KNOWN FROM names are listed by --format markdown.', '']),
  );
  return `${lines.join('\n').trimEnd()}\n`;
}

interface RowOptions extends PrintOptions {
  readonly observed: boolean;
}

/** Where a line has room for all of it, each destination has one of its own; else hosts for the same reasons share the reasons. */
function tableRows(destinations: readonly Destination[], options: RowOptions): GridRow[] {
  const known = sourcesById(options.sources);
  const seen = (text: string) => (options.observed ? [text] : []);
  const heading = { names: ['HOST'], cells: ['PORT', 'WHY', 'NEEDED', ...seen('SEEN'), 'KNOWN FROM'] };
  const entries = (all: readonly Destination[]) =>
    options.columns === undefined ? all.flatMap((one) => entriesOf([one])) : entriesOf(all);
  const rows = entries(destinations).map((entry) => {
    const { first, ports } = entry;
    const cells = [ports, whyText(first), neededText(first), ...seen(seenText(first) ?? ''), knownFrom(first, known)];
    return { names: namesOf(entry, options), cells: cells.map(visible) };
  });
  const answers = options.stateless ? entries(returning(destinations)) : [];
  return [heading, ...rows, ...answers.map((entry) => answerRow(entry, options))];
}

function namesOf({ members }: Entry, { brief = false }: PrintOptions): string[] {
  const spare = brief ? spareOf(members) : new Set();
  const names = members.filter((one) => !spare.has(one)).map(({ host }) => visible(host));
  return spare.size === 0 ? names : [...names, `and ${spare.size} more: see --format csv`];
}

function answerRow(entry: Entry, options: PrintOptions): GridRow {
  const { first, ports } = entry;
  const cells = [`from ${ports}`, `answers, in to local ports ${clientPorts}`, neededWord(first)];
  return { names: namesOf(entry, options), cells };
}

interface Paragraphs {
  readonly texts: readonly string[];
  readonly columns: number | undefined;
}

function paragraphs(heading: string, { texts, columns }: Paragraphs): string[] {
  if (texts.length === 0) return [];
  const width = columns === undefined ? Number.POSITIVE_INFINITY : columns - 4;
  const lines = texts.flatMap((text) =>
    wrapped(visible(text), width).map((line, at) => `${at === 0 ? '  - ' : '    '}${line}`),
  );
  return [heading, ...lines, ''];
}
