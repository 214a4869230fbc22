/** The list for a spreadsheet or a script: RFC 4180, one destination in a row. */
import type { Destination, EgressList } from '../destination.ts';
import type { PrintOptions } from './printers.ts';
import { visible } from './visible.ts';
import { clientPorts, documentIds, neededWord, returning, sumOf } from './wording.ts';

/** The heading. Of a row whose direction is `in`, `port` is the source port. */
export const csvColumns = [
  'role',
  'direction',
  'host',
  'port',
  'protocol',
  'speaks',
  'required',
  'condition',
  'purposes',
  'component',
  'in_place_of',
  'exfiltration',
  'through',
  'seen',
  'first_seen',
  'last_seen',
  'bytes',
  'sources',
] as const;

/** Lines end with CRLF; lists in a cell are separated by `; `. */
export function printCsv(list: EgressList, { stateless }: PrintOptions): string {
  const rows = list.destinations.map(outRow);
  const answers = stateless ? returning(list.destinations).map(inRow) : [];
  return [csvColumns, ...rows, ...answers].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function outRow(destination: Destination): string[] {
  const { condition, purposes, component, inPlaceOf, exfiltration, through, seen, evidence } = destination;
  const contacts = evidence.flatMap((entry) => (entry.kind === 'observed' ? [entry.contact] : []));
  const sum = sumOf(contacts);
  const configured = evidence.flatMap((entry) => (entry.kind === 'configured' ? [entry.by] : []));
  return [
    ...whereCells(destination, 'out'),
    condition ?? '',
    purposes.join('; '),
    component,
    inPlaceOf?.join('; ') ?? '',
    exfiltration ?? '',
    through ?? '',
    seen ?? '',
    sum?.first ?? '',
    sum?.last ?? '',
    sum === undefined ? '' : String(sum.bytes),
    [...documentIds(destination), ...configured, ...(contacts.length > 0 ? ['observed'] : [])].join('; '),
  ];
}

function inRow(destination: Destination): string[] {
  const cells = [...whereCells(destination, 'in'), '', `answers to local ports ${clientPorts}`, destination.component];
  return [...cells, ...csvColumns.slice(cells.length).map(() => '')];
}

function whereCells(destination: Destination, direction: 'in' | 'out'): string[] {
  const { role, host, port, protocol, speaks } = destination;
  return [role, direction, host, String(port), protocol, speaks, neededWord(destination)];
}

/**
 * A field, in quotes where it has to be. What a spreadsheet would take for a formula, in full width too, gets an apostrophe before it
 * (OWASP, CSV Injection); `*.pkg.dev` is none.
 */
export function csvCell(text: string): string {
  const shown = visible(text).replace(/^(?=\s*[=+\-@＝＋－＠])/, "'");
  return /[",;]|^\s|\s$/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}
