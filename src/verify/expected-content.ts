/** What ought to be in a bundle or a layout: by its index, and by the lock that goes with it. */
import { isAirgapError } from '../errors.ts';
import type { Lock, LockedImage } from '../lock/lock.ts';
import { keptPlace } from '../mirror/rule.ts';
import type { Digest } from '../oci/digest.ts';
import { formatRepository, printReference, type RepositoryName } from '../oci/reference.ts';
import type { IndexedManifest, Source } from '../store/store.ts';
import type { CheckFinding } from './check.ts';

/** Everything the index names; of a store without an index everything it lists under a tag. */
export async function rootsOf(source: Source, signal: AbortSignal | undefined): Promise<IndexedManifest[]> {
  const roots: IndexedManifest[] = [];
  if (source.indexed !== undefined) {
    for await (const root of source.indexed({ signal })) roots.push(root);
    return roots;
  }
  for await (const repository of source.catalog?.({ signal }) ?? []) {
    for await (const tag of source.repository(repository).tags?.({ signal }) ?? []) {
      const descriptor = await source.repository(repository).resolve(tag, { signal });
      roots.push({ descriptor, repository, tag, name: printReference({ ...repository, tag }) });
    }
  }
  return roots;
}

/** A manifest that a locked image cannot do without. */
export interface LockedManifest {
  readonly digest: Digest;
  /** Known of the root alone. */
  readonly size: number | undefined;
  readonly image: string;
  readonly repository: RepositoryName;
}

export interface ExpectedContent {
  readonly manifests: readonly LockedManifest[];
  /** Tags that the index lost or that stand for something else, and images it does not name any more. */
  readonly findings: readonly CheckFinding[];
  /** Images that are not here on purpose: a delta expects them at the receiver. Sorted. */
  readonly atReceiver: readonly string[];
}

/** Holds a lock against an index. `isHere` tells whether the image with this root was put in at all. */
export async function expectedOfLock(
  lock: Lock,
  about: {
    readonly source: Source;
    readonly roots: readonly IndexedManifest[];
    readonly isHere: (root: Digest) => boolean;
  },
): Promise<ExpectedContent> {
  const named = new Map<string, Digest>();
  for (const { repository, tag, descriptor } of about.roots) {
    if (repository !== undefined)
      named.set(`${formatRepository(repository)} ${tag ?? descriptor.digest}`, descriptor.digest);
  }
  const here = lock.images.filter((image) => about.isHere(image.digest));
  const untagged = here.filter(({ tags }) => tags.length === 0);
  const lost = await Promise.all(untagged.map((image) => unnamed(image, { ...about, named })));
  return {
    manifests: here.flatMap(manifestsOf),
    findings: [...here.flatMap((image) => lostTags(image, named)), ...lost.flat()],
    atReceiver: lock.images
      .filter((image) => !here.includes(image))
      .map((image) => nameOf(image))
      .sort(),
  };
}

/** As the index names it: by its tag alone, however the lock pins it. */
function nameOf({ source, retag }: LockedImage): string {
  const { registry, repository } = keptPlace({ source, retag });
  const { tag } = retag ?? source;
  return printReference(tag === undefined ? { ...source, registry, repository } : { registry, repository, tag });
}

function manifestsOf(image: LockedImage): LockedManifest[] {
  const { registry, repository } = keptPlace(image);
  return image.manifests.map((digest) => ({
    digest,
    size: digest === image.digest ? image.size : undefined,
    image: nameOf(image),
    repository: { registry, repository },
  }));
}

function lostTags(image: LockedImage, named: ReadonlyMap<string, Digest>): CheckFinding[] {
  const repository = formatRepository(keptPlace(image));
  return image.tags.flatMap(({ tag, digest }): CheckFinding[] => {
    const found = named.get(`${repository} ${tag}`);
    if (found === digest) return [];
    const [verdict, message] =
      found === undefined
        ? (['missing', `the index does not name it; it should stand for ${digest}`] as const)
        : (['corrupt', `it stands for ${found}, and should for ${digest}`] as const);
    return [{ what: 'tag', verdict, name: `${repository}:${tag}`, message, images: [nameOf(image)] }];
  });
}

/** An image by digest alone has to be found by it, even when its bytes are here. */
async function unnamed(
  image: LockedImage,
  { source, named }: { readonly source: Source; readonly named: ReadonlyMap<string, Digest> },
): Promise<CheckFinding[]> {
  if (named.has(`${formatRepository(keptPlace(image))} ${image.digest}`)) return [];
  try {
    await source.repository(keptPlace(image)).resolve(image.digest);
    return [];
  } catch (error) {
    if (!isAirgapError(error) || error.code !== 'ERR_NOT_FOUND') throw error;
    const message = 'the index does not lead to it';
    return [{ what: 'manifest', verdict: 'missing', name: image.digest, message, images: [nameOf(image)] }];
  }
}
