import { describe, expect, it } from 'vitest';
import { printHtml } from '../../../src/egress/print/html.ts';
import { visible } from '../../../src/egress/print/visible.ts';
import {
  componentList,
  hostileList,
  hostileTexts,
  largeList,
  listOf,
  observedList,
  talosList,
  testSources,
} from '../lists.ts';
import { everyElement, readXml, type XmlElement } from './xml.ts';

const options = { stateless: true, title: 'a job', date: '2026-11-26', sources: testSources };
const allOf = (root: XmlElement, name: string) => everyElement(root).filter((element) => element.name === name);
const lists = { talosList, componentList, observedList, largeList, hostileList, nothing: listOf([]) };

describe('the report', () => {
  it.each(Object.entries(lists))('of %s is well-formed, and forbids scripts before anything else', (_, list) => {
    const root = readXml(printHtml(list, options));
    const [, policy] = allOf(root, 'meta');
    expect(policy?.attributes.content).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    );
    expect(allOf(root, 'script')).toEqual([]);
    expect(allOf(root, 'img')).toEqual([]);
    const keys = everyElement(root).flatMap(({ attributes }) => Object.keys(attributes));
    expect(keys.filter((key) => key.startsWith('on') || key === 'src' || key === 'style')).toEqual([]);
    const ids = everyElement(root).flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const codes = allOf(root, 'code').map(({ text }) => text);
    expect(list.destinations.filter(({ host }) => !codes.includes(visible(host)))).toEqual([]);
  });

  it('has as many cells in each row as in its heading', () => {
    for (const list of [observedList, talosList]) {
      const widths = allOf(readXml(printHtml(list, options)), 'tr').map(({ children }) => children.length);
      expect(new Set(widths)).toEqual(new Set([list === observedList ? 6 : 5]));
    }
  });

  it('shows hostile texts as texts, wherever they stand', () => {
    const page = printHtml(hostileList, { ...options, title: hostileTexts[0] ?? '', date: hostileTexts[1] });
    const root = readXml(page);
    expect(allOf(root, 'h1')[0]?.text).toBe('<script>alert(1)</script>');
    expect(allOf(root, 'li').map(({ text }) => text)).toEqual(expect.arrayContaining(hostileTexts.map(visible)));
    expect(page).not.toMatch(/<script|<img/);
  });

  it('counts, and leads from each row to its sources', () => {
    const root = readXml(printHtml(observedList, options));
    const counts = allOf(root, 'dl')[0]?.children.map(({ children }) => children.map(({ text }) => text).join(' '));
    expect(counts).toEqual(['destinations 6', 'required 5', 'optional 0', 'contacted 4', 'contacted, not declared 1']);
    const targets = allOf(root, 'a').flatMap(({ attributes }) => attributes.href?.match(/^#(.*)/)?.[1] ?? []);
    const ids = allOf(root, 'li').flatMap(({ attributes }) => attributes.id ?? []);
    expect(new Set(targets)).toEqual(new Set(ids));
    expect(allOf(root, 'p')[0]?.text).toContain('2026-11-26');
  });

  it('links to addresses that are ones, and to nothing else', () => {
    const links = allOf(readXml(printHtml(talosList, options)), 'a').map(({ attributes }) => attributes.href);
    expect(new Set(links)).toEqual(new Set(['#source-1', '#source-2', testSources[0]?.address]));
    const [first] = testSources;
    const bad = first === undefined ? [] : [{ ...first, address: 'javascript:alert(1)' }];
    const others = allOf(readXml(printHtml(talosList, { ...options, sources: bad })), 'a');
    expect(others.filter(({ attributes }) => !attributes.href?.startsWith('#'))).toEqual([]);
  });

  it('has the return rules, and one entry for hosts that are needed for the same reasons', () => {
    const rows = allOf(readXml(printHtml(talosList, options)), 'tr').map(({ text }) => text);
    expect(
      rows.filter((text) => text.includes('asia-east1-docker.pkg.dev') && text.includes('us-east1-docker')),
    ).toHaveLength(2);
    expect(rows).toContainEqual(expect.stringContaining('from 6000/tcp'));
  });
});
