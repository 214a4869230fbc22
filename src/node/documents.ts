/** The documents of a configuration, and the patches that are laid over them. */
import { quoteText } from '../oci/quote.ts';
import { isSince, printTalosVersion, type TalosVersion } from '../talos/version.ts';
import { at, textOf } from './fields.ts';
import { jsonPatched } from './json-patch.ts';
import { cut, deletionsIn, isDeletion, merged } from './merge.ts';
import { type ConfigNode, invalid, type MapNode, readDocuments } from './tree.ts';

export interface ConfigDocument {
  /** Empty for the machine configuration itself, which has no kind. */
  readonly kind: string;
  /** Empty where it has none. */
  readonly name: string;
  readonly root: MapNode;
}

/** A file, or what stands for one. */
export interface ConfigText {
  /** For messages and origins. */
  readonly name: string;
  readonly text: string;
}

/**
 * The documents of the first text with the others laid over them in order, each a strategic merge patch or an RFC 6902 patch
 * (siderolabs/talos v1.13.9, pkg/machinery/config/configpatcher/load.go). Throws ERR_INPUT_INVALID for what Talos refuses.
 */
export function patchedDocuments(texts: readonly ConfigText[], version?: TalosVersion): readonly ConfigDocument[] {
  let documents: readonly ConfigDocument[] = [];
  for (const [index, { name, text }] of texts.entries()) {
    const roots = readDocuments(name, text);
    const [first] = roots;
    if (index === 0) documents = asDocuments(roots);
    else if (first?.kind === 'list') documents = withJsonPatch(documents, roots);
    else documents = withMergePatch(documents, { roots, version });
  }
  return documents;
}

function asDocuments(roots: readonly ConfigNode[]): ConfigDocument[] {
  const documents = roots.map((root): ConfigDocument => {
    if (root.kind !== 'map')
      throw invalid(
        root.origin,
        root.kind === 'list' ? 'it is a patch, not a configuration' : 'a document is no mapping',
      );
    return { kind: textOf(at(root, 'kind'), 'kind') ?? '', name: nameOf(root), root };
  });
  const seen = new Set<string>();
  for (const document of documents) {
    const id = idOf(document);
    // A patch may delete a document and write it anew.
    if (isDeletion(document.root)) continue;
    if (seen.has(id)) throw invalid(document.root.origin, `there are two documents ${quoteText(id)}`);
    seen.add(id);
  }
  return documents;
}

function nameOf(root: MapNode): string {
  return root.entries.has('kind') ? (textOf(at(root, 'name'), 'name') ?? '') : '';
}

function idOf(document: ConfigDocument): string {
  return document.kind === '' ? 'v1alpha1' : titleOf(document);
}

/** `KIND NAME`, or the kind alone where it has no name. */
export function titleOf({ kind, name }: Pick<ConfigDocument, 'kind' | 'name'>): string {
  return name === '' ? kind : `${kind} ${name}`;
}

/** Documents of the same kind and name are merged, others are added (configpatcher/strategic.go). Deletions come before what stands beside them. */
function withMergePatch(
  documents: readonly ConfigDocument[],
  patch: { readonly roots: readonly ConfigNode[]; readonly version: TalosVersion | undefined },
): ConfigDocument[] {
  const result = [...documents];
  for (const document of asDocuments(patch.roots)) {
    const index = result.findIndex((candidate) => idOf(candidate) === idOf(document));
    const { deletions, rest } = deletionsIn(document.root);
    const [deletion] = deletions;
    if (deletion !== undefined && patch.version !== undefined && !isSince(patch.version, '1.8.0')) {
      const version = printTalosVersion(patch.version);
      throw invalid(deletion.origin, `Talos ${version} knows no "$patch": it came with v1.8.0`);
    }
    const target = result[index];
    if (target === undefined) {
      // Talos takes the deletion itself for a document then, and fails when it writes the result.
      if (deletion !== undefined)
        throw invalid(
          deletion.origin,
          `there is no document ${quoteText(idOf(document))} to delete from`,
          'talosctl fails at this too: leave that part of the patch away, or write the patch with --form v1alpha1 for a configuration of an older Talos',
        );
      result.push(document);
      continue;
    }
    const cutRoot = deletions.reduce<MapNode | undefined>(
      (root, one) => (root === undefined ? root : cut(root, one)),
      target.root,
    );
    const root =
      cutRoot === undefined || rest === undefined
        ? (cutRoot ?? rest)
        : merged(cutRoot, { patch: rest, kind: document.kind });
    if (root === undefined) result.splice(index, 1);
    else result[index] = { ...target, root };
  }
  return result;
}

/** siderolabs/talos v1.13.9, configpatcher/json6902.go. */
function withJsonPatch(documents: readonly ConfigDocument[], roots: readonly ConfigNode[]): ConfigDocument[] {
  const [patch, second] = roots;
  const [document, other] = documents;
  if (patch === undefined || document === undefined) return [...documents];
  if (second !== undefined) throw invalid(second.origin, 'an RFC 6902 patch is one document');
  if (other !== undefined) {
    throw invalid(
      patch.origin,
      'JSON6902 patches are not supported for multi-document machine configuration',
      'write a strategic merge patch: the part of the configuration that changes, as it is to be',
    );
  }
  const root = jsonPatched(document.root, patch);
  return asDocuments([root]);
}
