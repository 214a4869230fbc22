import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, csvColumns, printCsv } from '../../../src/egress/print/csv.ts';
import { visible } from '../../../src/egress/print/visible.ts';
import { destination, hostileList, hostileTexts, listOf, observedList, talosList, testSources } from '../lists.ts';

const options = { stateless: false, title: 'a job', sources: testSources };

/** RFC 4180, strictly: every line ends with CRLF, quotes stand around whole fields and are doubled in them. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest);
    if (match === null) throw new Error(`no field: ${rest.slice(0, 40)}`);
    const [whole, quoted, plain = '', end] = match;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    rest = rest.slice(whole.length);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function records(text: string): Record<string, string>[] {
  const [heading = [], ...rows] = readCsv(text);
  return rows.map((row) => {
    expect(row).toHaveLength(heading.length);
    return Object.fromEntries(heading.map((name, at) => [name, row[at] ?? '']));
  });
}

describe('CSV', () => {
  it('has a heading and one row for each destination', () => {
    const [heading, ...rows] = readCsv(printCsv(talosList, options));
    expect(heading).toEqual(csvColumns);
    expect(rows.map((row) => row[2])).toEqual(talosList.destinations.map(({ host }) => host));
  });

  it('holds all that is known of one', () => {
    const found = records(printCsv(observedList, options)).find(({ host }) => host?.startsWith('pkg-containers'));
    expect(found).toEqual({
      role: 'staging',
      direction: 'out',
      host: 'pkg-containers.githubusercontent.com',
      port: '443',
      protocol: 'tcp',
      speaks: 'https',
      required: 'required',
      condition: '',
      purposes: 'blobs of ghcr.io',
      component: 'ghcr',
      in_place_of: '*.githubusercontent.com',
      exfiltration: '',
      through: 'proxy.site.example:3128',
      seen: 'seen',
      first_seen: '2026-11-20T08:00:00Z',
      last_seen: '2026-11-26T10:08:04Z',
      bytes: '345600000',
      sources: 'talos-egress-v1.14; observed',
    });
  });

  it('has the return rules as rows of direction in, with the source port', () => {
    const rows = records(printCsv(observedList, { ...options, stateless: true })).filter(
      ({ direction }) => direction === 'in',
    );
    expect(rows.map(({ host, port, purposes }) => [host, port, purposes])).toEqual([
      ['10.5.0.1', '6000', 'answers to local ports 1024-65535'],
      ['proxy.site.example', '3128', 'answers to local ports 1024-65535'],
      ['objects-origin.githubusercontent.com', '443', 'answers to local ports 1024-65535'],
    ]);
  });

  it('holds no formula, and leaves wildcards as they are', () => {
    for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '  @x', '＝1+1', '＠x'])
      expect(csvCell(text)).toMatch(/^"?'/);
    expect(csvCell('*.pkg.dev')).toBe('*.pkg.dev');
    expect(csvCell('\t=1')).toBe('\\u0009=1');
    for (const row of readCsv(printCsv(hostileList, options)))
      for (const cell of row) expect(cell).not.toMatch(/^\s*[=+\-@]/);
  });

  it('has quotes around what a reader would cut or divide', () => {
    expect([' x', 'x ', 'a; b', 'a,b', 'a"b', 'a b'].map(csvCell)).toEqual([
      '" x"',
      '"x "',
      '"a; b"',
      '"a,b"',
      '"a""b"',
      'a b',
    ]);
  });

  it('is read back whatever the texts hold', () => {
    expect(records(printCsv(hostileList, options))).toHaveLength(hostileTexts.length);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        const rows = records(printCsv(listOf([destination('ghcr.io', { condition: text })]), options));
        expect(rows).toHaveLength(1);
        expect(rows[0]?.condition?.replace(/^'(?=\s*[=+\-@＝＋－＠])/, '')).toBe(visible(text));
        expect(rows[0]?.component).toBe('ghcr');
      }),
    );
  });
});
