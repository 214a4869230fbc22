/**
 * Signatures, attestations and other referrers of an image: looked for under tags and by the referrers API, because a node
 * accepts either (Talos v1.13, internal/pkg/containers/image/verify asks the API, then the referrers tag, then `.sig`).
 * What cannot be asked is said; it never fails the image.
 */
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import type { ManifestReader } from './manifests.ts';
import { ReferrersApi } from './referrers.ts';
import { RepositoryTags } from './repository-tags.ts';
import { type SignatureFinding, SignatureSearch } from './signature-search.ts';

export interface SignatureFinderOptions {
  readonly source: Source;
  readonly reader: ManifestReader;
  readonly signal?: AbortSignal | undefined;
  /** Tags of a repository that are listed. Default 100 000. */
  readonly tagLimit?: number | undefined;
}

/** Looks for signatures through one run: what images of a repository share is asked once. */
export class SignatureFinder {
  readonly #options: SignatureFinderOptions;
  readonly #tags: RepositoryTags;
  readonly #api: ReferrersApi;

  constructor(options: SignatureFinderOptions) {
    this.#options = options;
    this.#tags = new RepositoryTags({ source: options.source, signal: options.signal, limit: options.tagLimit });
    this.#api = new ReferrersApi(options);
  }

  /** Starts listing the repository's tags, which may go on beside the first manifest. */
  prepare(repository: RepositoryName): void {
    void this.#tags.of(repository);
  }

  /** What belongs to these digests, the image's root first, and to what was found for them. Throws only ERR_INTERRUPTED. */
  async find(repository: RepositoryName, digests: readonly Digest[]): Promise<SignatureFinding> {
    const search = new SignatureSearch(repository, { ...this.#options, tags: this.#tags, api: this.#api });
    await Promise.all([search.byTags(digests), search.byApi(digests)]);
    const found = search.signable();
    await Promise.all([search.byTags(found), search.byApi(found)]);
    return search.finding();
  }
}
