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
import { pagesOf } from './pages.ts';
import { type Band, bandsOf } from './picture.ts';
import type { PrintOptions } from './printers.ts';
import { type Font, linesOf } from './text-size.ts';
import { visible } from './visible.ts';

const sans = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';
const mono = 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace';

/** An SVG document. */
export function printSvg(list: EgressList, { title, date }: PrintOptions): string {
  const { margin } = columns;
  const lines = linesOf(visible(title), { font: fonts.title, width: pageWidth - 2 * margin });
  const first = lines.map((text, at) => ({ x: margin, y: 34 + at * 26, text }));
  const second = date === undefined ? [] : [{ x: margin, y: 28 + lines.length * 26, text: visible(date) }];
  const heading = {
    content: [texts(first, fonts.title), texts(second, fonts.why, soft)],
    bottom: 34 + lines.length * 26 + second.length * 14,
  };
  const svg = picture(bandsOf(list), { name: 'picture', title, heading });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svg.text}\n`;
}

/** Bands of a picture that, as wide as a sheet of A4 is printed, leaves room for a heading above it. */
const sheet = 960;

/** Pictures without a heading, each fit for a sheet of paper. */
export function pictures(list: EgressList, title: string): Markup[] {
  return pagesOf(bandsOf(list), sheet).map((bands, index, all) => {
    const name = `picture-${index + 1}`;
    const own = all.length === 1 ? title : `${title} (${index + 1} of ${all.length})`;
    return picture(bands, { name, title: own, heading: { content: undefined, bottom: 24 } });
  });
}

interface PictureOptions {
  /** What its ids begin with. */
  readonly name: string;
  readonly title: string;
  readonly heading: { readonly content: Content; readonly bottom: number };
}

function picture(bands: readonly Band[], { name, title, heading }: PictureOptions): Markup {
  const top = heading.bottom;
  const placed = layOut(bands, top + 42);
  const bottom = Math.max(top + 90, ...placed.map(({ rect }) => rect.bottom)) + 18;
  const { content, height } = legend(placed, bottom + 26);
  const size = Math.ceil(height + columns.margin);
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${pageWidth} ${size}`,
      width: pageWidth,
      height: size,
      role: 'img',
      'aria-labelledby': `${name}-title ${name}-text`,
      'font-family': sans,
      fill: ink,
    },
    element('title', { id: `${name}-title` }, title),
    element('desc', { id: `${name}-text` }, inWords(bands)),
    element('rect', { width: pageWidth, height: size, fill: paper }),
    heading.content,
    ground(placed, { top, bottom }),
    placed.map((one) => [roleBox(one), one.stops.map(stopBox)]),
    content,
  );
}

function inWords(bands: readonly Band[]): string {
  const sentences = bands.flatMap(({ title: who, stops }) =>
    stops
      .flatMap((stop) => [stop, ...stop.beyond])
      .map(({ title, links }) => {
        const hosts = links.map(({ ports, hosts }) => `${hosts.map((host) => host.name).join(', ')} on ${ports}`);
        return `${who} to ${title}: ${hosts.join('; ')}.`;
      }),
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
  const closed = bands.filter(({ band }) => band.isClosed);
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
