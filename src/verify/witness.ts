/** What the target answers when it is asked, each question once per run. Knows nothing of who copied what. */
import { type Limit, limitTo } from '../async/limit.ts';
import { toAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { algorithmOf, type Digest, digestFrom, digestOf, hasherFor, isDigest } from '../oci/digest.ts';
import { documentOf, type ManifestDocument } from '../oci/manifest.ts';
import { formatRepository, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { Source } from '../store/store.ts';

/** Why something does not stand. `message` is a state: "it is not there". */
export interface Fault {
  readonly fault: 'missing' | 'size-differs' | 'content-differs' | 'unreachable';
  readonly message: string;
  /** What helps, where the target could not be asked. */
  readonly hint?: string | undefined;
}

export interface WitnessOptions {
  readonly target: Source;
  /** Read and hash every blob. Default false: ask for its size. */
  readonly deep?: boolean;
  /** Questions under way at once. Default 16. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
}

/** How often a blob is read again after its stream broke or ended early. */
const readAgain = 2;

export class Witness {
  readonly #options: WitnessOptions;
  readonly #slots: Limit;
  readonly #tags = new Map<string, Promise<Digest | Fault>>();
  readonly #manifests = new Map<string, Promise<ManifestDocument | Fault>>();
  readonly #blobs = new Map<string, Promise<Descriptor | Fault>>();

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#slots = limitTo(options.concurrency ?? 16);
  }

  get deep(): boolean {
    return this.#options.deep ?? false;
  }

  /**
   * What a tag stands for, by the bytes behind it, which answer the question for that manifest as well. Throws only when
   * interrupted, as all questions here.
   */
  tag(repository: RepositoryName, tag: Tag): Promise<Digest | Fault> {
    const name = formatRepository(repository);
    return this.#once(this.#tags, `${name}:${tag}`, async () => {
      const { descriptor, bytes } = await this.#options.target.repository(repository).manifest(tag, this.#call());
      const digest = digestOf(bytes, algorithmOf(descriptor.digest));
      const key = `${name}@${digest}`;
      const document = parsed(bytes, { mediaType: descriptor.mediaType, digest });
      if (!this.#manifests.has(key)) this.#manifests.set(key, Promise.resolve(document));
      return digest;
    });
  }

  /** The manifest with this digest: read, hashed and parsed. */
  manifest(repository: RepositoryName, digest: Digest): Promise<ManifestDocument | Fault> {
    return this.#once(this.#manifests, `${formatRepository(repository)}@${digest}`, async () => {
      const content = await this.#options.target.repository(repository).manifest(digest, this.#call());
      const actual = digestOf(content.bytes, algorithmOf(digest));
      if (actual !== digest) return differs(actual);
      return parsed(content.bytes, { mediaType: content.descriptor.mediaType, digest });
    });
  }

  /** Whether a blob is there with the size that is said; with `deep` whether its bytes are the right ones. */
  blob(repository: RepositoryName, blob: Descriptor): Promise<Descriptor | Fault> {
    return this.#once(this.#blobs, `${formatRepository(repository)}@${blob.digest} ${blob.size}`, async () => {
      if (this.deep) return (await this.#read(repository, blob)) ?? blob;
      const there = await this.#options.target.repository(repository).exists(blob, this.#call());
      return there ? blob : this.#whyNot(repository, blob);
    });
  }

  /** Digests that manifests of this repository were asked by, children included. */
  manifestsAsked(repository: RepositoryName): Digest[] {
    const start = `${formatRepository(repository)}@`;
    return [...this.#manifests.keys()]
      .flatMap((key) => (key.startsWith(start) ? key.slice(start.length) : []))
      .filter(isDigest);
  }

  /** What stands, each repository's content counted once. */
  async counts(): Promise<{ manifests: number; blobs: number; bytes: number }> {
    const manifests = (await Promise.all(this.#manifests.values())).filter((answer) => !isFault(answer));
    const blobs = (await Promise.all(this.#blobs.values())).flatMap((answer) => (isFault(answer) ? [] : [answer.size]));
    return { manifests: manifests.length, blobs: blobs.length, bytes: blobs.reduce((sum, size) => sum + size, 0) };
  }

  /** A blob that is not as it should be: absent, or of another size. */
  async #whyNot(repository: RepositoryName, blob: Descriptor): Promise<Fault> {
    for await (const _ of await this.#options.target.repository(repository).fetch(blob, this.#call())) break;
    return { fault: 'size-differs', message: `it does not have the ${blob.size} bytes it should have` };
  }

  async #read(repository: RepositoryName, blob: Descriptor): Promise<Fault | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const fault = await this.#hash(repository, blob);
        if (fault?.fault !== 'size-differs' || attempt >= readAgain) return fault;
      } catch (thrown) {
        const error = toAirgapError(thrown, 'ERR_UNREACHABLE', 'Cannot read');
        const broken = error.retryable || error.code === 'ERR_UNREACHABLE' || error.code === 'ERR_TIMEOUT';
        if (!broken || attempt >= readAgain || this.#options.signal?.aborted === true) throw error;
      }
    }
  }

  async #hash(repository: RepositoryName, blob: Descriptor): Promise<Fault | undefined> {
    const hash = hasherFor(blob.digest);
    let size = 0;
    for await (const chunk of await this.#options.target.repository(repository).fetch(blob, this.#call())) {
      hash.update(chunk);
      size += chunk.length;
      if (size > blob.size) break;
    }
    if (size !== blob.size) {
      const came = size > blob.size ? 'more' : `${size}`;
      return { fault: 'size-differs', message: `it has ${came} bytes, and should have ${blob.size}` };
    }
    const actual = digestFrom(hash, algorithmOf(blob.digest));
    return actual === blob.digest ? undefined : differs(actual);
  }

  #call(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#options.signal };
  }

  #once<T>(answers: Map<string, Promise<T | Fault>>, key: string, ask: () => Promise<T | Fault>): Promise<T | Fault> {
    const under = answers.get(key);
    if (under !== undefined) return under;
    const answer = this.#slots(async () => {
      this.#goOn();
      try {
        return await ask();
      } catch (thrown) {
        this.#goOn();
        return faultOf(thrown);
      }
    });
    answers.set(key, answer);
    return answer;
  }

  #goOn(): void {
    const { signal } = this.#options;
    if (signal?.aborted === true) throw toAirgapError(signal.reason, 'ERR_INTERRUPTED', 'Cannot go on verifying');
  }
}

