/** Inks, lines and small signs of the picture: each is told from the others without its colour. */
import { element, type Markup } from './element.ts';

export const ink = '#1b1f24';
export const soft = '#4b545e';
export const paper = '#ffffff';
export const tints = { site: '#f6f7f8', role: '#e4ecf6', wall: '#efe3d6', rule: '#c9ced4' } as const;

/** How the line of an arrow is drawn, by what it is for. */
export const dashes = { required: undefined, optional: '7 4', undeclared: '1.5 3.5' } as const;

/** A triangle with an exclamation mark, 14 wide and 12 high. */
export function warningSign(x: number, y: number): Markup {
  return element(
    'g',
    { transform: `translate(${x} ${y})` },
    element('path', {
      d: 'M7 0L14 12H0z',
      fill: '#ffd75e',
      stroke: ink,
      'stroke-width': 1.1,
      'stroke-linejoin': 'round',
    }),
    element('path', { d: 'M7 4v4M7 9.300v1.300', stroke: ink, 'stroke-width': 1.6 }),
  );
}

/** A tick, 10 wide, around the height `y`. */
export function check(x: number, y: number): Markup {
  return element('path', { d: `M${x} ${y}l3.500 3.500l6 -7.500`, fill: 'none', stroke: ink, 'stroke-width': 2 });
}

/** An empty circle, 9 wide, around the height `y`. */
export function circle(x: number, y: number): Markup {
  return element('circle', { cx: x + 5, cy: y, r: 4, fill: paper, stroke: ink, 'stroke-width': 1.3 });
}

/** A question mark in a black disc, 14 wide, around (`x`, `y`). */
export function questionSign(x: number, y: number): Markup {
  return element(
    'g',
    { transform: `translate(${x} ${y})` },
    element('circle', { r: 6.5 }),
    element('path', {
      d: 'M-2.200 -1.500a2.200 2.200 0 1 1 3.300 1.900q-1.100 .6 -1.100 1.500M0 3.200v1.300',
      fill: 'none',
      stroke: paper,
      'stroke-width': 1.4,
    }),
  );
}
