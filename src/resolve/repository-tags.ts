/** The tags of upstream repositories that may belong to images as signatures do; each repository is listed once per run. */
import { isAirgapError, toAirgapError } from '../errors.ts';
import { algorithmOf, type Digest, hexOf } from '../oci/digest.ts';
import { formatRepository, isTag, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';

/** Tags are counted up to here; a repository with more is not listed to its end. */
export const tagLimit = 100_000;

/** What a repository said: its signature tags, or why it cannot be asked. */
export type TagListing =
  | { readonly listed: true; readonly tags: ReadonlySet<string> }
  | { readonly listed: false; readonly reason: string };

/**
 * Where signatures of a digest are kept when they are kept under tags: cosign's three suffixes, and the referrers tag, whose
 * hex part has at most 64 digits (OCI distribution-spec v1.1, "Referrers Tag Schema").
 */
export function signatureTags(digest: Digest): readonly Tag[] {
  const algorithm = algorithmOf(digest);
  const base = `${algorithm}-${hexOf(digest)}`;
  const fallback = `${algorithm}-${hexOf(digest).slice(0, 64)}`;
  return [`${base}.sig`, `${base}.att`, `${base}.sbom`, fallback].filter(isTag);
}

export interface RepositoryTagsOptions {
  readonly source: Source;
  readonly signal?: AbortSignal | undefined;
  /** Default `tagLimit`. */
  readonly limit?: number | undefined;
}

export class RepositoryTags {
  readonly #options: RepositoryTagsOptions;
  readonly #listings = new Map<string, Promise<TagListing>>();

  constructor(options: RepositoryTagsOptions) {
    this.#options = options;
  }

  /** Lists a repository, the first time it is asked for. Never throws: a refusal is an answer, too. A repository without tags is an empty list. */
  of(name: RepositoryName): Promise<TagListing> {
    const key = formatRepository(name);
    const under = this.#listings.get(key);
    if (under !== undefined) return under;
    const listing = this.#list(name).catch((error: unknown) => refusal(error));
    this.#listings.set(key, listing);
    return listing;
  }

  async #list(name: RepositoryName): Promise<TagListing> {
    const { source, signal, limit = tagLimit } = this.#options;
    const listed = source.repository(name).tags?.({ signal });
    if (listed === undefined) return { listed: false, reason: 'this source does not list tags' };
    const tags = new Set<string>();
    let count = 0;
    for await (const tag of listed) {
      count += 1;
      if (count > limit) return { listed: false, reason: `it has more than ${limit} tags` };
      if (/^sha(?:256|512)-/.test(tag)) tags.add(tag);
    }
    return { listed: true, tags };
  }
}

/** docker-registry answers 404 for a repository whose manifests have no tags. */
function refusal(error: unknown): TagListing {
  if (isAirgapError(error) && error.code === 'ERR_NOT_FOUND') return { listed: true, tags: new Set() };
  return { listed: false, reason: toAirgapError(error, 'ERR_PROTOCOL', 'Cannot list tags').message };
}
