/** The referrers API of upstream repositories (OCI distribution-spec v1.1, "Listing Referrers"), asked no more often than it helps. */
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { formatRepository, type RepositoryName } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';

export type ReferrersAnswer = readonly Descriptor[] | undefined;

/** Asks each digest once per run, and a repository without the API once in all. */
export class ReferrersApi {
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  readonly #supported = new Map<string, Promise<boolean>>();
  readonly #answers = new Map<string, Promise<ReferrersAnswer>>();

  constructor(options: { readonly source: Source; readonly signal?: AbortSignal | undefined }) {
    this.#source = options.source;
    this.#signal = options.signal;
  }

  /** Undefined when the repository does not have the API. Throws what the store throws; then the next asker asks again. */
  async of(name: RepositoryName, digest: Digest): Promise<ReferrersAnswer> {
    const key = `${formatRepository(name)}@${digest}`;
    const under = this.#answers.get(key);
    if (under !== undefined) return under;
    const supported = this.#supported.get(formatRepository(name));
    if (supported !== undefined && !(await supported)) return undefined;
    return this.#answers.get(key) ?? this.#ask(name, { key, digest });
  }

  #ask(
    name: RepositoryName,
    { key, digest }: { readonly key: string; readonly digest: Digest },
  ): Promise<ReferrersAnswer> {
    const repository = this.#source.repository(name);
    const answer = Promise.resolve(repository.referrers?.(digest, { signal: this.#signal }));
    this.#answers.set(key, answer);
    answer.catch(() => this.#answers.delete(key));
    const place = formatRepository(name);
    if (!this.#supported.has(place)) this.#learn(place, answer);
    return answer;
  }

  #learn(place: string, answer: Promise<ReferrersAnswer>): void {
    const supported = answer.then(
      (referrers) => referrers !== undefined,
      () => {
        this.#supported.delete(place);
        return true;
      },
    );
    this.#supported.set(place, supported);
  }
}
