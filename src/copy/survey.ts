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
}

export function contentKey(repository: RepositoryName, digest: Digest): string {
  return `${formatRepository(repository)}@${digest}`;
}

export function tagKey(repository: RepositoryName, tag: Tag): string {
  return `${formatRepository(repository)}:${tag}`;
}

export interface SurveyorOptions {
  readonly target: Target;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the target about images as they become known, each question once. The transport limits how many are under way. */
export class Surveyor {
  readonly #target: Target;
  readonly #signal: AbortSignal | undefined;
  readonly #asked = new Map<string, Promise<void>>();
  readonly #present = new Set<string>();
  readonly #tags = new Map<string, Digest>();

  constructor(options: SurveyorOptions) {
    this.#target = options.target;
    this.#signal = options.signal;
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
    for (const blob of image.blobs) this.#askContent(image.target, blob);
  }

  /** Waits for every answer. Throws the first error of the target. */
  async finish(): Promise<SurveyAnswers> {
    await Promise.all(this.#asked.values());
    return { present: this.#present, tags: this.#tags };
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
