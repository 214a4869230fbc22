/** The content of an image as a node fetches it: every manifest by its digest, every blob; each from the first step again. */
import { blobUrlAt, manifestUrlAt } from '../../node/node-pull.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts';
import { childrenOf, contentNamedBy, documentOf, isForeign, type ManifestDocument } from '../../oci/manifest.ts';
import { acceptedManifests, isImageConfigType, isManifestType } from '../../oci/media-type.ts';
import { isUnknownPlatform, type Platform, platformInConfigBytes, platformMatches } from '../../oci/platform.ts';
import type { Question } from './asker.ts';
import { differing, type Found, failed, joined, labelOf, nothing, type Pulling, unusable } from './found.ts';
import type { LookedFor } from './verdict.ts';

/** Manifests of one image that are followed, and how deep indexes may lie in each other. */
const mostManifests = 4096;
const deepest = 8;
/** Bytes of all its manifests, and blobs. */
const mostManifestBytes = 128 * 1024 * 1024;
const mostBlobs = 8000;
/** Largest config that is read for its platform, in bytes. */
const largestConfig = 4 * 1024 * 1024;

/** Fetches each manifest once; throws only when interrupted. */
export class ContentCheck {
  readonly #pulling: Pulling;
  readonly #met = new Set<Digest>();
  #bytes = 0;
  #blobs = 0;

  constructor(pulling: Pulling) {
    this.#pulling = pulling;
  }

