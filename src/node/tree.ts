/** YAML documents as plain trees that know where each part was written. Whatever is read here may be hostile. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type Scalar } from 'yaml';
import { AirgapError, type Origin, printOrigin } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, which is what a text gets where YAML sees a number. */
  readonly text: string;
  readonly origin: Origin;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly ConfigNode[];
  readonly origin: Origin;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, ConfigNode>;
  readonly origin: Origin;
}

/** Never changed once made. A value below a key has the line of its key. */
export type ConfigNode = ScalarNode | ListNode | MapNode;

const limits = { characters: 4 * 1024 * 1024, nodes: 200_000, depth: 100, documents: 1000 };

interface Reading {
  readonly name: string;
  readonly lines: LineCounter;
  readonly anchors: Map<string, Node>;
  count: number;
}

/**
 * The documents of a text in order, empty ones left out. Aliases and `<<` are written out, keys that stand twice are refused.
 * At most 4 Mi characters, 200 000 parts with aliases written out, and 100 levels. Throws ERR_INPUT_INVALID with file and line.
 */
export function readDocuments(name: string, text: string): ConfigNode[] {
  if (text.length > limits.characters) {
    throw invalid({ document: name }, `it is longer than ${limits.characters} characters`);
  }
  const nul = text.indexOf('\0');
  if (nul >= 0)
    throw invalid({ document: name, line: text.slice(0, nul).split('\n').length }, 'it has a NUL character');
  const reading: Reading = { name, lines: new LineCounter(), anchors: new Map(), count: 0 };
  return composed(text, reading).flatMap((contents) => {
    reading.anchors.clear();
    return contents === null || isNull(contents) ? [] : [convert(contents, { reading, depth: 0 })];
  });
}

/** The error of a configuration that cannot be read, named by file and line. */
export function invalid(origin: Origin, state: string, hint?: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read configuration ${quoteText(printOrigin(origin))}: ${state}`, {
    hint,
  });
}

function composed(text: string, reading: Reading): (Node | null)[] {
  const parsed = attempt(reading, () =>
    // Finding double keys here would take time with the square of their number.
    parseAllDocuments(text, { lineCounter: reading.lines, uniqueKeys: false, schema: 'core', logLevel: 'silent' }),
  );
  const documents = Array.isArray(parsed) ? parsed : [];
  if (documents.length > limits.documents) {
    throw invalid({ document: reading.name }, `it has more than ${limits.documents} documents`);
  }
  return documents.map((document) => {
    const error = document.errors[0];
    if (error === undefined) return document.contents;
    const { line } = reading.lines.linePos(error.pos[0]);
    throw invalid({ document: reading.name, line }, firstLine(error.message));
  });
}

function attempt<T>(reading: Reading, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError) throw invalid({ document: reading.name }, 'it is nested too deeply');
    throw invalid({ document: reading.name }, error instanceof Error ? firstLine(error.message) : 'it is no YAML');
  }
}

function firstLine(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  return quoteText(line.replace(/ at line [0-9]+, column [0-9]+:?$/, '')).slice(1, -1);
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

interface At {
  readonly reading: Reading;
  readonly depth: number;
  /** Of the key; the node's own where there is none. */
  readonly origin?: Origin;
}

function convert(node: Node | null, at: At): ConfigNode {
  const { reading } = at;
  const origin = at.origin ?? originOf(node, reading);
  reading.count += 1;
  if (reading.count > limits.nodes) throw invalid(origin, `it has more than ${limits.nodes} parts`);
  if (at.depth > limits.depth) throw invalid(origin, `it is nested more than ${limits.depth} levels deep`);
  if (isAlias(node)) {
    const target = reading.anchors.get(node.source);
    if (target === undefined) throw invalid(origin, `the alias ${quoteText(node.source)} stands for nothing`);
    return convert(target, { ...at, depth: at.depth + 1, origin });
  }
  if (node !== null && 'anchor' in node && typeof node.anchor === 'string') reading.anchors.set(node.anchor, node);
  if (isMap<Node, Node | null>(node)) return convertMap(node.items, { ...at, origin });
  if (isSeq<Node>(node)) {
    const items = node.items.map((item) => convert(item, { reading, depth: at.depth + 1 }));
    return { kind: 'list', items, origin };
  }
  return isScalar(node) ? scalar(node, origin) : { kind: 'scalar', value: null, text: '', origin };
}

function convertMap(
  pairs: readonly { readonly key: Node; readonly value: Node | null }[],
  at: At & { readonly origin: Origin },
): MapNode {
  const entries = new Map<string, ConfigNode>();
  const merged: MapNode[] = [];
  for (const { key, value } of pairs) {
    const keyNode = convert(key, { reading: at.reading, depth: at.depth + 1 });
    if (keyNode.kind !== 'scalar') throw invalid(keyNode.origin, 'a key is no plain text');
    const { text, origin } = keyNode;
    const node = convert(value, { reading: at.reading, depth: at.depth + 1, origin });
    if (text === '<<' && isScalar(key) && key.type === 'PLAIN') merged.push(...mergedMaps(node));
    else if (entries.has(text)) throw invalid(origin, `the key ${quoteText(text)} stands there twice`);
    else entries.set(text, node);
  }
  for (const map of merged) {
    for (const [key, node] of map.entries) if (!entries.has(key)) entries.set(key, node);
  }
  return { kind: 'map', entries, origin: at.origin };
}

function mergedMaps(node: ConfigNode): MapNode[] {
  if (node.kind === 'map') return [node];
  if (node.kind === 'list' && node.items.every((item) => item.kind === 'map')) return node.items.flatMap(mergedMaps);
  throw invalid(node.origin, 'what stands after "<<" is no mapping');
}

function scalar(node: Scalar, origin: Origin): ScalarNode {
  const { value } = node;
  if (value === null || typeof value === 'boolean' || typeof value === 'number') {
    return { kind: 'scalar', value, text: node.source ?? String(value), origin };
  }
  return { kind: 'scalar', value: String(value), text: String(value), origin };
}

function originOf(node: Node | null, reading: Reading): Origin {
  const start = node?.range?.[0];
  return start === undefined
    ? { document: reading.name }
    : { document: reading.name, line: reading.lines.linePos(start).line };
}
