/** Strategic merge patches as Talos merges them (siderolabs/talos v1.13.9, pkg/machinery/config/merge/merge.go). */
import type { Origin } from '../errors.ts';
import { isEmpty } from './fields.ts';
import { type ConfigNode, invalid, type ListNode, type MapNode } from './tree.ts';

/** Lists that a patch replaces instead of adding to them: the `merge:"replace"` tags of pkg/machinery/config/types. */
const replaced: Readonly<Record<string, readonly string[]>> = {
  '': ['cluster.network.podSubnets', 'cluster.network.serviceSubnets', 'cluster.apiServer.auditPolicy'],
  NetworkRuleConfig: ['ingress', 'portSelector.ports'],
};

/** Lists in which an item with the same key replaces or joins the other one: the Merge() methods of the same package. */
const keyed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': { 'machine.network.interfaces': 'interface', 'cluster.apiServer.admissionControl': 'name' },
  ImageVerificationConfig: { rules: 'image' },
  ExtensionServiceConfig: { configFiles: 'mountPath' },
};

/** Keyed lists whose items are merged; the others' are replaced. */
const joined: readonly string[] = ['machine.network.interfaces', 'cluster.apiServer.admissionControl'];

/**
 * Mappings are merged, lists joined end to end, texts and numbers replaced unless they are empty in the patch; a flag always.
 * Parts keep the origin of the text they came from. Throws ERR_INPUT_INVALID where the kinds differ.
 */
export function merged(base: MapNode, patch: { readonly patch: MapNode; readonly kind: string }): MapNode {
  return mergedMap(base, patch.patch, { kind: patch.kind, path: '' });
}

interface Place {
  readonly kind: string;
  readonly path: string;
}

function mergedMap(base: MapNode, patch: MapNode, place: Place): MapNode {
  const entries = new Map(base.entries);
  for (const [key, value] of patch.entries) {
    const before = entries.get(key);
    const path = place.path === '' ? key : `${place.path}.${key}`;
    entries.set(key, before === undefined || isEmpty(before) ? value : mergedNode(before, value, { ...place, path }));
  }
  return { ...base, entries };
}

function mergedNode(base: ConfigNode, patch: ConfigNode, place: Place): ConfigNode {
  if (isEmpty(patch)) return base;
  if (base.kind !== patch.kind) throw invalid(patch.origin, `merge type mismatch at "${place.path}"`);
  if (replaced[place.kind]?.includes(place.path) === true) return patch;
  if (base.kind === 'map' && patch.kind === 'map') return mergedMap(base, patch, place);
  if (base.kind === 'list' && patch.kind === 'list') return mergedList(base, patch, place);
  return patch.kind === 'scalar' && (patch.value === '' || patch.value === 0) ? base : patch;
}

function mergedList(base: ListNode, patch: ListNode, place: Place): ListNode {
  const key = keyed[place.kind]?.[place.path];
  if (key === undefined) return { ...base, items: [...base.items, ...patch.items] };
  const items = [...base.items];
  const places = new Map(items.map((item, index) => [keyOf(item, key), index]));
  for (const item of patch.items) {
    const id = keyOf(item, key);
    const index = id === undefined ? undefined : places.get(id);
    const before = index === undefined ? undefined : items[index];
    if (index === undefined || before === undefined) items.push(item);
    else
      items[index] = joined.includes(place.path)
        ? mergedNode(before, item, { ...place, path: `${place.path}[]` })
        : item;
  }
  return { ...base, items };
}

function keyOf(item: ConfigNode, key: string): string | undefined {
  const value = item.kind === 'map' ? item.entries.get(key) : undefined;
  return value?.kind === 'scalar' ? value.text : undefined;
}

/** What a `$patch: delete` takes away. */
export interface Deletion {
  /** Keys from the root; empty: the whole document. */
  readonly path: readonly string[];
  /** In the list at this path, the first item with this key and value. */
  readonly item: { readonly key: string; readonly value: string } | undefined;
  readonly origin: Origin;
}

