/** The rows of the four source documents, and what accounts for them. See fixtures/egress/README.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KnownDestination } from '../../../src/egress/knowledge/known.ts';

export const fixtures = fileURLToPath(new URL('../../../fixtures/egress', import.meta.url));

export interface SourceDocument {
  readonly id: string;
  readonly title: string;
  /** Id of a KnownSource. */
  readonly source: string;
  /** Stands in it, and in no other of them. */
  readonly knownBy: string;
}

export interface SourceRow {
  readonly document: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly purpose: string;
  readonly component: string;
  readonly became: 'present' | 'superseded';
  readonly reason?: string;
  readonly standsFor?: readonly string[];
}

export interface SourceRows {
  readonly documents: readonly SourceDocument[];
  readonly rows: readonly SourceRow[];
  readonly noEgress: readonly { readonly document: string; readonly token: string; readonly reason: string }[];
}

export const sourceRows = JSON.parse(readFileSync(join(fixtures, 'source-rows.json'), 'utf8')) as SourceRows;

/** What a row counts on. */
export function keysOf({ standsFor, component, host, port, protocol }: SourceRow): readonly string[] {
  return standsFor ?? [`${component} ${host} ${port}/${protocol}`];
}

/** Of an entry: itself, and the exact hosts it knows. */
export function keysOfEntry({ component, host, port, protocol, exact = [] }: KnownDestination): string[] {
  return [host, ...exact.map((one) => one.host)].map((name) => `${component} ${name} ${port}/${protocol}`);
}

/** Rows nothing accounts for, in a line each. */
export function unaccounted(known: readonly KnownDestination[]): string[] {
  const present = new Set(known.filter(({ superseded }) => superseded === undefined).flatMap(keysOfEntry));
  const superseded = new Set(known.filter((entry) => entry.superseded !== undefined).flatMap(keysOfEntry));
  return sourceRows.rows.flatMap((row) => {
    const among = row.became === 'present' ? present : superseded;
    const missing = keysOf(row).filter((key) => !among.has(key));
    return missing.map(
      (key) => `${row.document}: ${row.host} ${row.port}/${row.protocol}: ${row.became} no more: ${key}`,
    );
  });
}
