/** Manifests read from the source: each fetched once per run, checked, and kept as the bytes it arrived in. */
import { AirgapError } from '../errors.ts';
import { algorithmOf, type Digest, digestOf, isDigest } from '../oci/digest.ts';
import { documentOf, type ManifestDocument, maxManifestBytes } from '../oci/manifest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ManifestContent, Source } from '../store/store.ts';

/** What is known of a manifest before it is read. A size that is known must be the size that comes. */
export interface WantedManifest {
  readonly digest: Digest;
  readonly size?: number;
}

interface Flight {
  readonly repository: string;
  readonly document: Promise<ManifestDocument>;
}

/**
 * Reads manifests, one request for each tag and each digest, whoever asks and however often. A digest names its bytes, so
 * what one repository answered serves every other; a failure is forgotten, and another repository may still have it.
 */
export class ManifestReader {
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  readonly #known = new Map<Digest, ManifestDocument>();
  readonly #flights = new Map<Digest, Flight>();
  readonly #tagged = new Map<string, Promise<ManifestDocument>>();

  constructor(options: { readonly source: Source; readonly signal?: AbortSignal | undefined }) {
    this.#source = options.source;
    this.#signal = options.signal;
  }

  /** What a tag stands for: one request. Throws what the store's `manifest()` throws, and ERR_PROTOCOL for a document that is no manifest. */
  tagged(repository: RepositoryName, tag: Tag): Promise<ManifestDocument> {
    const key = `${formatRepository(repository)}:${tag}`;
    const under = this.#tagged.get(key);
    if (under !== undefined) return under;
    const asked = this.#ask(repository, tag).catch((error: unknown) => {
      this.#tagged.delete(key);
      throw error;
    });
    this.#tagged.set(key, asked);
    return asked;
  }

  /** The manifest with this digest. Throws like `tagged()`, and ERR_SIZE_MISMATCH when its size is not the one that was said. */
  async addressed(repository: RepositoryName, wanted: WantedManifest): Promise<ManifestDocument> {
    if (wanted.size !== undefined && wanted.size > maxManifestBytes) throw tooLarge(wanted.digest, wanted.size);
    const document = await this.#byDigest(repository, wanted.digest);
    const { size } = document.descriptor;
    if (wanted.size !== undefined && wanted.size !== size) throw otherSize(wanted.digest, [wanted.size, size]);
    return document;
  }

  async #byDigest(repository: RepositoryName, digest: Digest): Promise<ManifestDocument> {
    const asker = formatRepository(repository);
    for (;;) {
      const known = this.#known.get(digest);
      if (known !== undefined) return known;
      const flight = this.#flights.get(digest);
      if (flight === undefined) return this.#start(repository, digest);
      if (flight.repository === asker) return flight.document;
      await flight.document.catch(() => undefined);
    }
  }

  #start(repository: RepositoryName, digest: Digest): Promise<ManifestDocument> {
    const document = this.#ask(repository, digest).finally(() => this.#flights.delete(digest));
    this.#flights.set(digest, { repository: formatRepository(repository), document });
    return document;
  }

  async #ask(repository: RepositoryName, wanted: Tag | Digest): Promise<ManifestDocument> {
    const content = await this.#source.repository(repository).manifest(wanted, { signal: this.#signal });
    checkContent(content);
    const { digest } = content.descriptor;
    if (isDigest(wanted) && wanted !== digest) throw otherDigest(wanted, digest);
    const document = this.#known.get(digest) ?? read(content);
    this.#known.set(digest, document);
    return document;
  }
}

function read({ bytes, descriptor }: ManifestContent): ManifestDocument {
  return documentOf(bytes, descriptor.mediaType, { algorithm: algorithmOf(descriptor.digest) });
}

/** Bytes are believed for their hash alone, whatever a store says of them. */
function checkContent(content: ManifestContent): void {
  const { digest, size } = content.descriptor;
  if (content.bytes.length > maxManifestBytes) throw tooLarge(digest, content.bytes.length);
  if (content.bytes.length !== size) throw otherSize(digest, [size, content.bytes.length]);
  const actual = digestOf(content.bytes, algorithmOf(digest));
  if (actual !== digest) throw otherDigest(digest, actual);
}

function tooLarge(digest: Digest, size: number): AirgapError {
  const state = `${size} bytes are more than a manifest may have (${maxManifestBytes})`;
  return new AirgapError('ERR_SIZE_MISMATCH', `Cannot read manifest "${digest}": ${state}`, { digest });
}

function otherSize(digest: Digest, [said, came]: readonly [number, number]): AirgapError {
  const state = `${said} bytes were promised and it has ${came}`;
  return new AirgapError('ERR_SIZE_MISMATCH', `Cannot read manifest "${digest}": ${state}`, { digest });
}

function otherDigest(wanted: string, actual: Digest): AirgapError {
  const message = `Cannot read manifest "${wanted}": what came has digest ${actual}`;
  return new AirgapError('ERR_DIGEST_MISMATCH', message, { digest: wanted });
}
