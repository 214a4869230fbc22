/** One image's signatures: what its repository has under tags and by the referrers API, and what could not be asked. */
import { AirgapError, toAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf, type ImageIndex, type ImageManifest, type ManifestDocument } from '../oci/manifest.ts';
import { isManifestType } from '../oci/media-type.ts';
import { quoteText } from '../oci/quote.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';
import type { ManifestReader } from './manifests.ts';
import type { ReferrersApi } from './referrers.ts';
import { type RepositoryTags, signatureTags } from './repository-tags.ts';
import type { Referrer, SignatureSearch as SearchResult, TagAssignment } from './resolved.ts';
import { walk, walkLimits } from './walk.ts';

/** Questions to the referrers API for one image. */
const apiRequests = 64;
/** Referrers of one digest that are taken. */
const referrersPerDigest = 1000;

export interface SignatureFinding {
  readonly search: SearchResult;
  /** What a manifest names comes before it. */
  readonly documents: readonly ManifestDocument[];
  readonly others: readonly Descriptor[];
  readonly tags: readonly TagAssignment[];
  readonly referrers: readonly Referrer[];
  /** What could not be asked or read, one line each; may be there although some were found. */
  readonly problems: readonly string[];
}

export interface SignatureSearchOptions {
  readonly source: Source;
  readonly reader: ManifestReader;
  readonly signal?: AbortSignal | undefined;
  readonly tags: RepositoryTags;
  readonly api: ReferrersApi;
}

/** One image's search. What it finds is the same whatever order answers come in. */
export class SignatureSearch {
  readonly #repository: RepositoryName;
  readonly #options: SignatureSearchOptions;
  readonly #documents = new Map<Digest, ManifestDocument>();
  readonly #others = new Map<Digest, Descriptor>();
  readonly #assigned = new Map<Tag, Digest>();
  readonly #referrers = new Map<string, Referrer>();
  readonly #problems = new Set<string>();
  #requestsLeft = apiRequests;
  /** Bytes of manifests that may still be asked for: many may hang on one image, and anyone may hang them there. */
  #bytesLeft = walkLimits.bytes;
  #probed = false;

  constructor(repository: RepositoryName, options: SignatureSearchOptions) {
    this.#repository = repository;
    this.#options = options;
  }

