/**
 * Images, once their blobs are in place: manifests children first, then signatures' tags, the image's own tag last, so that a tag
 * never stands on half an image. One writer per repository and digest: registries rewrite link files in place
 * (docker-registry 2.8.2 answers 400 or 500 to two writers at once).
 */
import { KeyedMutex } from '../async/keyed-mutex.ts';
import { type AirgapError, isAirgapError, printOrigin, toAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { blobsOf, childrenOf, isForeign, type ManifestDocument } from '../oci/manifest.ts';
import { printReference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { printAsked } from '../oci/retag.ts';
import type { ResolvedImage, TagAssignment } from '../resolve/resolved.ts';
import type { CopyContext } from './context.ts';
import type { PlacementBoard } from './placements.ts';
import type { ImageReceipt, Outcome } from './receipt.ts';
import { contentKey, type SurveyAnswers, tagKey } from './survey.ts';
import { transfer } from './transfer.ts';
import { UpstreamContent } from './upstream.ts';

/** A target that says content is missing although it said otherwise before is asked again this often. */
const repairs = 2;

export interface ImageCopierOptions {
  readonly context: CopyContext;
  readonly board: PlacementBoard;
  readonly survey: SurveyAnswers;
}

export class ImageCopier {
  readonly #options: ImageCopierOptions;
  readonly #writers = new KeyedMutex<string>();
  readonly #placed = new Set<string>();
  #manifests = 0;

  constructor(options: ImageCopierOptions) {
    this.#options = options;
    for (const key of options.survey.present) this.#placed.add(key);
  }

  /** Manifests written so far. */
  get manifests(): number {
    return this.#manifests;
  }

  /** Never throws: what went wrong is in the receipt. */
  async copy(image: ResolvedImage): Promise<ImageReceipt> {
    const { events } = this.#options.context;
    const name = printAsked(image);
    try {
      const outcomes = await this.#complete(image);
      const untouched = [...outcomes.values()].every((outcome) => outcome === 'present');
      const facts = { image: name, target: printReference(image.target), digest: image.root.digest };
      if (untouched) events({ type: 'image:present', ...facts });
      else events({ type: 'image:done', ...facts, bytes: bytesOf(image) });
      return { status: 'complete', image, outcomes };
    } catch (thrown) {
      const error = failureOf(image, thrown);
      this.#options.context.hopeless.note(error);
      events({ type: 'image:failed', image: name, code: error.code, message: error.message, ...hintOf(error) });
      return { status: 'failed', image, error };
    }
  }

  async #complete(image: ResolvedImage): Promise<ReadonlyMap<Digest, Outcome>> {
    const outcomes = new Map<Digest, Outcome>();
    const waits = image.blobs.map(
      async ({ digest }) => [digest, await this.#options.board.outcome(image.target, digest)] as const,
    );
    for (const [digest, outcome] of await Promise.all(waits)) outcomes.set(digest, outcome);
    this.#options.context.hopeless.check();
    const tagged = new Set(image.tags.map(({ digest }) => digest));
    for (const document of image.manifests) {
      const { digest } = document.descriptor;
      const isThere = this.#placed.has(contentKey(image.target, digest));
      if (!tagged.has(digest)) await this.#place(image, { document });
      outcomes.set(digest, isThere ? 'present' : 'copied');
    }
    for (const assignment of tagsInOrder(image.tags)) {
      const isThere = this.#options.survey.tags.get(tagKey(image.target, assignment.tag)) === assignment.digest;
      if (!isThere) outcomes.set(assignment.digest, 'copied');
      await this.#tag(image, assignment);
    }
    return outcomes;
  }

  async #tag(image: ResolvedImage, { tag, digest }: TagAssignment): Promise<void> {
    const document = image.manifests.find(({ descriptor }) => descriptor.digest === digest);
    if (document === undefined) throw new Error(`tag ${tag} names a manifest that was not resolved`);
    const key = tagKey(image.target, tag);
    const stands = this.#options.survey.tags.get(key) === digest && this.#placed.has(contentKey(image.target, digest));
    if (!stands) await this.#place(image, { document, tag });
  }

  /** Writes one manifest, by digest or by tag, unless it stands already. */
  async #place(image: ResolvedImage, what: { readonly document: ManifestDocument; readonly tag?: Tag }): Promise<void> {
    const { document, tag } = what;
    const key = contentKey(image.target, document.descriptor.digest);
    const doneKey = tag === undefined ? key : `${key}#${tag}`;
    const write = async () => {
      if (this.#placed.has(doneKey)) return;
      await this.#put(image, what);
      this.#manifests += 1;
      this.#placed.add(key);
      this.#placed.add(doneKey);
    };
    await this.#writers.run(key, { work: write, signal: this.#options.context.signal });
  }

  async #put(
    image: ResolvedImage,
    { document, tag }: { readonly document: ManifestDocument; readonly tag?: Tag },
  ): Promise<void> {
    const { context } = this.#options;
    const repository = context.target.repository(image.target);
    for (let repaired = 0; ; repaired += 1) {
      try {
        await repository.pushManifest(document.descriptor, document.bytes, { tag, signal: context.signal });
        return;
      } catch (error) {
        if (!saysMissing(error) || repaired >= repairs) throw error;
        await this.#repair(image, document);
      }
    }
  }

  /** Asks the target again for everything a manifest names, and brings what is gone. */
  async #repair(image: ResolvedImage, document: ManifestDocument): Promise<void> {
    const { context } = this.#options;
    const repository = context.target.repository(image.target);
    for (const blob of blobsOf(document.manifest)) {
      if (isForeign(blob) && !image.blobs.some(({ digest }) => digest === blob.digest)) continue;
      if (!(await repository.exists(blob, { signal: context.signal }))) await this.#bringAgain(blob, image);
    }
    for (const child of childrenOf(document.manifest)) {
      const known = image.manifests.find(({ descriptor }) => descriptor.digest === child.digest);
      if (known === undefined) continue;
      const work = () => this.#put(image, { document: known });
      await this.#writers.run(contentKey(image.target, child.digest), { work, signal: context.signal });
    }
  }

  async #bringAgain(descriptor: Descriptor, image: ResolvedImage): Promise<void> {
    const { context } = this.#options;
    const name = printAsked(image);
    const from: RepositoryName[] = [{ registry: image.reference.registry, repository: image.reference.repository }];
    const content = new UpstreamContent({ descriptor, from, image: name }, context);
    await transfer({ descriptor, content, to: image.target, image: name }, context);
  }
}

/** The image's own tags last. */
function tagsInOrder(tags: readonly TagAssignment[]): TagAssignment[] {
  return [...tags.filter(({ role }) => role === 'signature'), ...tags.filter(({ role }) => role === 'image')];
}

function bytesOf(image: ResolvedImage): number {
  const manifests = image.manifests.reduce((total, { descriptor }) => total + descriptor.size, 0);
  return image.blobs.reduce((total, { size }) => total + size, manifests);
}

/** Named after the image, whatever part of it was asked for: the message says which. */
function failureOf(image: ResolvedImage, thrown: unknown): AirgapError {
  const name = printAsked(image);
  const known = toAirgapError(thrown, 'ERR_PROTOCOL', `Cannot copy "${name}"`);
  return known.forImage(name, image.origins.map(printOrigin));
}

function hintOf(error: AirgapError): { readonly hint?: string } {
  return error.hint === undefined ? {} : { hint: error.hint };
}

/** The registry refused a manifest because something it names is not there. */
function saysMissing(error: unknown): boolean {
  return (
    isAirgapError(error) && error.end === 'target' && error.retryable && (error.status === 400 || error.status === 404)
  );
}
