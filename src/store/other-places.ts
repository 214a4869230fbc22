/** A source that has some images under another name than their upstream one, because that is where they were put. */
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ReadableRepository, Source } from './store.ts';

/** Where else an image of a repository may be. */
export interface OtherPlace {
  readonly upstream: RepositoryName;
  readonly at: RepositoryName;
  /** What a tag is called there. Other tags than these and those of signatures are not looked for. */
  readonly tags: ReadonlyMap<Tag, Tag>;
}

interface Place {
  readonly repository: ReadableRepository;
  /** The name there, or undefined for what cannot be there. */
  readonly nameOf: (tagOrDigest: Tag | Digest) => Tag | Digest | undefined;
}

/** The same source; what a repository does not have under its own name is read from its other places, in their order. */
export function withOtherPlaces<S extends Source>(source: S, places: readonly OtherPlace[]): S | Source {
  if (places.length === 0) return source;
  const known = new Map<string, OtherPlace[]>();
  for (const place of places) {
    const key = formatRepository(place.upstream);
    known.set(key, [...(known.get(key) ?? []), place]);
  }
  const repository = (name: RepositoryName): ReadableRepository => {
    const own = source.repository(name);
    const others = known.get(formatRepository(name)) ?? [];
    return others.length === 0
      ? own
      : severalPlaces(
          own,
          others.map((place) => placeIn(source, place)),
        );
  };
  return {
    repository,
    ...(source.catalog && { catalog: (options) => source.catalog?.(options) ?? nothing() }),
    close: () => source.close(),
  };
}

function placeIn(source: Source, { at, tags }: OtherPlace): Place {
  const nameOf = (wanted: Tag | Digest): Tag | Digest | undefined =>
    isDigest(wanted) || isSignature(wanted) ? wanted : tags.get(wanted as Tag);
  return { repository: source.repository(at), nameOf };
}

function severalPlaces(own: ReadableRepository, others: readonly Place[]): ReadableRepository {
  const all = [own, ...others.map(({ repository }) => repository)];
  const places: readonly Place[] = [{ repository: own, nameOf: (wanted) => wanted }, ...others];
  return {
    name: own.name,
    resolve: (wanted, options) => first(named(places, wanted), ([place, name]) => place.resolve(name, options)),
    manifest: (wanted, options) => first(named(places, wanted), ([place, name]) => place.manifest(name, options)),
    exists: async (descriptor, options) => {
      for (const place of all) if (await place.exists(descriptor, options)) return true;
      return false;
    },
    fetch: (descriptor, options) => first(all, (place) => place.fetch(descriptor, options)),
    ...(own.tags && { tags: (options) => tagsOf(all, (place) => place.tags?.(options) ?? nothing()) }),
    ...(own.referrers && {
      referrers: (subject, options) => referrersOf(all, async (place) => place.referrers?.(subject, options)),
    }),
  };
}

function named(places: readonly Place[], wanted: Tag | Digest): (readonly [ReadableRepository, Tag | Digest])[] {
  return places.flatMap(({ repository, nameOf }) => {
    const name = nameOf(wanted);
    return name === undefined ? [] : [[repository, name] as const];
  });
}

/** What the first place says that has it; where none has, what the own one said. */
async function first<P, T>(places: readonly P[], ask: (place: P) => Promise<T>): Promise<T> {
  let refusal: unknown;
  for (const place of places) {
    try {
      return await ask(place);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

/** All tags of the own place, and those of signatures elsewhere. */
async function* tagsOf(
  places: readonly ReadableRepository[],
  read: (place: ReadableRepository) => AsyncIterable<Tag>,
): AsyncGenerator<Tag> {
  const seen = new Set<Tag>();
  let refusal: unknown;
  for (const [index, place] of places.entries()) {
    try {
      for await (const tag of read(place)) {
        if (seen.has(tag) || (index > 0 && !isSignature(tag))) continue;
        seen.add(tag);
        yield tag;
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
      refusal ??= error;
    }
  }
  if (seen.size === 0 && refusal !== undefined) throw refusal;
}

async function referrersOf(
  places: readonly ReadableRepository[],
  ask: (place: ReadableRepository) => Promise<readonly Descriptor[] | undefined>,
): Promise<readonly Descriptor[] | undefined> {
  const answers: (readonly Descriptor[])[] = [];
  for (const place of places) {
    const answer = await ask(place).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
    if (answer !== undefined) answers.push(answer);
  }
  if (answers.length === 0) return undefined;
  return [...new Map(answers.flat().map((referrer) => [referrer.digest, referrer])).values()];
}

async function* nothing(): AsyncGenerator<never> {}

function isSignature(name: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64}/.test(name);
}

function isNotFound(error: unknown): boolean {
  return isAirgapError(error) && error.code === 'ERR_NOT_FOUND';
}
