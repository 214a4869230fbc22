/** RFC 6902 patches of a single configuration document. */
import { quoteText } from '../oci/quote.ts';
import { at, listing, textOf } from './fields.ts';
import { type ConfigNode, invalid, type MapNode } from './tree.ts';

/** The document with the operations applied in order. Throws ERR_INPUT_INVALID, naming the line of the operation, where one cannot be. */
export function jsonPatched(root: MapNode, patch: ConfigNode): ConfigNode {
  let result: ConfigNode = root;
  for (const entry of listing(patch, 'patch')) result = applied(result, entry);
  return result;
}

interface Change {
  /** The value that is to stand there; undefined takes it away. */
  readonly value: ConfigNode | undefined;
  /** It must be there before. */
  readonly isThere: boolean;
  readonly operation: ConfigNode;
}

function applied(root: ConfigNode, operation: ConfigNode): ConfigNode {
  const op = textOf(at(operation, 'op'), 'op') ?? '';
  const path = pointer(textOf(at(operation, 'path'), 'path'), operation);
  const value = operation.kind === 'map' ? operation.entries.get('value') : undefined;
  const from = () => pointer(textOf(at(operation, 'from'), 'from'), operation);
  switch (op) {
    case 'add':
    case 'replace':
      if (value === undefined) throw invalid(operation.origin, `the operation "${op}" has no value`);
      return changed(root, path, { value, isThere: op === 'replace', operation });
    case 'remove':
      return changed(root, path, { value: undefined, isThere: true, operation });
    case 'move': {
      const taken = found(root, from(), operation);
      const without = changed(root, from(), { value: undefined, isThere: true, operation });
      return changed(without, path, { value: taken, isThere: false, operation });
    }
    case 'copy':
      return changed(root, path, { value: found(root, from(), operation), isThere: false, operation });
    case 'test':
      if (plain(found(root, path, operation)) === plain(value)) return root;
      throw invalid(operation.origin, `the test of ${quoteText(shown(path))} failed`);
    default:
      throw invalid(operation.origin, `${quoteText(op)} is no operation of RFC 6902`);
  }
}

/** RFC 6901. */
function pointer(text: string | undefined, operation: ConfigNode): string[] {
  if (text === undefined) throw invalid(operation.origin, 'an operation has no path');
  if (text === '') return [];
  if (!text.startsWith('/')) throw invalid(operation.origin, `the path ${quoteText(text)} does not begin with "/"`);
  const parts = text.slice(1).split('/');
  if (parts.length > 100) throw invalid(operation.origin, 'a path has more than 100 levels');
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function found(node: ConfigNode, path: readonly string[], operation: ConfigNode): ConfigNode {
  let result: ConfigNode | undefined = node;
  for (const key of path) {
    if (result?.kind === 'map') result = result.entries.get(key);
    else if (result?.kind === 'list') result = result.items[indexOf(key, result.items.length)];
    else result = undefined;
  }
  if (result === undefined) throw absent(path, operation);
  return result;
}

function changed(node: ConfigNode, path: readonly string[], change: Change): ConfigNode {
  const [key, ...rest] = path;
  if (key === undefined) return change.value ?? node;
  const below = node.kind === 'map' ? node.entries.get(key) : undefined;
  if (node.kind === 'list') return changedList(node, [key, ...rest], change);
  // What Talos uses (github.com/evanphx/json-patch v4) replaces a key that is not there, against the RFC.
  const isMissing = below === undefined && (rest.length > 0 || change.value === undefined);
  if (node.kind !== 'map' || isMissing) throw absent(path, change.operation);
  const entries = new Map(node.entries);
  const value = rest.length === 0 ? change.value : changed(below ?? node, rest, change);
  if (value === undefined) entries.delete(key);
  else entries.set(key, value);
  return { ...node, entries };
}

function changedList(
  node: ConfigNode & { readonly kind: 'list' },
  path: readonly [string, ...string[]],
  change: Change,
): ConfigNode {
  const [key, ...rest] = path;
  const { items } = node;
  const isAdding = rest.length === 0 && change.value !== undefined && !change.isThere;
  const index = key === '-' && isAdding ? items.length : indexOf(key, isAdding ? items.length + 1 : items.length);
  const below = items[index];
  if (index < 0 || (below === undefined && !isAdding)) throw absent(path, change.operation);
  if (isAdding && change.value !== undefined) return { ...node, items: items.toSpliced(index, 0, change.value) };
  const value = rest.length === 0 || below === undefined ? change.value : changed(below, rest, change);
  return { ...node, items: value === undefined ? items.toSpliced(index, 1) : items.with(index, value) };
}

/** -1: no index of a list this long. */
function indexOf(key: string, length: number): number {
  const index = /^(?:0|[1-9][0-9]{0,8})$/.test(key) ? Number(key) : -1;
  return index < length ? index : -1;
}

/** Copies share their parts, so a few of them can stand for more than there is time to compare. */
const mostCompared = 100_000;

/** Comparable text, the order of keys aside. */
function plain(node: ConfigNode | undefined, left = { parts: mostCompared }): string {
  if (node === undefined) return 'null';
  left.parts -= 1;
  if (left.parts < 0) throw invalid(node.origin, `a test compares more than ${mostCompared} parts`);
  if (node.kind === 'scalar') return JSON.stringify(node.value);
  if (node.kind === 'list') return `[${node.items.map((item) => plain(item, left)).join(',')}]`;
  const entries = [...node.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${plain(value, left)}`).join(',')}}`;
}

function shown(path: readonly string[]): string {
  return path.map((part) => `/${part}`).join('');
}

function absent(path: readonly string[], operation: ConfigNode): Error {
  return invalid(operation.origin, `there is no ${quoteText(shown(path))}`);
}
