/** The list as a report: one page that loads nothing and runs nothing. */
import type { Destination, EgressList } from '../destination.ts';
import type { KnownSource } from '../knowledge/known.ts';
import { pictures } from './diagram.ts';
import { type Content, element, type Markup, styleText } from './element.ts';
import { reportStyle } from './html-style.ts';
import type { PrintOptions } from './printers.ts';
import {
  byRole,
  clientPorts,
  documentIds,
  type Entry,
  entriesOf,
  isObserved,
  neededText,
  neededWord,
  otherEvidence,
  returning,
  seenText,
  sourceIds,
  sourcesById,
  warningsOf,
} from './wording.ts';

/** Scripts, requests, frames and forms: none, whatever a text holds. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** A whole document; the picture stands in it. */
export function printHtml(list: EgressList, options: PrintOptions): string {
  const head = element(
    'head',
    {},
    element('meta', { charset: 'utf-8' }),
    element('meta', { 'http-equiv': 'Content-Security-Policy', content: policy }),
    element('meta', { name: 'viewport', content: 'width=device-width,initial-scale=1' }),
    element('meta', { name: 'color-scheme', content: 'light dark' }),
    element('title', {}, options.title),
    styleText(reportStyle),
  );
  const body = element('body', {}, header(list, options), main(list, options), sourcesPart(list, options.sources));
  return `<!doctype html>\n${element('html', { lang: 'en' }, head, body).text}\n`;
}

function header(list: EgressList, { title, date }: PrintOptions): Markup {
  const { destinations } = list;
  const count = (matches: (one: Destination) => boolean) => destinations.filter(matches).length;
  const entries: (readonly [string, number])[] = [
    ['destinations', destinations.length],
    ['required', count(({ required, seen }) => required && seen !== 'undeclared')],
    ['optional', count(({ required, seen }) => !required && seen !== 'undeclared')],
    ...(isObserved(list)
      ? ([
          ['contacted', count(({ seen }) => seen === 'seen')],
          ['contacted, not declared', count(({ seen }) => seen === 'undeclared')],
        ] as const)
      : []),
  ];
  return element(
    'header',
    {},
    element('h1', {}, title),
    date === undefined ? undefined : element('p', { class: 'soft' }, date),
    element(
      'dl',
      { class: 'counts' },
      entries.map(([name, number]) => element('div', {}, element('dt', {}, name), element('dd', {}, number))),
    ),
  );
}

function main(list: EgressList, options: PrintOptions): Markup {
  const warnings = warningsOf(list).map(({ host, text }) => element('li', {}, hostCode(host), `: ${text}`));
  return element(
    'main',
    {},
    pictures(list, options.title).map((one, index, all) =>
      element(
        'figure',
        {},
        one,
        all.length === 1 ? undefined : element('figcaption', { class: 'soft' }, `${index + 1} of ${all.length}`),
      ),
    ),
    warnings.length === 0 ? undefined : [element('h2', {}, 'Warnings'), element('ul', { class: 'beware' }, warnings)],
    byRole(list).map(({ title, destinations }) => [
      element('h2', {}, title),
      table(destinations, { list, stateless: options.stateless }),
    ]),
    list.notes.length === 0
      ? undefined
      : [
          element('h2', {}, 'Notes'),
          element(
            'ul',
            {},
            list.notes.map((note) => element('li', {}, note)),
          ),
        ],
  );
}

interface Whole {
  readonly list: EgressList;
  readonly stateless: boolean;
}

