/** Parts of a patch as YAML that people read: one comment over each. */
import { Document, isMap, isScalar, type YAMLMap } from 'yaml';
import type { Part } from './part.ts';

interface Tree {
  [key: string]: unknown;
}

/** The v1alpha1 document first, as only one may be in a file, then the others in the order of the parts. Ends with a line feed. */
export function printParts(parts: readonly Part[]): string {
  const sections = parts.flatMap((part) => (part.sections ?? []).map((section) => ({ ...section, about: part.about })));
  const merged: Tree = {};
  for (const { path, value } of sections) place(merged, { path, value });
  const first = sections.length === 0 ? [] : [printSections(merged, sections)];
  const others = parts.flatMap((part) =>
    (part.documents ?? []).map((fields, index) => printDocument(fields, index === 0 ? part.about : [])),
  );
  return [...first, ...others].join('---\n');
}

/** Lines as a comment. */
export function commentOf(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}\n`).join('');
}

function place(tree: Tree, { path, value }: { readonly path: readonly string[]; readonly value: unknown }): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below: Tree = { ...(tree[key] as Tree | undefined) };
  tree[key] = below;
  place(below, { path: rest, value });
}

function printSections(
  merged: Tree,
  sections: readonly { readonly path: readonly string[]; readonly about: readonly string[] }[],
): string {
  const document = new Document(merged);
  const seen = new Set<readonly string[]>();
  for (const { path, about } of sections) {
    // A part with several sections explains itself over the first.
    if (seen.has(about)) continue;
    seen.add(about);
    const above = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    if (isMap(above)) comment(above, { key: path.at(-1) ?? '', about });
  }
  return printYaml(document);
}

function comment(map: YAMLMap, entry: { readonly key: string; readonly about: readonly string[] }): void {
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === entry.key);
  if (pair !== undefined && isScalar(pair.key) && entry.about.length > 0)
    pair.key.commentBefore = entry.about.map((line) => ` ${line}`).join('\n');
}

function printDocument(fields: Readonly<Record<string, unknown>>, about: readonly string[]): string {
  return `${commentOf(about)}${printYaml(new Document(fields))}`;
}

/** Strings are quoted where YAML would read them as something else; `*` always, as it stands for an alias. */
function printYaml(document: Document): string {
  return document.toString({ indent: 4, lineWidth: 0, singleQuote: true });
}
