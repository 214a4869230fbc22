import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { knownSources } from '../../../src/egress/knowledge/sources.ts';
import { type Printer, printers } from '../../../src/egress/print/printers.ts';
import {
  componentList,
  hostileList,
  largeList,
  listOf,
  observedList,
  smallList,
  talosList,
  testSources,
} from '../lists.ts';

const golden = fileURLToPath(new URL('../../../fixtures/egress/golden/print/', import.meta.url));
const endings = { table: 'txt', markdown: 'md', csv: 'csv', json: 'json', svg: 'svg', html: 'html' } as const;
const options = { stateless: false, title: 'Talos v1.14.4 to 10.5.0.1:6000', sources: testSources };
const lists = { smallList, talosList, componentList, observedList, largeList, hostileList, nothing: listOf([]) };

/** All that could move a cursor, forge a line or hide. */
const unseen = /[^\P{C}\n\r]|[\p{Zl}\p{Zp}]/u;

describe.each(printers)('$name', ({ name, print }: Printer) => {
  it('writes its golden file', async () => {
    const text = print(observedList, { ...options, columns: 110, date: '2026-11-26', stateless: true });
    await expect(text).toMatchFileSnapshot(join(golden, `egress.${endings[name]}`));
  });

  it.each(Object.entries(lists))(
    'prints %s the same way twice, with a newline at the end and nothing unseen',
    (_, list) => {
      for (const stateless of [false, true]) {
        const text = print(list, { ...options, stateless, columns: 100 });
        expect(text).toBe(print(list, { ...options, stateless, columns: 100 }));
        expect(text.endsWith('\n')).toBe(true);
        expect(unseen.exec(text)?.[0]).toBeUndefined();
      }
    },
  );

  it('names every destination', () => {
    const text = print(largeList, { ...options, columns: 100 })
      .replaceAll(/&#60;/g, '<')
      .replaceAll(/&#62;/g, '>');
    // In the picture long names go on in the next line.
    const names = name === 'svg' ? [] : largeList.destinations.map(({ host }) => host);
    expect(names.filter((host) => !text.includes(host))).toEqual([]);
    expect(text).toContain('443');
  });

  it('says nothing of a date that it was not given', () => {
    const text = print(smallList, { ...options, columns: 100, sources: [] });
    expect(text).not.toMatch(/\d{4}-\d\d-\d\d/);
  });
});

describe('printers', () => {
  it('have the names that --format takes, the table first', () => {
    expect(printers.map(({ name }) => name)).toEqual(['table', 'markdown', 'csv', 'json', 'svg', 'html']);
  });

  it('take the sources of the knowledge base', () => {
    const text = printers.map(({ print }) => print(talosList, { ...options, sources: knownSources })).join('');
    expect(text).toContain(knownSources.find(({ id }) => id === 'talos-egress-v1.14')?.title);
  });
});