function table(destinations: readonly Destination[], { list, stateless }: Whole): Markup {
  const observed = isObserved(list);
  const headings = ['Host', 'Port', 'Why', 'Needed', ...(observed ? ['Seen'] : []), 'Known from'];
  const numbers = new Map(sourceIds(list).map((id, index) => [id, index + 1]));
  const amount = destinations.length === 1 ? '1 destination' : `${destinations.length} destinations`;
  return element(
    'table',
    {},
    element('caption', {}, amount),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        headings.map((text) => element('th', { scope: 'col', class: text.toLowerCase().replace(' ', '-') }, text)),
      ),
    ),
    element(
      'tbody',
      {},
      entriesOf(destinations).map((entry) => row(entry, { observed, numbers })),
      stateless ? entriesOf(returning(destinations)).map((entry) => answerRow(entry, observed)) : [],
    ),
  );
}

interface RowOptions {
  readonly observed: boolean;
  /** Of the footnotes, by the id of the source. */
  readonly numbers: ReadonlyMap<string, number>;
}

function row({ first: destination, members, ports }: Entry, { observed, numbers }: RowOptions): Markup {
  return element(
    'tr',
    { class: destination.seen === 'undeclared' ? 'finding' : undefined },
    hostsCell(members),
    element('td', { 'data-of': 'Port' }, ports),
    element('td', { 'data-of': 'Why' }, whyCell(destination)),
    element('td', { 'data-of': 'Needed' }, neededText(destination)),
    observed ? element('td', { 'data-of': 'Seen' }, seenText(destination)) : undefined,
    element('td', { 'data-of': 'Known from' }, evidenceCell(destination, numbers)),
  );
}

function hostsCell(members: Entry['members']): Markup {
  const lines = members.map(({ host }, index) => [index === 0 ? '' : element('br', {}), hostCode(host)]);
  return element('th', { scope: 'row' }, lines);
}

/** May go on in the next line behind a dot. */
function hostCode(host: string): Markup {
  const labels = host.split(/(?<=[.:])/);
  return element(
    'code',
    {},
    labels.map((label, index) => [index === 0 ? '' : element('wbr', {}), label]),
  );
}

function whyCell({ purposes, inPlaceOf, through }: Destination): Content {
  return [
    purposes.join(', '),
    inPlaceOf === undefined || inPlaceOf.length === 0
      ? undefined
      : ['; in place of ', inPlaceOf.map((host, index) => [index === 0 ? '' : ', ', hostCode(host)])],
    through === undefined ? undefined : ['; through the proxy ', hostCode(through)],
  ];
}

function evidenceCell(destination: Destination, numbers: ReadonlyMap<string, number>): Content {
  const documents = documentIds(destination).map((id) => {
    const number = numbers.get(id) ?? 0;
    return element('a', { href: `#source-${number}` }, `[${number}]`);
  });
  const all: Content[] = [...documents, ...otherEvidence(destination)];
  return all.map((content, index) => [index === 0 ? '' : ', ', content]);
}

function answerRow({ first, members, ports }: Entry, observed: boolean): Markup {
  return element(
    'tr',
    {},
    hostsCell(members),
    element('td', { 'data-of': 'Port' }, `from ${ports}`),
    element('td', { 'data-of': 'Why' }, `answers, in to local ports ${clientPorts}`),
    element('td', { 'data-of': 'Needed' }, neededWord(first)),
    observed ? element('td', {}) : undefined,
    element('td', {}),
  );
}

function sourcesPart(list: EgressList, sources: readonly KnownSource[]): Markup {
  const known = sourcesById(sources);
  const entries = sourceIds(list).map((id, index) => {
    const source = known.get(id);
    return element('li', { id: `source-${index + 1}` }, source === undefined ? id : sourceText(source));
  });
  return element(
    'footer',
    {},
    entries.length === 0 ? undefined : [element('h2', {}, 'Sources'), element('ol', {}, entries)],
  );
}

function sourceText({ title, address, date, by }: KnownSource): Content {
  const isLink = /^https:\/\/[^\s]+$/.test(address);
  const where = isLink ? element('a', { href: address, rel: 'noreferrer' }, address) : address;
  return [`${title}, `, where, `, ${date}`, by === 'owner' ? undefined : ' (observed by others)'];
}
