/** The list for a ticket or a wiki: GitHub Flavored Markdown. */
import type { Destination, EgressList } from '../destination.ts';
import type { PrintOptions } from './printers.ts';
import { visible } from './visible.ts';
import {
  byRole,
  clientPorts,
  documentIds,
  isObserved,
  neededText,
  neededWord,
  otherEvidence,
  portText,
  returning,
  seenText,
  sourceIds,
  sourcesById,
  warningsOf,
} from './wording.ts';

/** A table for each role, warnings, notes, and the sources that the tables name by their numbers. */
export function printMarkdown(list: EgressList, options: PrintOptions): string {
  const date = options.date === undefined ? [] : [escapeMarkdown(options.date), ''];
  const tables = byRole(list).flatMap(({ title, destinations }) => [
    `## ${title}`,
    '',
    ...tableRows(destinations, { list, stateless: options.stateless }),
    '',
  ]);
  const lines = [
    `# ${escapeMarkdown(options.title)}`,
    '',
    ...date,
    ...(tables.length === 0 ? ['Nothing has to be opened.', ''] : tables),
    ...section(
      'Warnings',
      warningsOf(list).map(({ host, text }) => `- ${code(host)}: ${escapeMarkdown(text)}`),
    ),
    ...section(
      'Notes',
      list.notes.map((note) => `- ${escapeMarkdown(note)}`),
    ),
    ...section('Sources', sourceLines(list, options)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

interface Whole {
  readonly list: EgressList;
  readonly stateless: boolean;
}

function tableRows(destinations: readonly Destination[], { list, stateless }: Whole): string[] {
  const observed = isObserved(list);
  const seen = (text: string) => (observed ? [text] : []);
  const numbers = new Map(sourceIds(list).map((id, index) => [id, `[${index + 1}]`]));
  const heading = ['Host', 'Port', 'Why', 'Needed', ...seen('Seen'), 'Known from'];
  const rows = destinations.map((destination) => [
    code(destination.host),
    portText(destination),
    whyCell(destination),
    escapeMarkdown(neededText(destination)),
    ...seen(seenText(destination) ?? ''),
    [
      ...documentIds(destination).map((id) => numbers.get(id) ?? ''),
      ...otherEvidence(destination).map(escapeMarkdown),
    ].join(', '),
  ]);
  const answers = stateless ? returning(destinations).map((one) => [...answerCells(one), ...seen(''), '']) : [];
  return [heading, heading.map(() => '---'), ...rows, ...answers].map((row) => `| ${row.join(' | ')} |`);
}

function whyCell({ purposes, inPlaceOf, through }: Destination): string {
  const parts = [escapeMarkdown(purposes.join(', '))];
  if (inPlaceOf !== undefined && inPlaceOf.length > 0) parts.push(`in place of ${inPlaceOf.map(code).join(', ')}`);
  if (through !== undefined) parts.push(`through the proxy ${code(through)}`);
  return parts.join('; ');
}

function answerCells(destination: Destination): string[] {
  const why = `answers, in to local ports ${clientPorts}`;
  return [code(destination.host), `from ${portText(destination)}`, why, neededWord(destination)];
}

function sourceLines(list: EgressList, options: PrintOptions): string[] {
  const known = sourcesById(options.sources);
  return sourceIds(list).map((id, index) => {
    const source = known.get(id);
    const text =
      source === undefined
        ? escapeMarkdown(id)
        : `${escapeMarkdown(source.title)}, ${address(source.address)}, ${source.date}${source.by === 'owner' ? '' : ' (observed by others)'}`;
    return `${index + 1}. ${text}`;
  });
}

function address(text: string): string {
  return /^https:\/\/[\w./~%?=&#+-]+$/.test(text) ? `<${text}>` : escapeMarkdown(text);
}

function section(heading: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`## ${heading}`, '', ...lines, ''];
}

/** A name as code where that shows it as it is, or else as escaped text. */
function code(text: string): string {
  return /^[\w.*<>:/ -]+$/.test(text) && text.trim() === text ? `\`${text}\`` : escapeMarkdown(text);
}

/** Text that Markdown shows as it is, in a cell of a table too. */
export function escapeMarkdown(text: string): string {
  return visible(text)
    .replaceAll(/[\\`*_{}[\]<>|~!#]|&(?=#?\w)/g, '\\$&')
    .replace(/^(?=[-+](?:\s|$)|[-=]+$)/, '\\')
    .replace(/^(\d+)(?=[.)](?:\s|$))/, '$1\\');
}
