/** The picture of a list, as SVG for screens and paper: no colour alone says anything, nothing is loaded, nothing runs. */
import type { EgressList } from '../destination.ts';
import { type Content, element, type Markup } from './element.ts';
import {
  columns,
  fonts,
  layOut,
  markRoom,
  type PlacedBand,
  type PlacedHost,
  type PlacedLink,
  type PlacedStop,
  type PlacedText,
  pageWidth,
  type Rect,
} from './layout.ts';
import { legend } from './legend.ts';
import { check, circle, dashes, ink, paper, questionSign, soft, tints, warningSign } from './marks.ts';
import { bandsOf } from './picture.ts';
import type { PrintOptions } from './printers.ts';
import { type Font, linesOf } from './text-size.ts';
import { visible } from './visible.ts';
import { portText, roleTitles } from './wording.ts';

const sans = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';
const mono = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** An SVG document. */
export function printSvg(list: EgressList, options: PrintOptions): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${diagram(list, options).text}\n`;
}

/** The svg element, for a page too. */
export function diagram(list: EgressList, options: Pick<PrintOptions, 'title' | 'date'>): Markup {
  const { margin } = columns;
  const lines = linesOf(visible(options.title), { font: fonts.title, width: pageWidth - 2 * margin });
  const title = lines.map((text, at) => ({ x: margin, y: 34 + at * 26, text }));
  const date =
    options.date === undefined ? [] : [{ x: margin, y: 34 + lines.length * 26 - 6, text: visible(options.date) }];
  const top = 34 + lines.length * 26 + date.length * 14;
  const bands = layOut(bandsOf(list), top + 42);
  const bottom = Math.max(top + 90, ...bands.map(({ rect }) => rect.bottom)) + 18;
  const { content, height } = legend(bands, bottom + 26);
  const size = Math.ceil(height + margin);
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${pageWidth} ${size}`,
      width: pageWidth,
      height: size,
      role: 'img',
      'aria-labelledby': 'picture-title picture-text',
      'font-family': sans,
      fill: ink,
    },
    element('title', { id: 'picture-title' }, options.title),
    element('desc', { id: 'picture-text' }, inWords(list)),
    element('rect', { width: pageWidth, height: size, fill: paper }),
    texts(title, fonts.title),
    texts(date, fonts.why, soft),
    ground(bands, { top, bottom }),
    bands.flatMap((band) => [roleBox(band), ...band.stops.map(stopBox)]),
    content,
  );
}

function inWords(list: EgressList): string {
  const sentences = list.destinations.map(
    (one) => `${roleTitles[one.role]} to ${one.host} ${portText(one)}: ${one.purposes.join(', ')}.`,
  );
  return sentences.length === 0 ? 'Nothing has to be opened.' : sentences.join(' ');
}

/** The site, the wall beside it with its openings, and what each side is. */
function ground(
  bands: readonly PlacedBand[],
  { top, bottom }: { readonly top: number; readonly bottom: number },
): Content {
  const { firewall, margin, internet } = columns;
  const openings = bands.flatMap(({ stops }) => stops.flatMap(({ lane, links }) => (lane === 'internet' ? links : [])));
  const site = { left: margin, top, right: firewall.left - 12, bottom };
  const closed = bands.filter(({ stops }) => !stops.some(({ lane }) => lane === 'internet'));
  return [
    element('rect', { ...size(site), rx: 10, fill: tints.site, stroke: soft, 'stroke-width': 1 }),
    texts([{ x: margin + 16, y: top + 24, text: 'The site' }], fonts.heading),
    texts([{ x: internet.left, y: top + 24, text: 'The internet' }], fonts.heading),
    wall({ ...firewall, top, bottom }),
    openings.map(({ y }) => element('rect', { x: firewall.left - 1, y: y - 7, width: 14, height: 14, fill: paper })),
    openings.map(({ y }) =>
      element('path', {
        d: `M${firewall.left - 1} ${y - 7}h14M${firewall.left - 1} ${y + 7}h14`,
        stroke: ink,
        'stroke-width': 1.2,
        fill: 'none',
      }),
    ),
    closed.map(({ rect }) =>
      texts([{ x: internet.left, y: rect.top + 24, text: 'Nothing has to be opened' }], fonts.why, soft),
    ),
    bands.length === 0
      ? texts([{ x: margin + 16, y: top + 66, text: 'Nothing has to be opened' }], fonts.why, soft)
      : undefined,
    bands.slice(1).map(({ rect }) =>
      element('path', {
        d: `M${margin + 16} ${rect.top - 15}H${site.right - 16}`,
        stroke: tints.rule,
        'stroke-width': 1,
      }),
    ),
  ];
}

