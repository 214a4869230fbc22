/** YAML of others as plain values. */
import { isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import { quoteText } from '../oci/quote.ts';
import { type ParsedYaml, parseYaml } from './parse.ts';

/** How deep parts may lie in each other. */
const deepest = 100;

/** Makes the error; `state` begins with the line. */
type Refuse = (state: string) => Error;

interface At {
  readonly parsed: ParsedYaml;
  readonly refuse: Refuse;
  readonly depth: number;
}

/**
 * The one document of a text as JSON would give it; undefined for an empty one. Throws what `refuse` makes of what is no YAML, of
 * aliases, tags, keys that stand twice, keys that are no text, several documents and more than 100 levels. With `failsafe` every
 * scalar is text.
 */
export function plainYaml(
  text: string,
  options: { readonly schema: 'core' | 'failsafe'; readonly refuse: Refuse },
): unknown {
  const { refuse } = options;
  const parsed = parseYaml(text, options.schema);
  const [problem] = [...parsed.problems, ...parsed.warnings];
  if (problem !== undefined) throw refuse(`line ${problem.line}: ${problem.state}`);
  const [document, second] = parsed.documents;
  if (second !== undefined) throw refuse(`line ${second.line}: a second document begins here, and one is read`);
  return document?.contents ? plain(document.contents, { parsed, refuse, depth: 0 }) : undefined;
}

function plain(node: Node | null, at: At): unknown {
  const refused = (state: string, where: unknown = node): Error =>
    at.refuse(`line ${at.parsed.lineOf(where) ?? 1}: ${state}`);
  if (at.depth > deepest) throw refused(`it is nested more than ${deepest} levels deep`);
  if (isAlias(node)) throw refused('aliases are not read');
  if (isSeq<Node>(node)) return node.items.map((item) => plain(item, { ...at, depth: at.depth + 1 }));
  if (!isMap<Node, Node | null>(node)) return isScalar(node) ? node.value : null;
  const entries = new Map<string, unknown>();
  for (const { key, value } of node.items) {
    const name = keyText(key);
    if (name === undefined) throw refused('a key is no plain text', key);
    if (entries.has(name)) throw refused(`the key ${quoteText(name, 40)} stands here for the second time`, key);
    entries.set(name, plain(value, { ...at, depth: at.depth + 1 }));
  }
  return Object.fromEntries(entries);
}

function keyText(key: Node): string | undefined {
  return isScalar(key) ? String(key.source ?? key.value) : undefined;
}
