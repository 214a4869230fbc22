import { describe, expect, it } from 'vitest';
import type { EgressList } from '../../../src/egress/destination.ts';
import { pictures, printSvg } from '../../../src/egress/print/diagram.ts';
import { visible } from '../../../src/egress/print/visible.ts';
import {
  componentList,
  destination,
  hostileList,
  largeList,
  listOf,
  observedList,
  smallList,
  talosList,
} from '../lists.ts';
import { everyElement, readXml, type XmlElement } from './xml.ts';

const options = { stateless: false, title: 'a job', sources: [] };
const lists = { smallList, talosList, componentList, observedList, largeList, hostileList };

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const numberOf = (element: XmlElement, name: string) => Number(element.attributes[name] ?? 0);

function boxesOf(root: XmlElement): Box[] {
  return everyElement(root)
    .filter(({ attributes }) => attributes.class === 'box')
    .map((element) => {
      const [left, top] = [numberOf(element, 'x'), numberOf(element, 'y')];
      return { left, top, right: left + numberOf(element, 'width'), bottom: top + numberOf(element, 'height') };
    });
}

const textsOf = (root: XmlElement) => everyElement(root).filter(({ name }) => name === 'text');
const overlap = (one: Box, other: Box) =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
const read = (list: EgressList) => readXml(printSvg(list, options));
/** Texts one after the other, as a name that goes on in the next line is. */
const run = (root: XmlElement) =>
  textsOf(root)
    .map(({ text }) => text)
    .join('');

describe.each(Object.entries(lists))('the picture of %s', (_, list) => {
  const root = read(list);
  const boxes = boxesOf(root);

  it('is well-formed, with a title and a description, and asks for nothing', () => {
    expect(root.name).toBe('svg');
    expect(root.children.slice(0, 2).map(({ name }) => name)).toEqual(['title', 'desc']);
    const names = new Set(everyElement(root).map(({ name }) => name));
    expect(
      [...names].filter((name) => !['svg', 'title', 'desc', 'g', 'rect', 'path', 'circle', 'text'].includes(name)),
    ).toEqual([]);
    const keys = everyElement(root).flatMap(({ attributes }) => Object.keys(attributes));
    expect(keys.filter((key) => key.startsWith('on') || key === 'href' || key === 'style')).toEqual([]);
  });

  it('names every host', () => {
    // A line may end at a blank, which is then in neither.
    const text = run(root).replaceAll(' ', '');
    const names = list.destinations.map(({ host }) => visible(host).replaceAll(' ', ''));
    expect(names.filter((name) => !text.includes(name))).toEqual([]);
  });

  it('has no box over another', () => {
    const pairs = boxes.flatMap((one, index) => boxes.slice(index + 1).map((other) => [one, other] as const));
    expect(pairs.filter(([one, other]) => overlap(one, other))).toEqual([]);
  });

  it('leads every arrow from a box to a box, through none and not over a text', () => {
    const arrows = everyElement(root).flatMap(
      ({ attributes }) => /^M([\d.]+) ([\d.]+)H([\d.]+)$/.exec(attributes.d ?? '') ?? [],
    );
    for (let at = 0; at < arrows.length; at += 4) {
      const [from, y, to] = arrows.slice(at + 1, at + 4).map(Number) as [number, number, number];
      if (boxes.every(({ right }) => right !== from)) continue;
      expect(boxes.some(({ left, top, bottom }) => left === to + 8 && top <= y && y <= bottom)).toBe(true);
      expect(boxes.filter((box) => box.left > from && box.left < to && box.top < y && y < box.bottom)).toEqual([]);
      const crossed = textsOf(root).filter((text) => {
        const [x, baseline] = [numberOf(text, 'x'), numberOf(text, 'y')];
        return x >= from && x < to && y > baseline - 8 && y < baseline + 2;
      });
      expect(crossed.map(({ text }) => text)).toEqual([]);
    }
  });

  it('has no text over another in its column, and none below the picture', () => {
    const height = Number(root.attributes.viewBox?.split(' ')[3]);
    const columns = new Map<number, number[]>();
    for (const text of textsOf(root)) {
      const x = numberOf(text, 'x');
      expect(numberOf(text, 'y')).toBeLessThan(height);
      columns.set(x, [...(columns.get(x) ?? []), numberOf(text, 'y')]);
    }
    for (const ys of columns.values()) {
      const gaps = ys.toSorted((one, other) => one - other).map((y, index, all) => y - (all[index - 1] ?? -99));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(11);
    }
  });
});