/** Courses of bricks, 12 units high. */
function wall({ left, top, right, bottom }: Rect): Content {
  const rows = Math.ceil((bottom - top) / 12);
  const courses = [...Array(rows).keys()].slice(1).map((row) => `M${left} ${top + row * 12}h${right - left}`);
  return [
    element('rect', { ...size({ left, top, right, bottom }), fill: tints.wall, stroke: ink, 'stroke-width': 1.2 }),
    element('path', { d: courses.join(''), stroke: soft, 'stroke-width': 0.8 }),
    texts([{ x: (left + right) / 2, y: top - 6, text: 'Firewall' }], fonts.heading, ink, 'middle'),
  ];
}

function roleBox({ rect, title, count }: PlacedBand): Content {
  return [
    element('rect', { class: 'box', ...size(rect), rx: 6, fill: tints.role, stroke: ink, 'stroke-width': 1.6 }),
    texts(title, fonts.role),
    texts([count], fonts.why, soft),
  ];
}

function stopBox({ lane, rect, title, links }: PlacedStop): Content {
  const isFinding = links.some(({ kind }) => kind === 'undeclared');
  const { left, top, right, bottom } = rect;
  const inner = { left: left + 3, top: top + 3, right: right - 3, bottom: bottom - 3 };
  return [
    element('rect', {
      class: 'box',
      ...size(rect),
      rx: 6,
      fill: lane === 'proxy' ? tints.role : paper,
      stroke: ink,
      'stroke-width': 1.2,
    }),
    isFinding ? element('rect', { ...size(inner), rx: 4, fill: 'none', stroke: ink, 'stroke-width': 1.2 }) : undefined,
    texts(title, fonts.box),
    links.map((link) => [arrow(link), link.hosts.map((host) => hostLines(host, right))]),
  ];
}

function arrow({ kind, y, from, to, ports, why }: PlacedLink): Content {
  const head = `M${to - 9} ${y - 4.5}L${to - 1} ${y}L${to - 9} ${y + 4.5}z`;
  const sign = kind === 'undeclared' ? questionSign(from + 15, y - 10) : undefined;
  return [
    element('path', {
      d: `M${from} ${y}H${to - 8}`,
      stroke: ink,
      'stroke-width': 1.4,
      'stroke-dasharray': dashes[kind],
      fill: 'none',
    }),
    element('path', { d: head }),
    sign,
    texts(ports, fonts.ports),
    texts(why, fonts.why, soft),
  ];
}

function hostLines({ font, lines, isShared, seen }: PlacedHost, right: number): Content {
  const y = (lines[0]?.y ?? 0) - 4;
  const x = right - 6 - markRoom;
  const mark = seen === 'seen' ? check(x, y) : seen === 'declared-only' ? circle(x, y) : undefined;
  const sign = isShared ? warningSign(mark === undefined ? x : x - markRoom, y - 6) : undefined;
  return [texts(lines, font), sign, mark];
}

function texts(lines: readonly PlacedText[], font: Font, fill?: string, anchor?: 'middle'): Content {
  return lines.map(({ x, y, text }) =>
    element(
      'text',
      {
        x,
        y,
        'font-size': font.size,
        'font-family': font.mono ? mono : undefined,
        'font-weight': font.bold === true ? 600 : undefined,
        'text-anchor': anchor,
        fill,
      },
      text,
    ),
  );
}

function size({ left, top, right, bottom }: Rect) {
  return { x: left, y: top, width: right - left, height: bottom - top };
}
