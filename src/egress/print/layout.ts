/** Where everything of a picture stands. Units are those of the viewBox: printed 180 mm wide, one is 0.2 mm. */
import type { Band, Host, Link, Stop } from './picture.ts';
import { type Font, linesOf, textWidth } from './text-size.ts';
import { visible } from './visible.ts';

export const pageWidth = 920;
export const fonts = {
  title: { size: 20, mono: false, bold: true },
  heading: { size: 13, mono: false, bold: true },
  role: { size: 14.5, mono: false, bold: true },
  box: { size: 13, mono: false, bold: true },
  host: { size: 12.5, mono: true },
  /** Of a link with many hosts. */
  dense: { size: 11, mono: true },
  ports: { size: 12, mono: false, bold: true },
  why: { size: 11.5, mono: false },
} as const satisfies Readonly<Record<string, Font>>;

/** Left and right of what stands in columns. */
export const columns = {
  margin: 16,
  role: { left: 32, right: 160 },
  site: { left: 284, right: 524 },
  proxy: { left: 256, right: 392 },
  firewall: { left: 546, right: 558 },
  internet: { left: 606, right: 904 },
} as const;

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface PlacedText {
  readonly x: number;
  /** Baseline. */
  readonly y: number;
  readonly text: string;
}

export interface PlacedHost {
  readonly font: Font;
  readonly lines: readonly PlacedText[];
  readonly isShared: boolean;
  readonly seen: 'seen' | 'declared-only' | 'undeclared' | undefined;
}

export interface PlacedLink {
  readonly kind: Link['kind'];
  /** Height of the arrow. */
  readonly y: number;
  readonly from: number;
  readonly to: number;
  readonly ports: readonly PlacedText[];
  readonly why: readonly PlacedText[];
  readonly hosts: readonly PlacedHost[];
}

export interface PlacedStop {
  readonly lane: Stop['lane'];
  readonly rect: Rect;
  readonly title: readonly PlacedText[];
  readonly links: readonly PlacedLink[];
}

export interface PlacedBand {
  readonly band: Band;
  readonly rect: Rect;
  readonly title: readonly PlacedText[];
  readonly count: PlacedText;
  /** Boxes do not overlap, and no arrow crosses one. */
  readonly stops: readonly PlacedStop[];
}

const lineHeight = 16;
const denseHeight = 13.5;
const whyHeight = 14;
const padding = 10;
const boxGap = 14;
/** Between what is said of one arrow and the next: room for its ports. */
const linkGap = 12;
const bandGap = 30;
/** Where a name goes on in the next line. */
const hanging = 8;
/** Room for a mark at the right of a host. */
export const markRoom = 18;

/** The bands below each other, from `top` on. */
export function layOut(bands: readonly Band[], top: number): PlacedBand[] {
  const placed: PlacedBand[] = [];
  for (const band of bands) {
    const last = placed.at(-1);
    placed.push(placeBand(band, last === undefined ? top : last.rect.bottom + bandGap));
  }
  return placed;
}

function placeBand(band: Band, top: number): PlacedBand {
  const { left, right } = columns.role;
  const stops: PlacedStop[] = [];
  let y = top;
  for (const stop of band.stops) {
    const placed = placeStop(stop, { top: y, from: right });
    for (const one of placed) {
      y = Math.max(y, one.rect.bottom + boxGap);
      stops.push(one);
    }
  }
  const x = left + padding;
  const width = right - left - 2 * padding;
  const title = linesOf(band.title, { font: fonts.role, width }).map((text, at) => ({
    x,
    y: top + 24 + at * 18,
    text,
  }));
  const count = {
    x,
    y: top + 24 + title.length * 18,
    text: band.destinations === 1 ? '1 destination' : `${band.destinations} destinations`,
  };
  const bottom = Math.max(y - boxGap, count.y + padding);
  return { band, rect: { left, top, right, bottom }, title, count, stops };
}

interface Start {
  readonly top: number;
  /** Right edge of who connects. */
  readonly from: number;
}

/** A box, and the boxes that a proxy reaches at its right. */
function placeStop(stop: Stop, start: Start): PlacedStop[] {
  const { left, right } = columns[stop.lane];
  const inner = right - left - 2 * padding;
  const x = left + padding;
  const title = linesOf(visible(stop.title), { font: fonts.box, width: inner }).map((text, at) => ({
    x,
    y: start.top + padding + 12 + at * lineHeight,
    text,
  }));
  let y = start.top + padding + title.length * lineHeight + 2;
  const links: PlacedLink[] = [];
  for (const link of stop.links) {
    const placed = placeLink(link, { top: y, from: start.from, to: left, inner, lane: stop.lane });
    links.push(placed.link);
    y = placed.bottom + linkGap;
  }
  const beyond: PlacedStop[] = [];
  let next = start.top;
  for (const one of stop.beyond) {
    for (const placed of placeStop(one, { top: next, from: right })) beyond.push(placed);
    next = (beyond.at(-1)?.rect.bottom ?? next) + boxGap;
  }
  const bottom = Math.max(y - linkGap + padding - 4, next - boxGap);
  return [{ lane: stop.lane, rect: { left, top: start.top, right, bottom }, title, links }, ...beyond];
}

interface Room extends Start {
  readonly to: number;
  readonly inner: number;
  readonly lane: Stop['lane'];
}

function placeLink(link: Link, room: Room): { readonly link: PlacedLink; readonly bottom: number } {
  const { from, to } = room;
  const end = room.lane === 'internet' ? columns.firewall.left : to;
  const x = from + 8;
  const width = end - 12 - x;
  const sign = link.kind === 'undeclared' ? markRoom : 0;
  const ports = linesOf(link.ports, { font: fonts.ports, width: width - sign });
  const y = room.top + 8 + (ports.length - 1) * whyHeight;
  const labels = [...(link.kind === 'required' ? [] : [kindTexts[link.kind]]), ...(link.why === '' ? [] : [link.why])];
  const why = labels.length === 0 ? [] : linesOf(visible(labels.join(': ')), { font: fonts.why, width });
  const hosts = placeHosts(link, { ...room, top: y + 4 });
  const last = hosts.at(-1)?.lines.at(-1)?.y ?? y;
  return {
    link: {
      kind: link.kind,
      y,
      from,
      to,
      ports: ports.map((text, at) => ({ x: x + sign, y: y - 5 - (ports.length - 1 - at) * whyHeight, text })),
      why: why.map((text, at) => ({ x, y: y + whyHeight * (at + 1), text })),
      hosts,
    },
    bottom: Math.max(last + 4, y + why.length * whyHeight + 4),
  };
}

function placeHosts(link: Link, { top, to, inner }: Room): PlacedHost[] {
  const hosts: PlacedHost[] = [];
  const [font, height] = link.hosts.length > 8 ? [fonts.dense, denseHeight] : [fonts.host, lineHeight];
  let y = top;
  for (const host of link.hosts) {
    const name = visible(host.name);
    const width = inner - marksOf(host) * markRoom;
    const texts = textWidth(name, font) <= width ? [name] : linesOf(name, { font, width: width - hanging });
    const lines = texts.map((text, at) => ({ x: to + padding + (at === 0 ? 0 : hanging), y: y + at * height, text }));
    hosts.push({ font, lines, isShared: host.isShared, seen: host.seen });
    y += texts.length * height;
  }
  return hosts;
}

function marksOf({ isShared, seen }: Host): number {
  return (isShared ? 1 : 0) + (seen === 'seen' || seen === 'declared-only' ? 1 : 0);
}

const kindTexts = { optional: 'optional', undeclared: 'not declared' } as const;
