/** What is at the target that the lock does not know. */
import { toAirgapError } from '../errors.ts';
import { algorithmOf, type Digest, hexOf } from '../oci/digest.ts';
import { formatRepository, type RepositoryName } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import type { ExpectedImage } from './image.ts';

/** Repositories, and tags of one repository, that are looked through. */
const bound = 100_000;

export interface CatalogOptions {
  readonly target: Source;
  /** Only repositories below this path are looked at; empty for all. */
  readonly prefix: string;
  readonly signal?: AbortSignal | undefined;
}

export interface CatalogFinding {
  /** `registry/repository` that is not known at all, or `registry/repository:tag` in one that is; sorted. */
  readonly extras: readonly string[];
  /** Why something could not be read. */
  readonly note?: string;
}

interface Known {
  readonly place: RepositoryName;
  readonly tags: Set<string>;
  readonly digests: Set<Digest>;
}

/** Reads the catalog and the tags of known repositories. Signature tags of known digests are known. Throws only when interrupted. */
export async function findExtras(images: readonly ExpectedImage[], options: CatalogOptions): Promise<CatalogFinding> {
  const known = knownPlaces(images);
  const notes: string[] = [];
  const repositories = await read(() => unknownRepositories(known, options), { notes, options, what: 'the catalog' });
  const tags: string[] = [];
  for (const place of known.values()) {
    const what = `the tags of "${formatRepository(place.place)}"`;
    tags.push(...((await read(() => unknownTags(place, options), { notes, options, what })) ?? []));
  }
  const extras = [...(repositories ?? []), ...tags].sort();
  return notes.length === 0 ? { extras } : { extras, note: notes.slice(0, 5).join('; ') };
}

function knownPlaces(images: readonly ExpectedImage[]): Map<string, Known> {
  const known = new Map<string, Known>();
  for (const { place, tags, manifests, omitted } of images) {
    const key = formatRepository(place);
    const at = known.get(key) ?? { place, tags: new Set<string>(), digests: new Set<Digest>() };
    for (const { tag } of tags) at.tags.add(tag);
    for (const digest of [...manifests, ...omitted]) at.digests.add(digest);
    known.set(key, at);
  }
  return known;
}

async function unknownRepositories(known: ReadonlyMap<string, Known>, options: CatalogOptions): Promise<string[]> {
  const { target, prefix, signal } = options;
  const catalog = target.catalog?.({ signal });
  if (catalog === undefined) throw new Error('this target does not list its repositories');
  const unknown: string[] = [];
  let count = 0;
  for await (const name of catalog) {
    count += 1;
    if (count > bound) throw new Error(`there are more than ${bound} repositories`);
    const isBelow = prefix === '' || name.repository.startsWith(`${prefix}/`);
    if (isBelow && !known.has(formatRepository(name))) unknown.push(formatRepository(name));
  }
  return unknown;
}

async function unknownTags(known: Known, { target, signal }: CatalogOptions): Promise<string[]> {
  const tags = target.repository(known.place).tags?.({ signal });
  if (tags === undefined) throw new Error('this target does not list tags');
  const signatures = new Set([...known.digests].map(signatureStem));
  const unknown: string[] = [];
  let count = 0;
  for await (const tag of tags) {
    count += 1;
    if (count > bound) throw new Error(`there are more than ${bound} tags`);
    const stem = tag.replace(/\.(?:sig|att|sbom)$/, '');
    if (!known.tags.has(tag) && !signatures.has(stem)) unknown.push(`${formatRepository(known.place)}:${tag}`);
  }
  return unknown;
}

/** OCI distribution-spec v1.1, "Referrers Tag Schema"; cosign adds a suffix. */
function signatureStem(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`;
}

async function read<T>(
  work: () => Promise<T>,
  about: { readonly notes: string[]; readonly options: CatalogOptions; readonly what: string },
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    const error = toAirgapError(thrown, 'ERR_UNSUPPORTED', `Cannot read ${about.what}`);
    if (error.code === 'ERR_INTERRUPTED' || about.options.signal?.aborted === true) throw error;
    if (error.code === 'ERR_NOT_FOUND') return undefined;
    about.notes.push(error.message);
    return undefined;
  }
}
