/**
 * What the target already has of a plan, asked with HEAD requests only. A survey never writes.
 * A parent that is present proves nothing about its children, so every manifest and blob is asked for by itself.
 */
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ResolvedImage } from '../resolve/resolved.ts';
import type { Target } from '../store/store.ts';

/** One answer of the target. */
export interface SurveyAnswers {
  /** Keys (`contentKey`) of manifests and blobs that are there. */
  readonly present: ReadonlySet<string>;
  /** Tags (`tagKey`) that are there, and what they stand for. */
  readonly tags: ReadonlyMap<string, Digest>;
  /** Another repository of the target that has a blob which none of the plan's repositories has. Default: none was asked. */
  readonly elsewhere?: ReadonlyMap<Digest, RepositoryName>;
}

export function contentKey(repository: RepositoryName, digest: Digest): string {
  return `${formatRepository(repository)}@${digest}`;
}

export function tagKey(repository: RepositoryName, tag: Tag): string {
  return `${formatRepository(repository)}:${tag}`;
}

export interface SurveyorOptions {
  readonly target: Target;
  /** Other repositories of the target that may have a blob: asked one after the other when no repository of the plan has it. Default: none. */
  readonly base?: ReadonlyMap<Digest, readonly RepositoryName[]> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the target about images as they become known, each question once. The transport limits how many are under way. */
export class Surveyor {
  readonly #target: Target;
  readonly #signal: AbortSignal | undefined;
  readonly #base: ReadonlyMap<Digest, readonly RepositoryName[]>;
  readonly #asked = new Map<string, Promise<void>>();
  /** Blobs that were asked for, and the keys of where. */
  readonly #blobs = new Map<Digest, { readonly descriptor: Descriptor; readonly keys: Set<string> }>();
  readonly #present = new Set<string>();
  readonly #tags = new Map<string, Digest>();

  constructor(options: SurveyorOptions) {
    this.#target = options.target;
    this.#signal = options.signal;
    this.#base = options.base ?? new Map();
  }

  /**
   * Starts asking about an image and returns at once; errors surface in `finish()`. A manifest that carries a tag is there when the
   * tag stands for it, and is written with its tag otherwise, so it is not asked for by itself.
   */
  ask(image: ResolvedImage): void {
    const tagged = new Set<Digest>();
    for (const { tag, digest } of image.tags) {
      tagged.add(digest);
      this.#once(tagKey(image.target, tag), () => this.#askTag(image.target, tag));
    }
    for (const { descriptor } of image.manifests) {
      if (!tagged.has(descriptor.digest)) this.#askContent(image.target, descriptor);
    }
    for (const blob of image.blobs) {
      const known = this.#blobs.get(blob.digest) ?? { descriptor: blob, keys: new Set<string>() };
      this.#blobs.set(blob.digest, known);
      known.keys.add(contentKey(image.target, blob.digest));
      this.#askContent(image.target, blob);
    }
  }

  /** Waits for every answer, and looks elsewhere for what is nowhere. Throws the first error of the target. */
  async finish(): Promise<SurveyAnswers> {
    await Promise.all(this.#asked.values());
    const elsewhere = new Map<Digest, RepositoryName>();
    const look = async ({ descriptor, keys }: { descriptor: Descriptor; keys: ReadonlySet<string> }): Promise<void> => {
      if ([...keys].some((key) => this.#present.has(key))) return;
      const found = await this.#findElsewhere(descriptor);
      if (found !== undefined) elsewhere.set(descriptor.digest, found);
    };
    await Promise.all([...this.#blobs.values()].map(look));
    return { present: this.#present, tags: this.#tags, elsewhere };
  }

  async #findElsewhere(descriptor: Descriptor): Promise<RepositoryName | undefined> {
    const asked = new Set<string>();
    for (const repository of this.#base.get(descriptor.digest) ?? []) {
      const key = contentKey(repository, descriptor.digest);
      if (asked.has(key) || this.#asked.has(key)) continue;
      asked.add(key);
      const there = this.#target.repository(repository).exists(descriptor, { signal: this.#signal });
      if (await there.catch(absentWhereHidden)) return repository;
    }
    return undefined;
  }

  #once(key: string, question: () => Promise<void>): void {
    if (this.#asked.has(key)) return;
    const answer = question();
    answer.catch(() => {});
    this.#asked.set(key, answer);
  }

  #askContent(repository: RepositoryName, descriptor: Descriptor): void {
    const key = contentKey(repository, descriptor.digest);
    this.#once(key, async () => {
      const there = await this.#target.repository(repository).exists(descriptor, { signal: this.#signal });
      if (there) this.#present.add(key);
    });
  }

  async #askTag(repository: RepositoryName, tag: Tag): Promise<void> {
    const descriptor = await resolvedOrNothing(this.#target, { repository, tag, signal: this.#signal });
    if (descriptor === undefined) return;
    this.#tags.set(tagKey(repository, tag), descriptor.digest);
    this.#present.add(contentKey(repository, descriptor.digest));
  }
}

/** A repository that was only guessed may be one that is not shown to us. */
function absentWhereHidden(error: unknown): boolean {
  if (isAirgapError(error) && ['ERR_NOT_FOUND', 'ERR_DENIED', 'ERR_UNAUTHORIZED'].includes(error.code)) return false;
  throw error;
}

async function resolvedOrNothing(
  target: Target,
  wanted: { readonly repository: RepositoryName; readonly tag: Tag; readonly signal: AbortSignal | undefined },
): Promise<Descriptor | undefined> {
  try {
    return await target.repository(wanted.repository).resolve(wanted.tag, { signal: wanted.signal });
  } catch (error) {
    if (isAirgapError(error) && error.code === 'ERR_NOT_FOUND') return undefined;
    throw error;
  }
}
