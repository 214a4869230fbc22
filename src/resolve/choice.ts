/** What of an image is copied when platforms were asked for: all of it, an index with some children, or one platform's manifest. */

import { AirgapError, toAirgapError } from '../errors.ts';
import type { RequestedImage } from '../input/requested.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { ManifestDocument } from '../oci/manifest.ts';
import { printPlatform } from '../oci/platform.ts';
import { printReference, type Reference } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import { type Selection, selectPlatforms } from './platforms.ts';
import type { Notice, PlatformWish } from './resolved.ts';

/** Whether the target repository takes an index whose children are partly absent. */
export type SparseQuestion = (target: Reference) => Promise<boolean>;

export interface Choice {
  readonly root: ManifestDocument;
  readonly narrowedFrom?: Digest;
  readonly omitted: readonly Descriptor[];
  readonly notices: readonly Notice[];
}

export interface ChoiceOptions {
  readonly request: RequestedImage;
  readonly source: Source;
  readonly wish: PlatformWish;
  readonly read: (child: Descriptor) => Promise<ManifestDocument>;
  readonly sparse?: SparseQuestion | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws ERR_NOT_FOUND when a required platform is missing, and what the source and the question about the target throw. */
export async function choosePlatforms(named: ManifestDocument, options: ChoiceOptions): Promise<Choice> {
  const { wish, request, read, signal } = options;
  if (wish.platforms.length === 0) return { root: named, omitted: [], notices: [] };
  const repository = options.source.repository(request.reference);
  const selection = await selectPlatforms(named, { platforms: wish.platforms, repository, read, signal });
  const notices = missingNotices(selection, options);
  const narrowed = await narrow(named, { ...options, selection });
  if (narrowed?.root !== undefined)
    return { ...narrowed.choice, root: narrowed.root, notices: [...notices, ...narrowed.notices] };
  const before = [...notices, ...(narrowed?.notices ?? [])];
  if (selection.omitted.length === 0) return { root: named, omitted: [], notices: before };
  const taken = await askTarget(request.target, options.sparse);
  const notice = sparseNotice(request, { selection, taken });
  return { root: named, omitted: taken ? selection.omitted : [], notices: [...before, notice] };
}

async function askTarget(target: Reference, sparse: SparseQuestion | undefined): Promise<boolean> {
  try {
    return (await sparse?.(target)) ?? true;
  } catch (thrown) {
    const action = `Cannot ask "${printReference(target)}" whether it takes a part of an index`;
    throw toAirgapError(thrown, 'ERR_PROTOCOL', action).with({ end: 'target' });
  }
}

function missingNotices(selection: Selection, { wish, request }: ChoiceOptions): Notice[] {
  if (selection.missing.length === 0) return [];
  const name = printReference(request.reference);
  const missing = selection.missing.map(printPlatform).join(', ');
  const state = `it has no ${missing}, only ${selection.available.join(', ')}`;
  if (wish.require) {
    throw new AirgapError('ERR_NOT_FOUND', `Cannot take "${name}" for the platforms asked for: ${state}`, {
      hint: 'ask for a platform it has, or leave out --require-platforms',
    });
  }
  const whole = selection.chosen.length === 0 ? '; it is copied as it is' : '';
  return [{ kind: 'platform-missing', message: `Platform missing in "${name}": ${state}${whole}` }];
}

interface Narrowing {
  readonly root?: ManifestDocument;
  readonly choice: { readonly omitted: readonly Descriptor[]; readonly narrowedFrom: Digest };
  readonly notices: readonly Notice[];
}

/** Undefined when there is nothing to narrow. Without a root when the reference pins the index: a node that asks by digest needs it. */
async function narrow(
  named: ManifestDocument,
  { request, wish, read, selection }: ChoiceOptions & { readonly selection: Selection },
): Promise<Narrowing | undefined> {
  const [chosen] = selection.chosen;
  if (!wish.narrow || named.manifest.kind !== 'index' || chosen === undefined) return undefined;
  const name = printReference(request.reference);
  const choice = { omitted: [], narrowedFrom: named.descriptor.digest };
  if (request.reference.digest !== undefined) {
    const message = `Not narrowed: "${name}" is asked for by the digest of its index`;
    return { choice, notices: [{ kind: 'narrowed', message }] };
  }
  const root = await read(chosen);
  const platforms = wish.platforms.map(printPlatform).join(', ');
  const change = `its digest is ${root.descriptor.digest}, upstream it is ${named.descriptor.digest}`;
  const message = `Narrowed: "${name}" stands for ${platforms} alone at the target; ${change}`;
  return { root, choice, notices: [{ kind: 'narrowed', message }] };
}

function sparseNotice(
  { reference }: RequestedImage,
  { selection, taken }: { readonly selection: Selection; readonly taken: boolean },
): Notice {
  const name = printReference(reference);
  const count = selection.omitted.length;
  const what = `${count} manifest${count === 1 ? '' : 's'} of other platforms`;
  if (taken) return { kind: 'sparse', message: `Left out of "${name}": ${what}` };
  const message = `All platforms of "${name}" are copied: the target refuses an index without ${what} (--narrow takes one platform alone)`;
  return { kind: 'sparse-refused', message };
}
