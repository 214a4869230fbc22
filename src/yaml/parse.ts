/** YAML of others, parsed in time that grows with its length. What its parts may be is up to whoever reads them. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';

export interface YamlDocument {
  /** Null for an empty one. */
  readonly contents: Node | null;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** What the parser says, in one line, and where. */
export interface YamlProblem {
  readonly line: number;
  readonly state: string;
}

export interface ParsedYaml {
  readonly documents: readonly YamlDocument[];
  /** With any of them the documents are not what was meant; there are none where the parts lie too deep in each other. */
  readonly problems: readonly YamlProblem[];
  /** Tags of others. */
  readonly warnings: readonly YamlProblem[];
  /** The line a part begins in, from 1; undefined for what the text does not hold. */
  lineOf(node: unknown): number | undefined;
}

/** How the parser's own stack ends: it tells that as an error of the document. */
const endOfStack = 'call stack';

/**
 * The documents of a text. Keys that stand twice are not looked for, as that takes the parser time with the square of their number:
 * whoever reads a mapping refuses them. The length of the text is not bounded here. Never throws for what a text holds.
 */
export function parseYaml(text: string, schema: 'core' | 'failsafe'): ParsedYaml {
  const lines = new LineCounter();
  const documents = composed(text, { lines, schema });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const told = (of: 'errors' | 'warnings'): YamlProblem[] =>
    documents?.flatMap((document) =>
      document[of].map(({ pos, message }) => ({ line: lineAt(pos[0]), state: message.split('\n', 1)[0] ?? '' })),
    ) ?? [];
  const problems = told('errors');
  const isDeep = documents === undefined || problems.some(({ state }) => state.includes(endOfStack));
  const whole = isDeep ? [] : documents;
  return {
    documents: whole.map(({ contents, range }) => ({ contents, line: lineAt(range[0]) })),
    problems: isDeep ? [{ line: 1, state: 'its parts lie too deep in each other' }] : problems,
    warnings: told('warnings'),
    lineOf: (node) => {
      const isNode = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
      return isNode && node.range ? lineAt(node.range[0]) : undefined;
    },
  };
}

/** Undefined where the stack ended. */
function composed(
  text: string,
  options: { readonly lines: LineCounter; readonly schema: 'core' | 'failsafe' },
): Document.Parsed[] | undefined {
  try {
    const { lines: lineCounter, schema } = options;
    return [
      ...parseAllDocuments(text, { lineCounter, schema, uniqueKeys: false, logLevel: 'silent', prettyErrors: false }),
    ];
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/**
 * What the aliases of a document stand for: the last part before each with its anchor. None for one without an anchor, and for one
 * inside the part it stands for. A single walk: the parser's own look-up takes one for every alias.
 */
export function aliasTargets(contents: Node | null): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(contents, {
    Node: (_, node, path) => {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const target = anchors.get(node.source);
      if (target !== undefined && !path.includes(target)) targets.set(node, target);
    },
  });
  return targets;
}
