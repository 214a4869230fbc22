/** What the lines and signs of a picture mean: those it has, and no others. */
import { type Content, element } from './element.ts';
import { columns, fonts, type PlacedBand, pageWidth } from './layout.ts';
import { check, circle, dashes, ink, questionSign, warningSign } from './marks.ts';
import { textWidth } from './text-size.ts';

interface Entry {
  readonly text: string;
  readonly width: number;
  readonly draw: (x: number, y: number) => Content;
}

/** From the height `top` on; `height` is where it ends. */
export function legend(
  bands: readonly PlacedBand[],
  top: number,
): { readonly content: Content; readonly height: number } {
  let x: number = columns.margin;
  let y = top;
  const content: Content[] = [];
  for (const { text, width, draw } of entriesFor(bands)) {
    const whole = width + 8 + textWidth(text, fonts.why);
    if (x > columns.margin && x + whole > pageWidth - columns.margin) {
      x = columns.margin;
      y += 20;
    }
    content.push(draw(x, y), element('text', { x: x + width + 8, y: y + 4, 'font-size': fonts.why.size }, text));
    x += whole + 22;
  }
  return { content, height: y + 8 };
}

function entriesFor(bands: readonly PlacedBand[]): Entry[] {
  const links = bands.flatMap(({ stops }) => stops.flatMap((stop) => stop.links));
  const hosts = links.flatMap((link) => link.hosts);
  const has = (kind: keyof typeof dashes) => links.some((link) => link.kind === kind);
  const entries: (readonly [boolean, Entry])[] = [
    [has('required'), { text: 'required', width: 36, draw: line('required') }],
    [has('optional'), { text: 'optional', width: 36, draw: line('optional') }],
    [
      has('undeclared'),
      {
        text: 'contacted, but nothing declares it',
        width: 54,
        draw: (x, y) => [questionSign(x + 7, y), line('undeclared')(x + 18, y)],
      },
    ],
    [
      hosts.some(({ isShared }) => isShared),
      { text: 'shared by many tenants: data may leave by it', width: 14, draw: (x, y) => warningSign(x, y - 6) },
    ],
    [hosts.some(({ seen }) => seen === 'seen'), { text: 'contacted by a run', width: 10, draw: check }],
    [hosts.some(({ seen }) => seen === 'declared-only'), { text: 'not contacted yet', width: 10, draw: circle }],
  ];
  return entries.filter(([isThere]) => isThere).map(([, entry]) => entry);
}

function line(kind: keyof typeof dashes): Entry['draw'] {
  return (x, y) => [
    element('path', {
      d: `M${x} ${y}h28`,
      stroke: ink,
      'stroke-width': 1.4,
      'stroke-dasharray': dashes[kind],
      fill: 'none',
    }),
    element('path', { d: `M${x + 27} ${y - 4.5}l8 4.500l-8 4.500z` }),
  ];
}
