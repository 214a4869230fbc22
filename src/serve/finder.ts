/** Finds the repository that has what was asked for: one with the name itself first, else one of another registry with the same path. */
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, isDigest } from '../oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ReadableRepository, Source } from '../store/store.ts';
import type { Names, WireName } from './names.ts';
import { isNotFound, Refusal, refusals } from './refusal.ts';
import { rememberedSizes } from './sizes.ts';

export interface Found<T> {
  readonly repository: ReadableRepository;
  readonly value: T;
}

export interface FoundManifest {
  readonly descriptor: Descriptor;
  /** There when it was asked for whole. */
  readonly bytes?: Uint8Array;
}

/** Gives undefined where a repository does not have it. */
export type Probe<T> = (repository: ReadableRepository) => Promise<T | undefined>;

export class Finder {
  readonly #store: Source;
  readonly #names: Names;
  /** Sizes of blobs as manifests we served claim them, for stores that cannot tell. */
  readonly sizes = rememberedSizes();

  constructor(store: Source, names: Names) {
    this.#store = store;
    this.#names = names;
  }

  /** Every repository of another registry that answers the probe is in the result, one of the name itself alone. */
  async find<T>(wire: WireName, probe: Probe<T>): Promise<Found<T>[]> {
    for (const name of this.#names.exact(wire)) {
      const found = await this.#try(name, probe);
      if (found !== undefined) return [found];
    }
    const all: Found<T>[] = [];
    for (const name of await this.#names.elsewhere(wire)) {
      const found = await this.#try(name, probe);
      if (found !== undefined) all.push(found);
    }
    return all;
  }

  /** A manifest, whole or at least its descriptor. Throws a refusal: unknown, or several registries mean different things by this tag. */
  async manifest(wire: WireName, asked: { reference: Tag | Digest; whole: boolean }): Promise<Found<FoundManifest>> {
    const { reference } = asked;
    const found = await this.find<FoundManifest>(wire, (repository) =>
      orNotFound(
        // What lies in files may be damaged: only its bytes tell.
        asked.whole || repository.contentStamp !== undefined
          ? repository.manifest(reference)
          : repository.resolve(reference).then((descriptor) => ({ descriptor })),
      ),
    );
    const [first] = found;
    if (first === undefined) {
      throw new Refusal(refusals.manifestUnknown, `${quoted(wire.name)} has no ${quoted(reference)}`);
    }
    const digest = first.value.descriptor.digest;
    if (found.some((other) => other.value.descriptor.digest !== digest)) throw ambiguous(wire, found);
    if (first.value.bytes !== undefined && first.repository.blobSize === undefined) this.sizes.learn(first.value.bytes);
    return first;
  }

  /** A blob's size and the repository that has it. Throws a refusal. */
  async blob(wire: WireName, digest: Digest): Promise<Found<number>> {
    const [first] = await this.find(wire, (repository) => this.blobSize(repository, digest));
    if (first === undefined) throw new Refusal(refusals.blobUnknown, `${quoted(wire.name)} has no blob ${digest}`);
    return first;
  }

  /** Bytes of a blob in this repository; undefined when it is not there. */
  async blobSize(repository: ReadableRepository, digest: Digest): Promise<number | undefined> {
    if (repository.blobSize !== undefined) return repository.blobSize(digest);
    const size = this.sizes.get(digest);
    if (size === undefined) return undefined;
    const there = await orNotFound(repository.exists({ mediaType: 'application/octet-stream', digest, size }));
    return there === true ? size : undefined;
  }

  /** Whether the store lists referrers at all. */
  async listsReferrers(name: RepositoryName, subject: Digest): Promise<boolean> {
    return (await this.#store.repository(name).referrers?.(subject)) !== undefined;
  }

  async #try<T>(name: RepositoryName, probe: Probe<T>): Promise<Found<T> | undefined> {
    const repository = this.#store.repository(name);
    const value = await probe(repository);
    return value === undefined ? undefined : { repository, value };
  }
}

/** The digest a query names. Throws a refusal. */
export function digestIn(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Refusal(refusals.digestInvalid, `${quoted(text)} is no sha256 or sha512 digest`);
}

/** The promise's value; undefined when it fails with ERR_NOT_FOUND. */
export async function orNotFound<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export function ambiguous<T>(wire: WireName, found: readonly Found<T>[]): Refusal {
  const names = found.map(({ repository }) => formatRepository(repository.name)).join(', ');
  return new Refusal(
    refusals.nameUnknown,
    `${quoted(wire.name)} can be ${names}: add ?ns=REGISTRY or put the registry before the name`,
  );
}

/** Everything an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 300));
}
