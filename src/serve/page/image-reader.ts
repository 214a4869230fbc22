/** What one image of a repository consists of, and how much of that is here. */
import { isAirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { documentOf, type ManifestDocument } from '../../oci/manifest.ts';
import { isImageConfigType } from '../../oci/media-type.ts';
import type { Tag } from '../../oci/reference.ts';
import { peekManifest } from '../../store/peek.ts';
import type { ReadableRepository } from '../../store/store.ts';
import { type AttachmentKind, kindOfAttachment } from './attachments.ts';
import { ImageWalk, type WalkedImage } from './image-walk.ts';

/** An image as its manifests say, and what of it is here. */
export interface ReadImage extends WalkedImage {
  readonly digest: Digest;
  readonly mediaType: string;
  /** What it is when it is no image to run: a chart, a policy. */
  readonly artifactType: string | undefined;
  /** Layers of an image manifest, 0 for an index. */
  readonly layers: number;
  /** What it says something about, as a signature does. */
  readonly about: { readonly subject: Digest; readonly kind: AttachmentKind } | undefined;
}

/** Bytes of content by digest, each counted once. */
export class Scales {
  readonly #weighed = new Set<Digest>();
  bytes = 0;

  add({ digest, size }: { readonly digest: Digest; readonly size: number }): void {
    if (this.#weighed.has(digest)) return;
    this.#weighed.add(digest);
    this.bytes += size;
  }
}

/** Reads the images of one repository, each manifest's content once however many tags it has. */
export class ImageReader {
  readonly #repository: ReadableRepository;
  readonly #scales: Scales;
  readonly #turn: () => Promise<void>;
  readonly #read = new Map<Digest, Promise<ReadImage>>();
  readonly #presence = new Map<Digest, Promise<boolean>>();

  constructor(repository: ReadableRepository, beside: { readonly scales: Scales; readonly turn: () => Promise<void> }) {
    this.#repository = repository;
    this.#scales = beside.scales;
    this.#turn = beside.turn;
  }

  /** The manifest and what it names. Throws what the store throws, and ERR_PROTOCOL or ERR_UNSUPPORTED for what is no manifest. */
  async read(tagOrDigest: Tag | Digest): Promise<ReadImage> {
    await this.#turn();
    const known = isDigest(tagOrDigest) ? this.#read.get(tagOrDigest) : undefined;
    if (known !== undefined) return known;
    const document = await this.document(tagOrDigest);
    const { digest } = document.descriptor;
    const reading = this.#read.get(digest) ?? this.#walk(document);
    this.#read.set(digest, reading);
    return reading;
  }

  /** The manifest alone. Throws as read(). */
  async document(tagOrDigest: Tag | Digest): Promise<ManifestDocument> {
    const { descriptor, bytes } = await this.#repository.manifest(tagOrDigest);
    return { ...documentOf(bytes, descriptor.mediaType), descriptor };
  }

  async #walk(document: ManifestDocument): Promise<ReadImage> {
    const { manifest, descriptor } = document;
    const walk = new ImageWalk({
      repository: this.#repository,
      scales: this.#scales,
      turn: this.#turn,
      isHere: (blob) => this.#isHere(blob),
    });
    const walked = await walk.of(document);
    const { subject } = manifest;
    return {
      ...walked,
      digest: descriptor.digest,
      mediaType: manifest.mediaType,
      artifactType: artifactTypeOf(document),
      layers: manifest.kind === 'image' ? manifest.layers.length : 0,
      about:
        subject === undefined
          ? undefined
          : { subject: subject.digest, kind: kindOfAttachment(peekManifest(document.bytes) ?? {}) },
    };
  }

  #isHere(blob: Descriptor): Promise<boolean> {
    const known = this.#presence.get(blob.digest);
    if (known !== undefined) return known;
    const asked = this.#ask(blob);
    this.#presence.set(blob.digest, asked);
    return asked;
  }

  async #ask(blob: Descriptor): Promise<boolean> {
    if (this.#repository.blobSize === undefined) return this.#repository.exists(blob);
    return (await this.#repository.blobSize(blob.digest)) === blob.size;
  }
}

/** Why an image cannot be shown, in a few words without a path. */
export function troubleWith(error: unknown): string {
  if (!isAirgapError(error)) return 'its manifest cannot be read';
  if (error.code === 'ERR_NOT_FOUND') return 'its manifest is not here';
  if (error.code === 'ERR_DIGEST_MISMATCH' || error.code === 'ERR_SIZE_MISMATCH') return 'its manifest is damaged';
  if (error.code === 'ERR_UNSUPPORTED') return 'its manifest is of a kind that is not known';
  return error.code === 'ERR_PROTOCOL' ? 'its manifest is not what a manifest must be' : 'its manifest cannot be read';
}

function artifactTypeOf({ manifest }: ManifestDocument): string | undefined {
  if (manifest.artifactType !== undefined || manifest.kind === 'index') return manifest.artifactType;
  return isImageConfigType(manifest.config.mediaType) ? undefined : manifest.config.mediaType;
}