describe('the picture', () => {
  const dashes = (root: XmlElement) =>
    everyElement(root).flatMap(({ attributes }) => {
      return /^M[\d.]+ [\d.]+H/.test(attributes.d ?? '') && attributes['stroke-width'] === '1.4'
        ? [attributes['stroke-dasharray'] ?? 'solid']
        : [];
    });

  it('draws what is required, optional and undeclared with lines of their own, and explains those it has', () => {
    const list = listOf([
      destination('a.example'),
      destination('b.example', { required: false }),
      destination('c.example', { seen: 'undeclared' }),
    ]);
    expect(new Set(dashes(read(list)))).toEqual(new Set(['solid', '7 4', '1.5 3.5']));
    expect(run(read(list))).toContain('optional: registry b.example');
    expect(run(read(list))).toContain('not declared: registry c.example');
    expect(run(read(list))).toMatch(/requiredoptionalcontacted, but nothing declares it$/);
    expect(run(read(smallList))).toMatch(/required$/);
  });

  it('puts what is the site’s own on its side of the firewall, and the rest beyond', () => {
    const inside = boxesOf(read(componentList)).filter(({ left }) => left > 200 && left < 546);
    expect(inside).toHaveLength(1);
    expect(boxesOf(read(talosList)).filter(({ left }) => left > 200 && left < 546)).toHaveLength(4);
    const publicServer = { component: 'site', evidence: [{ kind: 'configured', by: '--dns' }] } as const;
    const elsewhere = read(
      listOf([
        destination('1.1.1.1', publicServer),
        destination('r.example', { ...publicServer, evidence: [{ kind: 'configured', by: 'images' }] }),
      ]),
    );
    expect(boxesOf(elsewhere).filter(({ left }) => left > 546)).toHaveLength(2);
  });

  it('leads through the proxy what is reached through it, named in the list or not', () => {
    const bare = listOf([destination('ghcr.io', { through: 'proxy.site:3128' })]);
    for (const list of [observedList, bare]) {
      const boxes = boxesOf(read(list));
      const proxy = boxes.find(({ left }) => left === 256);
      expect(proxy).toBeDefined();
      const arrows = everyElement(read(list)).filter(({ attributes }) => attributes.d?.startsWith(`M${proxy?.right} `));
      expect(arrows).toHaveLength(list === bare ? 1 : 3);
    }
    expect(run(read(bare))).toContain('proxy.site:3128');
  });

  it('says where nothing has to be opened', () => {
    expect(run(read(talosList)).split('Nothing has to be opened')).toHaveLength(2);
    expect(run(read(listOf([])))).toContain('Nothing has to be opened');
    expect(run(read(smallList))).not.toContain('Nothing');
  });

  it('is divided into sheets for paper, each with its own ids, all hosts in one of them', () => {
    const sheets = pictures(largeList, 'a job').map(({ text }) => readXml(text));
    expect(sheets.length).toBeGreaterThan(1);
    for (const sheet of sheets) expect(numberOf(sheet, 'height')).toBeLessThanOrEqual(1200);
    const text = sheets.map(run).join('');
    expect(largeList.destinations.filter(({ host }) => !text.includes(host))).toEqual([]);
    const ids = sheets.flatMap((sheet) => everyElement(sheet).flatMap(({ attributes }) => attributes.id ?? []));
    expect(new Set(ids).size).toBe(2 * sheets.length);
    expect(pictures(smallList, 'a job')).toHaveLength(1);
  });
});

it('tells many optional hosts by their number, and draws what is needed or was contacted', () => {
  const hosts = (name: string) => [...Array(12).keys()].map((index) => `${name}-${index}.example`);
  const list = listOf([
    ...hosts('needed').map((host) => destination(host, { purposes: ['blobs'] })),
    ...hosts('spare').map((host) => destination(host, { required: false, purposes: ['blobs'] })),
    ...hosts('contacted').map((host) => destination(host, { required: false, purposes: ['blobs'], seen: 'seen' })),
  ]);
  const text = run(read(list));
  const drawn = (name: string) => text.split(`${name}-`).length - 1;
  expect([drawn('needed'), drawn('spare'), drawn('contacted')]).toEqual([12, 3, 12]);
  expect(text).toContain('and 9 more, see the list');
});

it('calls what Omni fetches what it needs, and what nodes reach it by its name', () => {
  const fetched = run(read(listOf([destination('factory.talos.dev', { role: 'omni', component: 'omni' })])));
  const reached = run(read(listOf([destination('omni.site', { role: 'nodes', component: 'omni' })])));
  expect([fetched, reached].map((text) => text.includes('Needed by Omni'))).toEqual([true, false]);
});
