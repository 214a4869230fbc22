/** The list for a terminal, or for a ticket. */
import type { Destination, EgressList } from '../destination.ts';
import { gridLines, wrapped } from './grid.ts';
import type { PrintOptions } from './printers.ts';
import { visible } from './visible.ts';
import {
  byRole,
  clientPorts,
  isObserved,
  knownFrom,
  neededText,
  portText,
  returning,
  roleTitles,
  seenText,
  sourcesById,
  warningsOf,
  whyText,
} from './wording.ts';

/** A table for each role, and below them what to beware of. Ends with a newline. */
export function printTable(list: EgressList, options: PrintOptions): string {
  const { columns } = options;
  const lines = byRole(list).flatMap(({ role, destinations }) => [
    roleTitles[role],
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

function tableRows(destinations: readonly Destination[], options: RowOptions): string[][] {
  const known = sourcesById(options.sources);
  const seen = (text: string) => (options.observed ? [text] : []);
  const heading = ['HOST', 'PORT', 'WHY', 'NEEDED', ...seen('SEEN'), 'KNOWN FROM'];
  const rows = destinations.map((destination) => [
    destination.host,
    portText(destination),
    whyText(destination),
    neededText(destination),
    ...seen(seenText(destination) ?? ''),
    knownFrom(destination, known),
  ]);
  const answers = options.stateless ? returning(destinations).map((one) => [...answerRow(one), ...seen(''), '']) : [];
  return [heading, ...rows, ...answers].map((row) => row.map(visible));
}

/** In the columns of a destination. */
function answerRow(destination: Destination): string[] {
  const { host, required } = destination;
  const why = `answers, in to local ports ${clientPorts}`;
  return [host, `from ${portText(destination)}`, why, required ? 'required' : 'optional'];
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
