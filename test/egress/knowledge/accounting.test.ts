/** Every row of the four source documents is accounted for, and every entry that names one of them has a row there. */
import { describe, expect, it } from 'vitest';
import { knownDestinations } from '../../../src/egress/knowledge/all.ts';
import { knownSources } from '../../../src/egress/knowledge/sources.ts';
import { keysOf, keysOfEntry, sourceRows, unaccounted } from './source-rows.ts';

describe('the four source documents', () => {
  it('have no row that nothing accounts for', () => {
    expect(unaccounted(knownDestinations)).toEqual([]);
  });

  const counted = new Set(sourceRows.rows.flatMap(keysOf));
  const entries = knownDestinations.filter((entry) => keysOfEntry(entry).some((key) => counted.has(key)));

  it('are what these entries are held to', () => {
    expect(entries.length).toBeGreaterThan(40);
  });

  it.each(
    entries.map((entry) => ({ name: `${entry.component} ${entry.host} ${entry.port}/${entry.protocol}`, entry })),
  )('miss $name when it is deleted', ({ entry }) => {
    expect(unaccounted(knownDestinations.filter((one) => one !== entry))).not.toEqual([]);
  });

  it('miss an entry that is said to be superseded and was not, or the other way round', () => {
    const turned = knownDestinations.map((entry) =>
      entry.superseded === undefined
        ? { ...entry, superseded: { by: [], since: '2026', reason: 'nothing' } }
        : { ...entry, superseded: undefined },
    );
    expect(unaccounted(turned).length).toBeGreaterThanOrEqual(sourceRows.rows.length);
  });

  it('say why a row is superseded, and which host a row stands for that names none', () => {
    const silent = sourceRows.rows.filter(
      (row) => (row.became === 'superseded' || row.standsFor !== undefined) && (row.reason ?? '') === '',
    );
    expect(silent.filter(({ host }) => host !== '*.pkg.dev')).toEqual([]);
  });

  it('hold every row for which an entry names them', () => {
    const documents = new Map(sourceRows.documents.map(({ id, source }) => [source, id]));
    const without = knownDestinations.flatMap((entry) =>
      entry.sources
        .map((source) => documents.get(source))
        .filter((document) => document !== undefined)
        .filter((document) => {
          const keys = sourceRows.rows.filter((row) => row.document === document).flatMap(keysOf);
          return !keysOfEntry(entry).some((key) => keys.includes(key));
        })
        .map((document) => `${document}: ${entry.component} ${entry.host}`),
    );
    expect(without).toEqual([]);
  });

  it('are known sources', () => {
    const ids = knownSources.map(({ id }) => id);
    expect(sourceRows.documents.map(({ source }) => source).filter((source) => !ids.includes(source))).toEqual([]);
  });

  it('have the typing error of one wildcard as superseded, never to be opened', () => {
    const typo = knownDestinations.filter(({ host }) => host === '*.rc.cloudflarestorage.com');
    expect(typo.map(({ superseded }) => superseded?.by)).toEqual([['*.r2.cloudflarestorage.com']]);
  });
});
