/** A schematic's values and the YAML the Image Factory makes of them: go-yaml v3.0.1 with its four blanks of indentation. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { printText } from './schematic-scalars.ts';

/** A number, a boolean or null, as it is written. */
export interface PlainValue {
  readonly plain: string;
}

/** Texts, plain scalars, lists, and maps in the order they are written in. */
export type YamlValue = string | PlainValue | readonly YamlValue[] | ReadonlyMap<string, YamlValue>;

/** Longest key in bytes that stands on the line of its value. */
const longestKey = 128;

/** The document, with a line end at its end. Throws ERR_UNSUPPORTED for texts that releases of the library write in different ways. */
export function printYaml(value: ReadonlyMap<string, YamlValue>): string {
  return `${mapLines(value, 0).join('\n')}\n`;
}

/** What comes after `key:` or `-`: the rest of that line, and the lines below. */
function valueLines(value: YamlValue, place: { readonly indent: number; readonly inList: boolean }): string[] {
  const indent = place.inList ? place.indent + 2 : 4 * Math.floor((place.indent + 4) / 4);
  if (typeof value === 'string') return textLines(value, indent);
  if ('plain' in value) return [` ${value.plain}`];
  const isList = Array.isArray(value);
  const lines = isList ? listLines(value, indent) : mapLines(value as ReadonlyMap<string, YamlValue>, indent);
  if (lines.length === 0) return [isList ? ' []' : ' {}'];
  if (!place.inList) return ['', ...lines];
  const [first = '', ...rest] = lines;
  return [` ${first.slice(indent)}`, ...rest];
}

function listLines(list: readonly YamlValue[], indent: number): string[] {
  return list.flatMap((item) => {
    const [rest = '', ...below] = valueLines(item, { indent, inList: true });
    return [`${' '.repeat(indent)}-${rest}`, ...below];
  });
}

function mapLines(map: ReadonlyMap<string, YamlValue>, indent: number): string[] {
  return [...map].flatMap(([key, value]) => {
    const [rest = '', ...below] = valueLines(value, { indent, inList: false });
    return [`${' '.repeat(indent)}${keyText(key)}:${rest}`, ...below];
  });
}

function keyText(key: string): string {
  const printed = printText(key);
  if (printed !== undefined && 'line' in printed && !/[\n\r\x85]/.test(key) && Buffer.byteLength(key) <= longestKey)
    return printed.line;
  throw unknowable(`the key ${quoteText(key, 40)}`);
}

function textLines(text: string, indent: number): string[] {
  const printed = printText(text);
  if (printed === undefined) throw unknowable('a text whose lines begin or end with blanks');
  if ('line' in printed) return [` ${printed.line}`];
  return [` ${printed.header}`, ...printed.lines.map((line) => (line === '' ? '' : `${' '.repeat(indent)}${line}`))];
}

/** The refusal of what is not hashed the same way by every factory. */
export function unknowable(what: string): AirgapError {
  return new AirgapError(
    'ERR_UNSUPPORTED',
    `Cannot compute the id of the schematic: ${what} is written in different ways by releases of the Image Factory`,
    { hint: 'send the file to the factory (POST /schematics) and give the id it answers with' },
  );
}

/**
 * The order of keys of a free map: numbers inside them count as numbers, letters come after all else
 * (go-yaml v3.0.1, sorter.go).
 */
export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  return isLess([...one], [...other]) ? -1 : 1;
}

function isLess(one: readonly string[], other: readonly string[]): boolean {
  const at = one.findIndex((character, index) => character !== other[index]);
  const [a, b] = [one[at], other[at]];
  if (a === undefined || b === undefined) return one.length < other.length;
  const [isLetterA, isLetterB] = [isLetter(a), isLetter(b)];
  if (isLetterA && isLetterB) return isBefore(a, b);
  if (isLetterA || isLetterB) return isDigit(one[at - 1] ?? '') ? isLetterA : isLetterB;
  const start = (a === '0' || b === '0') && isInsideNumber(one, at) ? 1n : 0n;
  const [numberA, numberB] = [numberAt(one, { at, start }), numberAt(other, { at, start })];
  if (numberA.value !== numberB.value) return numberA.value < numberB.value;
  return numberA.end === numberB.end ? isBefore(a, b) : numberA.end < numberB.end;
}

function isInsideNumber(text: readonly string[], at: number): boolean {
  const before = text.slice(0, at).reverse();
  const other = before.find((character) => !isDigit(character) || character !== '0');
  return other !== undefined && isDigit(other);
}

function numberAt(
  text: readonly string[],
  from: { readonly at: number; readonly start: bigint },
): { readonly value: bigint; readonly end: number } {
  let { at: end, start: value } = from;
  for (; end < text.length && isDigit(text[end] ?? ''); end += 1)
    value = BigInt.asIntN(64, value * 10n + BigInt((text[end]?.codePointAt(0) ?? 0) - 48));
  return { value, end };
}

function isBefore(a: string, b: string): boolean {
  return (a.codePointAt(0) ?? 0) < (b.codePointAt(0) ?? 0);
}

function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character);
}

function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character);
}
