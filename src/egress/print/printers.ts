/** The forms in which a list is printed for people and for programs that are no firewall. */
import type { EgressList } from '../destination.ts';
import type { KnownSource } from '../knowledge/known.ts';
import { printCsv } from './csv.ts';
import { printSvg } from './diagram.ts';
import { printHtml } from './html.ts';
import { printJson } from './json.ts';
import { printMarkdown } from './markdown.ts';
import { printTable } from './table.ts';

export interface PrintOptions {
  /** Width of a line in characters, for the table. Default any width. */
  readonly columns?: number | undefined;
  /** The table tells the number of many optional hosts for one reason, in place of all of them. Default false. */
  readonly brief?: boolean;
  /** With what has to be let in again, for a firewall that does not follow connections. */
  readonly stateless: boolean;
  /** What the list is for, in one line: `Talos v1.14.4 to 10.5.0.1:6000`. */
  readonly title: string;
  /** Day it is printed under, as it shall appear; nothing here reads a clock. Default none. */
  readonly date?: string | undefined;
  /** The documents that evidence may name: knownSources. */
  readonly sources: readonly KnownSource[];
}

export interface Printer {
  /** As `--format` takes it. */
  readonly name: 'table' | 'markdown' | 'csv' | 'json' | 'svg' | 'html';
  /** Whole text with a newline at its end. Deterministic: the same list and options give the same bytes. */
  readonly print: (list: EgressList, options: PrintOptions) => string;
}

/** Every printer, the table first. */
export const printers: readonly Printer[] = [
  { name: 'table', print: printTable },
  { name: 'markdown', print: printMarkdown },
  { name: 'csv', print: printCsv },
  { name: 'json', print: printJson },
  { name: 'svg', print: printSvg },
  { name: 'html', print: printHtml },
];
