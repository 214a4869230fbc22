/** Typed parts of a configuration's tree, as Talos decodes them: a missing or empty value is no value, a wrong kind is refused. */
import { quoteText } from '../oci/quote.ts';
import { type ConfigNode, invalid, type MapNode } from './tree.ts';

/** Below a path of keys; undefined where one is missing or empty. Throws ERR_INPUT_INVALID where there is no mapping on the way. */
export function at(node: ConfigNode | undefined, ...path: readonly string[]): ConfigNode | undefined {
  let found = node;
  for (const [depth, key] of path.entries()) {
    found = mapping(found, path.slice(0, depth).join('.'))?.entries.get(key);
  }
  return found === undefined || isEmpty(found) ? undefined : found;
}

/** Throws ERR_INPUT_INVALID for what is no mapping. */
export function mapping(node: ConfigNode | undefined, where: string): MapNode | undefined {
  if (node === undefined || isEmpty(node)) return undefined;
  if (node.kind === 'map') return node;
  throw invalid(node.origin, `${shown(where)} is no mapping`);
}

/** Throws ERR_INPUT_INVALID for what is no list. */
export function listing(node: ConfigNode | undefined, where: string): readonly ConfigNode[] {
  if (node === undefined || isEmpty(node)) return [];
  if (node.kind === 'list') return node.items;
  throw invalid(node.origin, `${shown(where)} is no list`);
}

/** Numbers and the like as they are written. Throws ERR_INPUT_INVALID for mappings and lists. */
export function textOf(node: ConfigNode | undefined, where: string): string | undefined {
  if (node === undefined || isEmpty(node)) return undefined;
  if (node.kind === 'scalar') return node.text;
  throw invalid(node.origin, `${shown(where)} is no text`);
}

/** Throws ERR_INPUT_INVALID for an item that is no text; empty ones are left out. */
export function textsOf(node: ConfigNode | undefined, where: string): string[] {
  return withoutEmpty(listing(node, where).map((item, index) => textOf(item, `${where}[${index}]`)));
}

/** Those that say something. */
export function withoutEmpty(texts: readonly (string | undefined)[]): string[] {
  return texts.filter((text) => text !== undefined).filter((text) => text !== '');
}

/** Also `yes`, `on`, `no` and `off`, as Go's YAML reader takes them for a flag. Throws ERR_INPUT_INVALID for anything else. */
export function flagOf(node: ConfigNode | undefined, where: string): boolean | undefined {
  if (node === undefined || isEmpty(node)) return undefined;
  if (node.kind === 'scalar' && /^(?:true|yes|on)$/i.test(node.text)) return true;
  if (node.kind === 'scalar' && /^(?:false|no|off)$/i.test(node.text)) return false;
  throw invalid(node.origin, `${shown(where)} is neither true nor false`);
}

/** `null`, `~` and nothing. */
export function isEmpty(node: ConfigNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function shown(where: string): string {
  return where === '' ? 'the document' : quoteText(where);
}
