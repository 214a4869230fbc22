/** Elements of XML, which HTML reads too: whatever is put into one is text, unless an element made it. */
import { visible } from './visible.ts';

/** Text of elements. Only element() and styleText() make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | undefined | readonly Content[];
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Elements that HTML closes by itself. */
const empties = new Set(['meta', 'br', 'wbr']);

/** An element; attributes and content that are undefined are left out. Numbers have at most two decimals. */
export function element(name: string, attributes: Attributes, ...content: readonly Content[]): Markup {
  const pairs = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeXml(typeof value === 'number' ? numberText(value) : value)}"`],
  );
  const start = `<${name}${pairs.join('')}`;
  return new Markup(empties.has(name) ? `${start}/>` : `${start}>${content.map(printed).join('')}</${name}>`);
}

/** A style sheet of our own: HTML does not unescape what is in a style element. */
export function styleText(sheet: string): Markup {
  return new Markup(`<style>${sheet}</style>`);
}

/** Text as XML and HTML show it, with unseen characters written out. */
export function escapeXml(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function printed(content: Content): string {
  if (content === undefined) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return escapeXml(content);
  return typeof content === 'number' ? numberText(content) : content.map(printed).join('');
}

function numberText(value: number): string {
  return String(Math.round(value * 100) / 100);
}