export function isFault(answer: object | string): answer is Fault {
  return typeof answer === 'object' && 'fault' in answer;
}

function parsed(
  bytes: Uint8Array,
  of: { readonly mediaType: string; readonly digest: Digest },
): ManifestDocument | Fault {
  try {
    return documentOf(bytes, of.mediaType, { algorithm: algorithmOf(of.digest) });
  } catch (thrown) {
    return { fault: 'content-differs', message: toAirgapError(thrown, 'ERR_PROTOCOL', 'Cannot read manifest').message };
  }
}

function differs(actual: Digest): Fault {
  return { fault: 'content-differs', message: `its bytes have digest ${actual}` };
}

function faultOf(thrown: unknown): Fault {
  const error = toAirgapError(thrown, 'ERR_UNREACHABLE', 'Cannot read');
  if (error.code === 'ERR_INTERRUPTED') throw error;
  if (error.code === 'ERR_NOT_FOUND') return { fault: 'missing', message: 'it is not there' };
  if (error.code === 'ERR_DIGEST_MISMATCH') return { fault: 'content-differs', message: error.message };
  if (error.code === 'ERR_SIZE_MISMATCH') return { fault: 'size-differs', message: error.message };
  return { fault: 'unreachable', message: error.message, hint: error.hint };
}
