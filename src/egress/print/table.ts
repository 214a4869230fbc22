/** The list for a terminal, or for a ticket. */
import type { Destination, EgressList } from '../destination.ts';
import { type GridRow, gridLines, wrapped } from './grid.ts';
import type { PrintOptions } from './printers.ts';
import { visible } from './visible.ts';
import {
  alike,
  byRole,
  clientPorts,
  isObserved,
  knownFrom,
  neededText,
  neededWord,
  portText,
  returning,
  seenText,
  sourcesById,
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
    ...paragraphs('Beware:', { texts: warnings, columns }),
    ...paragraphs('Note:', { texts: list.notes, columns }),
  );
  return `${lines.join('\n').trimEnd()}\n`;
}

interface RowOptions extends PrintOptions {
  readonly observed: boolean;
}

/** Where a line has room for all of it, each host has one of its own; on a terminal, hosts for the same reasons share the reasons. */
function tableRows(destinations: readonly Destination[], options: RowOptions): GridRow[] {
  const known = sourcesById(options.sources);
  const seen = (text: string) => (options.observed ? [text] : []);
  const heading = { names: ['HOST'], cells: ['PORT', 'WHY', 'NEEDED', ...seen('SEEN'), 'KNOWN FROM'] };
  const grouped = (all: readonly Destination[]) =>
    options.columns === undefined ? all.map((one) => [one] as const) : alike(all);
  const rows = grouped(destinations).map((group) => {
    const [first] = group;
    const cells = [
      portText(first),
      whyText(first),
      neededText(first),
      ...seen(seenText(first) ?? ''),
      knownFrom(first, known),
    ];
    return { names: group.map(({ host }) => visible(host)), cells: cells.map(visible) };
  });
  return [heading, ...rows, ...(options.stateless ? grouped(returning(destinations)).map(answerRow) : [])];
}

function answerRow(group: readonly [Destination, ...Destination[]]): GridRow {
  const [first] = group;
  const cells = [`from ${portText(first)}`, `answers, in to local ports ${clientPorts}`, neededWord(first)];
  return { names: group.map(({ host }) => visible(host)), cells };
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
