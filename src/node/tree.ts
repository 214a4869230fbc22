/** YAML documents as plain trees that know where each part was written. Whatever is read here may be hostile. */
import { isAlias, isMap, isScalar, isSeq, type Node, type Scalar } from 'yaml';
import { AirgapError, type Origin, printOrigin } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { type ParsedYaml, parseYaml } from '../yaml/parse.ts';

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
  readonly parsed: ParsedYaml;
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
  const reading: Reading = { name, parsed: parseYaml(text, 'core'), anchors: new Map(), count: 0 };
  return composed(reading).flatMap((contents) => {
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

function composed({ name, parsed }: Pick<Reading, 'name' | 'parsed'>): (Node | null)[] {
  const { documents, problems } = parsed;
  if (documents.length > limits.documents) {
    throw invalid({ document: name }, `it has more than ${limits.documents} documents`);
  }
  const [problem] = problems;
  if (problem !== undefined)
    throw invalid({ document: name, line: problem.line }, quoteText(problem.state).slice(1, -1));
  return documents.map(({ contents }) => contents);
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

function originOf(node: Node | null, { name, parsed }: Reading): Origin {
  const line = parsed.lineOf(node);
  return line === undefined ? { document: name } : { document: name, line };
}