/** Takes the deletions out of a patch (configloader/internal/decoder/delete.go). `rest` is undefined where nothing else is in it. */
export function deletionsIn(patch: MapNode): {
  readonly deletions: readonly Deletion[];
  readonly rest: MapNode | undefined;
} {
  const deletions: Deletion[] = [];
  const rest = withoutDeletions(patch, { path: [], deletions });
  const named = ['apiVersion', 'kind', 'name'];
  const isEmptied = rest?.kind === 'map' && [...rest.entries.keys()].every((key) => named.includes(key));
  return { deletions, rest: rest?.kind !== 'map' || (isEmptied && deletions.length > 0) ? undefined : rest };
}

interface Taking {
  readonly path: readonly string[];
  readonly deletions: Deletion[];
}

function withoutDeletions(node: ConfigNode, taking: Taking): ConfigNode | undefined {
  if (node.kind === 'scalar') return node;
  if (node.kind === 'list') return listWithout(node, taking);
  if (isDeletion(node)) {
    taking.deletions.push({ path: taking.path, item: undefined, origin: node.origin });
    return undefined;
  }
  const entries = new Map<string, ConfigNode>();
  for (const [key, value] of node.entries) {
    const kept = withoutDeletions(value, { ...taking, path: [...taking.path, key] });
    if (kept !== undefined) entries.set(key, kept);
  }
  return entries.size === 0 && node.entries.size > 0 ? undefined : { ...node, entries };
}

function listWithout(node: ListNode, { path, deletions }: Taking): ConfigNode | undefined {
  const items: ConfigNode[] = [];
  for (const item of node.items) {
    if (item.kind !== 'map' || !isDeletion(item)) {
      items.push(item);
      continue;
    }
    const [key, value] = [...item.entries].find(([name]) => name !== '$patch') ?? [];
    if (key === undefined || value?.kind !== 'scalar') throw invalid(item.origin, 'a deletion in a list names no item');
    deletions.push({ path, item: { key, value: value.text }, origin: item.origin });
  }
  return items.length === 0 && node.items.length > 0 ? undefined : { ...node, items };
}

/** It has `$patch: delete` in it. */
export function isDeletion(node: MapNode): boolean {
  const value = node.entries.get('$patch');
  return value?.kind === 'scalar' && value.value === 'delete';
}

/** The document without what is deleted; undefined: nothing is left of it. Throws ERR_INPUT_INVALID where there is nothing to delete, as Talos does. */
export function cut(root: MapNode, deletion: Deletion): MapNode | undefined {
  if (deletion.path.length === 0) return undefined;
  const result = cutAt(root, deletion, 0);
  return result.kind === 'map' ? result : root;
}

function cutAt(node: ConfigNode, deletion: Deletion, depth: number): ConfigNode {
  const key = deletion.path[depth];
  if (key === undefined) return withoutItem(node, deletion);
  const below = node.kind === 'map' ? node.entries.get(key) : undefined;
  if (node.kind !== 'map' || below === undefined) throw missing(deletion);
  const entries = new Map(node.entries);
  if (depth === deletion.path.length - 1 && deletion.item === undefined) entries.delete(key);
  else entries.set(key, cutAt(below, deletion, depth + 1));
  return { ...node, entries };
}

function withoutItem(node: ConfigNode, deletion: Deletion): ConfigNode {
  const { item } = deletion;
  const index =
    node.kind === 'list' && item !== undefined
      ? node.items.findIndex((one) => keyOf(one, item.key) === item.value)
      : -1;
  if (node.kind !== 'list' || index < 0) throw missing(deletion);
  return { ...node, items: node.items.toSpliced(index, 1) };
}

function missing({ path, origin }: Deletion): Error {
  return invalid(origin, `there is no "${path.join('.')}" to delete: lookup failed`);
}
