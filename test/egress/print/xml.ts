/** A small strict reader of XML: whatever is not well-formed throws. No document types, no CDATA, no comments: nothing here writes them. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of this element and of those in it. */
  readonly text: string;
}

const legal = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u;
const startTag = /^<([a-zA-Z][\w-]*)((?:\s+[a-zA-Z][\w:-]*="[^"<]*")*)\s*(\/?)>/;

/** The root element; `html` may begin with a document type, a document with its XML declaration. */
export function readXml(document: string): XmlElement {
  if (!legal.test(document)) throw new Error('a character that XML does not allow');
  const body = document.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n|^<!doctype html>\n/, '');
  const { element, rest } = readElement(body);
  if (rest.trim() !== '') throw new Error(`text behind the root: ${rest.slice(0, 40)}`);
  return element;
}

function readElement(source: string): { readonly element: XmlElement; readonly rest: string } {
  const start = startTag.exec(source);
  if (start === null) throw new Error(`no start of an element: ${source.slice(0, 60)}`);
  const [whole, name = '', pairs = '', empty] = start;
  const attributes = readAttributes(pairs);
  if (empty === '/') return { element: { name, attributes, children: [], text: '' }, rest: source.slice(whole.length) };
  const children: XmlElement[] = [];
  let rest = source.slice(whole.length);
  let text = '';
  while (!rest.startsWith('</')) {
    const end = rest.indexOf('<');
    if (end < 0) throw new Error(`${name} does not end`);
    text += unescaped(rest.slice(0, end));
    rest = rest.slice(end);
    if (rest.startsWith('</')) break;
    const child = readElement(rest);
    children.push(child.element);
    text += child.element.text;
    rest = child.rest;
  }
  const close = `</${name}>`;
  if (!rest.startsWith(close)) throw new Error(`${name} is closed by ${rest.slice(0, 20)}`);
  return { element: { name, attributes, children, text }, rest: rest.slice(close.length) };
}

function readAttributes(pairs: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, key = '', value = ''] of pairs.matchAll(/([a-zA-Z][\w:-]*)="([^"]*)"/g)) {
    if (key in found) throw new Error(`${key} twice`);
    found[key] = unescaped(value);
  }
  return found;
}

function unescaped(text: string): string {
  return text.replaceAll(/&(?:#(\d+);)?/g, (_, code: string | undefined) => {
    if (code === undefined) throw new Error('a bare ampersand');
    return String.fromCodePoint(Number(code));
  });
}

/** It and everything in it. */
export function everyElement(root: XmlElement): XmlElement[] {
  return [root, ...root.children.flatMap(everyElement)];
}