  async byTags(digests: readonly Digest[]): Promise<void> {
    const listing = await this.#options.tags.of(this.#repository);
    if (!listing.listed) return this.#probe(digests, listing.reason);
    const present = digests.flatMap((digest) => signatureTags(digest)).filter((tag) => listing.tags.has(tag));
    await Promise.all(present.map((tag) => this.#takeTag(tag)));
  }

  /** Without a list, the root's own tags are asked for one by one. */
  async #probe(digests: readonly Digest[], reason: string): Promise<void> {
    const [root, ...rest] = digests;
    if (root === undefined || this.#probed) return;
    this.#probed = true;
    if (rest.length > 0)
      this.#problem(`only tags of the image itself were looked for, as tags cannot be listed: ${reason}`);
    const repository = this.#options.source.repository(this.#repository);
    const ask = async (tag: Tag): Promise<void> => {
      const work = () => repository.resolve(tag, { signal: this.#options.signal });
      if ((await this.#tolerant(work, { what: `tag "${tag}"` })) !== undefined) await this.#takeTag(tag);
    };
    await Promise.all(signatureTags(root).map(ask));
  }

  async byApi(digests: readonly Digest[]): Promise<void> {
    const asked = digests.slice(0, this.#requestsLeft);
    this.#requestsLeft -= asked.length;
    const [first, ...rest] = asked;
    if (first === undefined || !(await this.#askApi(first))) return;
    if (asked.length < digests.length) this.#problem(`referrers of only ${apiRequests} manifests were asked for`);
    await Promise.all(rest.map((digest) => this.#askApi(digest)));
  }

  /** False when the repository has no referrers API, or fails at it. */
  async #askApi(subject: Digest): Promise<boolean> {
    const what = `referrers of "${subject}"`;
    const answer = await this.#tolerant(() => this.#options.api.of(this.#repository, subject), { what });
    if (answer === undefined) return false;
    if (answer.length > referrersPerDigest) this.#problem(`${what}: there are ${answer.length}, more than are taken`);
    await Promise.all(answer.slice(0, referrersPerDigest).map((descriptor) => this.#takeReferrer(subject, descriptor)));
    return true;
  }

  async #takeReferrer(subject: Digest, descriptor: Descriptor): Promise<void> {
    const what = `referrer "${descriptor.digest}"`;
    if (!isManifestType(descriptor.mediaType)) {
      this.#problem(`${what} has media type ${quoteText(descriptor.mediaType)}, which is not known`);
      return;
    }
    const read = async (): Promise<Referrer> => {
      await this.#take(await this.#read(descriptor));
      return { subject, descriptor };
    };
    const taken = await this.#tolerant(read, { what, missing: 'is listed but cannot be found' });
    if (taken !== undefined) this.#referrers.set(`${subject} ${descriptor.digest}`, taken);
  }

  async #takeTag(tag: Tag): Promise<void> {
    const what = `tag "${tag}"`;
    const root = await this.#tolerant(() => this.#options.reader.tagged(this.#repository, tag), { what });
    if (root === undefined) return;
    const take = async (): Promise<Digest> => {
      await this.#take(root);
      return root.descriptor.digest;
    };
    const taken = await this.#tolerant(take, { what, missing: 'names manifests that cannot be found' });
    if (taken !== undefined) this.#assigned.set(tag, taken);
  }

  async #take(root: ManifestDocument): Promise<void> {
    const walked = await walk(root, { read: (child) => this.#read(child) });
    for (const document of walked.documents) this.#documents.set(document.descriptor.digest, document);
    for (const other of walked.others) this.#others.set(other.digest, other);
  }

  async #read(wanted: Descriptor): Promise<ManifestDocument> {
    if (wanted.size > this.#bytesLeft) {
      const message = `Cannot read manifest "${wanted.digest}": what belongs to the image exceeds ${walkLimits.bytes} bytes`;
      throw new AirgapError('ERR_PROTOCOL', message, { digest: wanted.digest });
    }
    this.#bytesLeft -= wanted.size;
    return this.#options.reader.addressed(this.#repository, wanted);
  }

  /** Undefined when it is not there, or could not be read, which becomes a problem. An interruption goes through. */
  async #tolerant<T>(
    work: () => Promise<T>,
    { what, missing }: { readonly what: string; readonly missing?: string },
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (thrown) {
      const error = toAirgapError(thrown, 'ERR_PROTOCOL', `Cannot read ${what}`);
      if (error.code === 'ERR_INTERRUPTED' || this.#options.signal?.aborted === true) throw error;
      if (error.code !== 'ERR_NOT_FOUND') this.#problem(`${what}: ${error.message}`);
      else if (missing !== undefined) this.#problem(`${what} ${missing}`);
      return undefined;
    }
  }

  #problem(text: string): void {
    this.#problems.add(text);
  }

  /** What was found and may itself be signed, as an SBOM is; a signature is not. */
  signable(): Digest[] {
    return [...this.#documents.values()]
      .filter((document) => document.manifest.kind === 'image' && !isSignature(document.manifest))
      .map((document) => document.descriptor.digest)
      .sort();
  }

  finding(): SignatureFinding {
    return {
      search: this.#outcome(),
      documents: this.#ordered(),
      others: [...this.#others.values()].sort(byDigest),
      tags: [...this.#assigned]
        .map(([tag, digest]) => ({ tag, digest, role: 'signature' as const }))
        .sort((a, b) => (a.tag < b.tag ? -1 : 1)),
      referrers: [...this.#referrers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, referrer]) => referrer),
      problems: [...this.#problems].sort(),
    };
  }

  #outcome(): SearchResult {
    const count = new Set([
      ...this.#assigned.values(),
      ...[...this.#referrers.values()].map((r) => r.descriptor.digest),
    ]).size;
    if (count > 0) return { status: 'found', count };
    if (this.#problems.size === 0) return { status: 'none' };
    return { status: 'failed', reason: [...this.#problems].sort().join('; ') };
  }

  /** By digest, whatever order answers came in, but what an index lists or a manifest has as its subject before it. */
  #ordered(): ManifestDocument[] {
    const order = new Map<Digest, ManifestDocument>();
    const begun = new Set<Digest>();
    const place = (document: ManifestDocument): void => {
      if (begun.has(document.descriptor.digest)) return;
      begun.add(document.descriptor.digest);
      for (const { digest } of namedBy(document.manifest)) {
        const named = this.#documents.get(digest);
        if (named !== undefined) place(named);
      }
      order.set(document.descriptor.digest, document);
    };
    for (const document of [...this.#documents.values()].sort((a, b) => byDigest(a.descriptor, b.descriptor)))
      place(document);
    return [...order.values()];
  }
}

/** Media types of signatures: cosign's bundle and its older layers, and Notary's. */
const signatureTypes =
  /^application\/vnd\.(?:dev\.sigstore\.bundle|dev\.cosign\.simplesigning|cncf\.notary\.signature)/;

function isSignature(manifest: ImageManifest): boolean {
  const types = [manifest.artifactType ?? '', manifest.config.mediaType, manifest.layers[0]?.mediaType ?? ''];
  return types.some((type) => signatureTypes.test(type));
}

function namedBy(manifest: ImageManifest | ImageIndex): readonly Descriptor[] {
  return manifest.subject === undefined ? childrenOf(manifest) : [manifest.subject, ...childrenOf(manifest)];
}

function byDigest(a: Descriptor, b: Descriptor): number {
  return a.digest < b.digest ? -1 : 1;
}
