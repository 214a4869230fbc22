/** One value of airgap.yaml, held against what its key takes. */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { isAirgapError } from '../errors.ts';
import { nearestNames } from '../oci/nearest-names.ts';
import { quoteText } from '../oci/quote.ts';
import { parseAsked } from '../oci/retag.ts';
import type { Key } from './key.ts';
import type { Problems } from './problems.ts';
import { specLimits, textPattern } from './schema.ts';
import type { SpecImage, SpecValue } from './spec.ts';

interface Asked {
  /** As it is called in messages: `images.talos`. */
  readonly name: string;
  readonly key: Key;
  readonly line: number;
  readonly problems: Problems;
  readonly lineOf: (node: unknown) => number;
}

/** What was read: a switch, or texts. */
export interface ReadValue {
  readonly on?: boolean;
  readonly values: readonly SpecValue[];
}

const text = new RegExp(textPattern);

/** Undefined where there is a problem, which is told. */
export function readValue(node: Node | null, asked: Asked): ReadValue | undefined {
  const { kind } = asked.key;
  const value = isScalar(node) ? node.value : undefined;
  if ((kind === 'switch' || kind === 'optional') && typeof value === 'boolean') return { on: value, values: [] };
  if (kind === 'switch') return refuse(node, asked);
  if (kind === 'count') return readCount(node, asked);
  if (kind === 'pairs') return isMap(node) ? readPairs(node.items, asked) : refuse(node, asked);
  return kind === 'texts' && isSeq(node) ? readList(node.items, asked) : readText(node, asked);
}

function readCount(node: Node | null, asked: Asked): ReadValue | undefined {
  const value = isScalar(node) ? node.value : undefined;
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= specLimits.count;
  return isCount ? { values: [{ text: String(value), line: asked.line }] } : refuse(node, asked);
}

function readText(node: unknown, asked: Asked): ReadValue | undefined {
  const value = isScalar(node) ? node.value : undefined;
  const { key, problems, name } = asked;
  const line = asked.lineOf(node);
  if (typeof value !== 'string') return refuse(node, asked);
  if (key.values !== undefined && !key.values.includes(value)) {
    const [nearest] = nearestNames(value, key.values, 1);
    const advice = nearest === undefined ? '' : `: did you mean ${nearest}?`;
    problems.add(line, `${name} is none of ${key.values.join(', ')}${advice}`);
    return undefined;
  }
  if (value.length > specLimits.text || !text.test(value)) {
    problems.add(line, `${name} has to be text on one line, of at most ${specLimits.text} characters`);
    return undefined;
  }
  return { values: [{ text: value, line }] };
}

function readList(items: readonly unknown[], asked: Asked): ReadValue | undefined {
  if (items.length > specLimits.entries) {
    asked.problems.add(asked.line, `${asked.name} has ${items.length} entries, at most ${specLimits.entries} are read`);
    return undefined;
  }
  const read = items.map((item) => readText(item, asked));
  return read.includes(undefined) ? undefined : { values: read.flatMap((one) => one?.values ?? []) };
}

function readPairs(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  asked: Asked,
): ReadValue | undefined {
  if (items.length > specLimits.entries) return readList(items, asked);
  const seen = new Set<string>();
  const read = items.map(({ key, value }) => {
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : undefined;
    const line = asked.lineOf(key);
    if (name === undefined || !text.test(name) || name.length > specLimits.text || seen.has(name)) {
      const state =
        name !== undefined && seen.has(name) ? 'stands here for the second time' : 'is no name: write it in quotes';
      asked.problems.add(
        line,
        `${quoteText(String(name ?? (isScalar(key) ? key.source : '')), 40)} of ${asked.name} ${state}`,
      );
      return undefined;
    }
    seen.add(name);
    const one: Asked = { ...asked, name: `${asked.name} ${quoteText(name, 80)}`, line };
    const values = isSeq(value) ? readList(value.items, one) : readText(value, one);
    return values?.values.map((each) => ({ text: `${name}${separator(asked.key)}${each.text}`, line: each.line }));
  });
  return read.includes(undefined) ? undefined : { values: read.flatMap((values) => values ?? []) };
}

function separator({ meaning }: Key): string {
  return meaning === 'image' ? ' => ' : '=';
}

/** References as they stand in lists. */
export function readImages(values: readonly SpecValue[], problems: Problems): SpecImage[] {
  return values.flatMap((value): SpecImage[] => {
    try {
      const { reference, retag } = parseAsked(value.text);
      return [{ reference, ...(retag && { retag }), line: value.line }];
    } catch (error) {
      if (!isAirgapError(error)) throw error;
      const state = error.message.replace(/^Cannot read (?:reference|place) /, '');
      problems.add(value.line, error.hint === undefined ? state : `${state} (${error.hint})`);
      return [];
    }
  });
}

const expected: Readonly<Record<Key['kind'], string>> = {
  text: 'text',
  texts: 'text or a list of texts',
  switch: 'true or false',
  count: `a whole number from 0 to ${specLimits.count}`,
  optional: 'true, false or text',
  pairs: 'names with values',
};

function refuse(node: unknown, { name, key, line, problems, lineOf }: Asked): undefined {
  const wanted =
    key.values === undefined ? expected[key.kind] : `${expected[key.kind]} out of ${key.values.join(', ')}`;
  problems.add(
    node === null ? line : lineOf(node),
    `${name} has to be ${wanted}, and ${actual(node, !['switch', 'count'].includes(key.kind))}`,
  );
  return undefined;
}

function actual(node: unknown, wantsText: boolean): string {
  if (isAlias(node)) return 'is an alias, which is not read';
  if (isMap(node)) return 'is a mapping';
  if (isSeq(node)) return 'is a list';
  const value = isScalar(node) ? node.value : null;
  if (value === null || value === undefined) return 'is empty: give it a value or leave the key out';
  if (typeof value === 'string') return `is the text ${quoteText(value, 40)}`;
  return `is ${isScalar(node) ? (node.source ?? String(value)) : String(value)}${wantsText ? ', no text: write it in quotes' : ''}`;
}