  /** A manifest and everything below it that is wanted. */
  async content(descriptor: Descriptor, depth = 0): Promise<Found> {
    if (this.#met.has(descriptor.digest)) return nothing;
    if (this.#met.size >= mostManifests || depth > deepest) return tooMany(descriptor);
    this.#met.add(descriptor.digest);
    const { found, document } = await this.document(descriptor, depth === 0 ? 'manifest' : 'child');
    if (document === undefined) return found;
    const { manifests, blobs } = contentNamedBy(document.manifest);
    const wanted = blobs.filter((blob) => !isForeign(blob) && !this.#isOmitted(blob));
    this.#blobs += wanted.length;
    if (this.#bytes > mostManifestBytes || this.#blobs > mostBlobs) return tooMany(descriptor);
    const parts = await Promise.all([
      ...manifests.filter((child) => this.#isWanted(child)).map((child) => this.content(child, depth + 1)),
      ...wanted.map((blob) => this.#part(blob, descriptor.platform)),
    ]);
    const own = descriptor.platform === undefined ? [] : [descriptor.platform];
    const offered = childrenOf(document.manifest).flatMap(({ platform }) => platform ?? []);
    return joined([{ ...found, platforms: own, offered: offered.filter((one) => !isUnknownPlatform(one)) }, ...parts]);
  }

  /** The manifest with this digest, read, hashed and parsed. */
  async document(
    descriptor: Descriptor,
    purpose: LookedFor,
  ): Promise<{ readonly found: Found; readonly document?: ManifestDocument }> {
    const { digest, mediaType } = descriptor;
    const { pull, asker } = this.#pulling;
    const looked = await asker.look(
      pull,
      {
        method: 'GET',
        url: (step) => manifestUrlAt(step, pull.image.repository, digest),
        accept: isManifestType(mediaType) ? `${mediaType}, */*` : [...acceptedManifests, '*/*'].join(', '),
        action: `fetch manifest "${digest}"`,
        body: 'keep',
      },
      { purpose, what: labelOf(descriptor) },
    );
    if (looked.outcome.kind !== 'answered') return { found: failed(looked, this.#pulling) };
    const found = { ...nothing, trails: [looked.trail] };
    const { bytes = new Uint8Array(), asked } = looked.outcome.reply;
    this.#bytes += bytes.length;
    const actual = digestOf(bytes, algorithmOf(digest));
    if (actual !== digest) {
      const failure = differing(looked, `its bytes have digest ${actual}`, this.#pulling);
      return { found: { ...found, failures: [failure] } };
    }
    try {
      return { found, document: documentOf(bytes, asked.mediaType, { algorithm: algorithmOf(digest) }) };
    } catch (thrown) {
      const state = thrown instanceof Error ? thrown.message : String(thrown);
      return { found: { ...found, failures: [unusable(looked, state)] } };
    }
  }

  /** A blob by its size, or with `deep` by its bytes. */
  async blob(blob: Descriptor): Promise<Found> {
    const isDeep = this.#pulling.expected.deep;
    return (
      await this.#read(
        blob,
        isDeep ? { method: 'GET', body: { hash: blob.digest, size: blob.size } } : { method: 'HEAD' },
      )
    ).found;
  }

  /** A config is read whole: it may be the only place that tells the platform. */
  async #part(blob: Descriptor, told: Platform | undefined): Promise<Found> {
    if (!isImageConfigType(blob.mediaType) || blob.size > largestConfig) return await this.blob(blob);
    const { found, bytes } = await this.#read(blob, { method: 'GET', body: 'keep' });
    const platform = told !== undefined || bytes === undefined ? undefined : platformInConfigBytes(bytes);
    return platform === undefined ? found : { ...found, platforms: [platform], offered: [platform] };
  }

  async #read(
    blob: Descriptor,
    how: Pick<Question, 'method' | 'body'>,
  ): Promise<{ readonly found: Found; readonly bytes?: Uint8Array }> {
    const { digest } = blob;
    const { pull, asker } = this.#pulling;
    const looked = await asker.look(
      pull,
      {
        ...how,
        url: (step) => blobUrlAt(step, pull.image.repository, digest),
        accept: `${blob.mediaType}, */*`,
        action: `fetch blob "${digest}"`,
      },
      { purpose: isImageConfigType(blob.mediaType) ? 'config' : 'blob', what: digest },
    );
    if (looked.outcome.kind !== 'answered') return { found: failed(looked, this.#pulling) };
    const { asked, bytes, read } = looked.outcome.reply;
    const size = bytes?.length ?? read?.size ?? asked.size;
    const actual = bytes === undefined ? read?.digest : digestOf(bytes, algorithmOf(digest));
    const found = { ...nothing, trails: [looked.trail], blobs: [blob] };
    const state = stateOf(blob, { size, actual, isCut: read !== undefined });
    if (state === undefined) return { found, ...(bytes !== undefined && { bytes }) };
    return { found: { ...found, failures: [differing(looked, state, this.#pulling)] } };
  }

  /** Attestations are for no platform, so no node fetches them. */
  #isWanted(child: Descriptor): boolean {
    const { platform } = child;
    if (platform !== undefined && isUnknownPlatform(platform)) return false;
    const { platforms } = this.#pulling.expected;
    if (platforms.length === 0) return !this.#isOmitted(child);
    return platform === undefined || platforms.some((wanted) => platformMatches(wanted, platform));
  }

  #isOmitted({ digest }: Descriptor): boolean {
    return this.#pulling.expected.omitted.has(digest);
  }
}

function tooMany(descriptor: Descriptor): Found {
  const answered = 'too many manifests or blobs hang together, or too deep';
  const todo = 'look at the image: no node needs so many';
  return { ...nothing, failures: [{ verdict: 'cannot-pull', what: `child ${labelOf(descriptor)}`, answered, todo }] };
}

/** Why this is not the blob that is wanted. */
function stateOf(
  blob: Descriptor,
  {
    size,
    actual,
    isCut,
  }: { readonly size?: number | undefined; readonly actual?: Digest | undefined; readonly isCut: boolean },
): string | undefined {
  if (isCut && size !== undefined && size > blob.size) return `it goes on after the ${blob.size} bytes it should have`;
  if (size !== undefined && size !== blob.size) return `it has ${size} bytes, and should have ${blob.size}`;
  return actual === undefined || actual === blob.digest ? undefined : `its bytes have digest ${actual}`;
}
