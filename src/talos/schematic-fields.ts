/** Reads the fields of a schematic as go-yaml reads them into the Image Factory's types, and says where something is wrong. */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, Scalar, type YAMLMap } from 'yaml';
import { AirgapError } from '../errors.ts';
import { nearestNames } from '../oci/nearest-names.ts';
import { quoteText } from '../oci/quote.ts';
import { aliasTargets, type ParsedYaml, parseYaml } from '../yaml/parse.ts';
import { type Resolved, resolvePlain } from './schematic-scalars.ts';
import { compareKeys, unknowable, type YamlValue } from './schematic-yaml.ts';

/** Largest schematic in characters that is read. */
const longestSchematic = 1024 * 1024;
/** Most values inside `options`, aliases counted as often as they are used. */
const mostValues = 10_000;
/** How deep they may lie in each other. */
const deepest = 100;

/** A node of the document that is being read, with where it stands. Absent and null are undefined. */
export class SchematicNode {
  readonly #node: Node;
  readonly #path: string;
  readonly #context: Context;

  constructor(node: Node, path: string, context: Context) {
    this.#node = node;
    this.#path = path;
    this.#context = context;
  }

  /** The values of a mapping that may have these keys; of null, none. Throws ERR_INPUT_INVALID for others. */
  fields<Key extends string>(known: readonly Key[]): Partial<Record<Key, SchematicNode>> {
    if (this.#isNull()) return {};
    const found: Partial<Record<Key, SchematicNode>> = {};
    for (const [key, node, keyNode] of this.#entries()) {
      const name = known.find((candidate) => candidate === key);
      if (name === undefined) throw this.#unknownKey(key, { node: keyNode, known });
      found[name] = this.#at(node, this.#path === '' ? name : `${this.#path}.${name}`);
    }
    return found;
  }

  /** The items of a list that are not null: the factory leaves null out. */
  items(): SchematicNode[] {
    if (this.#isNull()) return [];
    if (!isSeq(this.#node)) throw this.#wrong('not a list');
    const items = this.#node.items.map((item, index) => this.#at(item as Node, `${this.#path}[${index}]`));
    return items.filter((item) => !item.#isNull());
  }

  /** A text. Numbers and such are taken as they are written; null is empty. */
  text(): string {
    return this.#isNull() ? '' : this.#scalar().text;
  }

  /** A whole number from 0 to `max`; null is 0. */
  number(max: number): number {
    if (this.#isNull()) return 0;
    const { resolved, text } = this.#scalar();
    const value = resolved.kind === 'int' || resolved.kind === 'float' ? resolved.value : Number.NaN;
    if (!Number.isInteger(value) || value < 0 || value > max)
      throw this.#wrong(`${quoteText(text, 40)}, not a whole number from 0 to ${max}`);
    return value;
  }

  /** True or false; null is false. The words of YAML 1.1 are taken as well. */
  switch(): boolean {
    if (this.#isNull()) return false;
    const { resolved, text } = this.#scalar();
    if (resolved.kind === 'bool') return resolved.value;
    if (resolved.kind === 'string' && /^(?:y|Y|yes|on)$/.test(text)) return true;
    if (resolved.kind === 'string' && /^(?:n|N|no|off)$/.test(text)) return false;
    throw this.#wrong(`${quoteText(text, 40)}, not true or false`);
  }

  /** A mapping of anything, its keys in the factory's order; null is empty. */
  freeMap(): ReadonlyMap<string, YamlValue> {
    return this.#isNull() ? new Map() : this.#freeMap({ keysAreTexts: true, depth: 0 });
  }

  /** `FILE: line 3: ...` as an error. */
  refuse(state: string, hint?: string): AirgapError {
    return this.#wrong(state, hint);
  }

  #freeMap(options: { readonly keysAreTexts: boolean; readonly depth: number }): ReadonlyMap<string, YamlValue> {
    const entries = this.#entries(options).map(([key, node]): [string, YamlValue] => [
      key,
      this.#at(node, `${this.#path}.${key}`).#free(options.depth + 1),
    ]);
    return new Map(entries.sort(([one], [other]) => compareKeys(one, other)));
  }

  #free(depth: number): YamlValue {
    this.#context.values += 1;
    if (depth > deepest) throw this.#wrong(`nested more than ${deepest} levels deep`);
    if (this.#context.values > mostValues) throw this.#wrong(`more than ${mostValues} values`);
    if (isMap(this.#node)) return this.#freeMap({ keysAreTexts: false, depth });
    if (isSeq(this.#node))
      return this.#node.items.map((item, index) => this.#at(item as Node, `${this.#path}[${index}]`).#free(depth + 1));
    const { resolved, text } = this.#scalar();
    if (resolved.kind === 'timestamp' || resolved.kind === 'disputed') throw unknowable(quoteText(text, 40));
    if (resolved.kind === 'null') return { plain: 'null' };
    if (resolved.kind === 'string') return text;
    return { plain: resolved.kind === 'bool' ? String(resolved.value) : resolved.text };
  }

  #entries(options: { readonly keysAreTexts: boolean } = { keysAreTexts: true }): [string, Node, Node][] {
    if (!isMap(this.#node)) throw this.#wrong('not a mapping');
    const seen = new Set<string>();
    return (this.#node as YAMLMap<Node, Node | null>).items.map(({ key, value }) => {
      const { resolved, text } = this.#at(key, this.#path).#scalar();
      if (seen.has(text)) throw this.#at(key, this.#path).#wrong(`a mapping with the key ${quoteText(text, 40)} twice`);
      seen.add(text);
      if (text === '<<' || (!options.keysAreTexts && resolved.kind !== 'string') || resolved.kind === 'null')
        throw unknowable(`the key ${quoteText(text, 40)}`);
      return [text, value ?? new Scalar(''), key];
    });
  }

  #at(node: Node, path: string): SchematicNode {
    const real = isAlias(node) ? this.#context.targets.get(node) : node;
    if (real === undefined) throw this.#wrong('an alias without its anchor, or inside what it stands for');
    return new SchematicNode(real, path, this.#context);
  }

  #isNull(): boolean {
    return isScalar(this.#node) && this.#scalar().resolved.kind === 'null';
  }

  #scalar(): { readonly resolved: Resolved; readonly text: string } {
    if (!isScalar(this.#node)) throw this.#wrong('not a single value');
    const { tag, type, value } = this.#node;
    const text = String(value ?? '');
    if (tag !== undefined && tag !== 'tag:yaml.org,2002:str') throw unknowable(`the tag ${quoteText(tag, 40)}`);
    const isPlain = tag === undefined && (type === 'PLAIN' || type === undefined);
    return { resolved: isPlain ? resolvePlain(text) : { kind: 'string' }, text };
  }

  #unknownKey(key: string, { node, known }: { readonly node: Node; readonly known: readonly string[] }): AirgapError {
    const near = nearestNames(key, known);
    const place = this.#path === '' ? 'a schematic' : `"${this.#path}"`;
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `${place} has ${known.join(', ')}`;
    return this.#at(node, this.#path).#wrong(`unknown key ${quoteText(key, 60)}`, hint);
  }

  #wrong(state: string, hint?: string): AirgapError {
    const { name, yaml } = this.#context;
    const line = yaml.lineOf(this.#node);
    const what = this.#path === '' ? '' : `"${this.#path}" is `;
    const message = `Cannot read schematic ${quoteText(name)}${line === undefined ? '' : `, line ${line}`}: ${state.startsWith('unknown key') ? '' : what}${state}`;
    return new AirgapError('ERR_INPUT_INVALID', message, { origins: [name], ...(hint === undefined ? {} : { hint }) });
  }
}

interface Context {
  readonly name: string;
  readonly yaml: ParsedYaml;
  readonly targets: ReadonlyMap<Alias, Node>;
  values: number;
}

/** The root of a schematic; `name` is its file. Throws ERR_INPUT_INVALID for what is no YAML, for an empty file and for several documents. */
export function schematicNode(name: string, text: string): SchematicNode {
  const refused = (state: string): AirgapError =>
    new AirgapError('ERR_INPUT_INVALID', `Cannot read schematic ${quoteText(name)}: ${state}`, {
      origins: [name],
      hint: 'a schematic is YAML that begins with "customization:"',
    });
  if (text.length > longestSchematic) throw refused(`it is longer than ${longestSchematic} characters`);
  if (/[^\t\n\r\x20-\x7e\x85\xa0-\uffff]/.test(text)) throw refused('it has control characters');
  if (/[\u0085\u2028\u2029]/.test(text)) throw unknowable('a line end of another script');
  const yaml = parseYaml(text, 'failsafe');
  const { documents, problems } = yaml;
  const [problem] = problems;
  if (problem !== undefined) throw refused(`line ${problem.line}: ${problem.state}`);
  const [document] = documents;
  if (document === undefined) throw refused('it is empty');
  if (documents.length > 1) throw refused(`it holds ${documents.length} documents, and a schematic is one`);
  const { contents } = document;
  const context = { name, yaml, targets: aliasTargets(contents), values: 0 };
  return new SchematicNode(contents ?? new Scalar(''), '', context);
}
