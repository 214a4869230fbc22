/** What a store names: repositories with their tags, and what they keep by digest alone. */
import type { Digest } from '../../oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { Source } from '../../store/store.ts';
import { willNotList } from '../refusal.ts';

/** Names that are taken; a page about more would be no page. */
export const nameLimit = 20_000;

export interface RepositoryEntries {
  readonly name: RepositoryName;
  readonly tags: readonly Tag[];
  /** Manifests without a tag. Empty where the store cannot tell. */
  readonly digests: readonly Digest[];
}

export interface StoreEntries {
  readonly repositories: readonly RepositoryEntries[];
  /** False where the store does not tell what it has. */
  readonly listed: boolean;
  /** Manifests another tool put here without a full name: nobody can ask for them. */
  readonly nameless: number;
  /** Names beyond the limit. */
  readonly left: number;
}

/** Repositories sorted by name. Throws what the store throws, but for a store that will not list. */
export async function readEntries(store: Source): Promise<StoreEntries> {
  try {
    if (store.indexed !== undefined) return await fromIndex(store.indexed());
    if (store.catalog !== undefined) return await fromCatalog(store, store.catalog());
  } catch (error) {
    if (!willNotList(error)) throw error;
  }
  return { repositories: [], listed: false, nameless: 0, left: 0 };
}

interface Named {
  readonly name: RepositoryName;
  readonly tags: Tag[];
  readonly digests: Digest[];
}

async function fromIndex(indexed: ReturnType<NonNullable<Source['indexed']>>): Promise<StoreEntries> {
  const repositories = new Map<string, Named>();
  let [taken, nameless, left] = [0, 0, 0];
  for await (const { repository, tag, descriptor } of indexed) {
    if (repository === undefined) nameless += 1;
    else if (taken >= nameLimit) left += 1;
    else {
      taken += 1;
      const key = formatRepository(repository);
      const named = repositories.get(key) ?? { name: repository, tags: [], digests: [] };
      repositories.set(key, named);
      if (tag === undefined) named.digests.push(descriptor.digest);
      else named.tags.push(tag);
    }
  }
  return { repositories: sorted([...repositories.values()]), listed: true, nameless, left };
}

async function fromCatalog(store: Source, catalog: AsyncIterable<RepositoryName>): Promise<StoreEntries> {
  const repositories: Named[] = [];
  let [taken, left] = [0, 0];
  for await (const name of catalog) {
    const tags: Tag[] = [];
    for await (const tag of store.repository(name).tags?.() ?? []) {
      if (taken >= nameLimit) left += 1;
      else {
        tags.push(tag);
        taken += 1;
      }
    }
    repositories.push({ name, tags, digests: [] });
  }
  return { repositories: sorted(repositories), listed: true, nameless: 0, left };
}

function sorted(repositories: Named[]): Named[] {
  return repositories.sort((a, b) => (formatRepository(a.name) < formatRepository(b.name) ? -1 : 1));
}
