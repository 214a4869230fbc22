/** One image, walked from its root: platforms, bytes that are here, and what is not. */
import { isAirgapError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { blobsOf, documentOf, isForeign, type ManifestDocument } from '../../oci/manifest.ts';
import { isManifestType } from '../../oci/media-type.ts';
import { isUnknownPlatform, type Platform, platformInConfig, printPlatform } from '../../oci/platform.ts';
import type { ReadableRepository } from '../../store/store.ts';
import { readVerified } from '../../store/verified.ts';

/** Manifests of one image that are read; indexes of real images name some dozens. */
const manifestsRead = 512;
/** Platforms of one image that are kept apart. */
const platformsKept = 64;
/** An index in an index in an index: more is no image. */
const deepest = 4;
/** Largest config that is read for its platform, in bytes. */
const configLimit = 1024 * 1024;

export interface ImagePlatform {
  /** `linux/amd64`. */
  readonly platform: string;
  /** Bytes of its manifest, config and layers that are here. */
  readonly size: number;
  /** `absent`: the index names it, its manifest is not here, as when only some platforms were mirrored. */
  readonly state: 'here' | 'incomplete' | 'absent';
}

export interface WalkedImage {
  /** Bytes that are here, each digest once. */
  readonly size: number;
  /** In the order of the index; at most 64. */
  readonly platforms: readonly ImagePlatform[];
  /** Platforms beyond those. */
  readonly morePlatforms: number;
  /** Its root and every manifest of a platform or an index below it. */
  readonly manifests: readonly Digest[];
  /** BuildKit attestations inside the index. */
  readonly attestations: number;
  /** Content that is named and not here, or not readable: blobs and damaged manifests. */
  readonly missing: { readonly count: number; readonly bytes: number };
}

export interface WalkOptions {
  readonly repository: ReadableRepository;
  /** Weighs content of all images together. */
  readonly scales: { add(content: Descriptor): void };
  readonly turn: () => Promise<void>;
  readonly isHere: (blob: Descriptor) => Promise<boolean>;
}

export class ImageWalk {
  readonly #options: WalkOptions;
  readonly #seen = new Set<Digest>();
  readonly #platforms: ImagePlatform[] = [];
  readonly #documents: Digest[] = [];
  readonly #missing = { count: 0, bytes: 0 };
  #size = 0;
  #more = 0;
  #attestations = 0;
  #manifests = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  async of(root: ManifestDocument): Promise<WalkedImage> {
    await this.#visit(root, { platform: undefined, depth: 0 });
    return {
      size: this.#size,
      platforms: this.#platforms,
      morePlatforms: this.#more,
      manifests: this.#documents,
      attestations: this.#attestations,
      missing: this.#missing,
    };
  }

  async #visit(
    document: ManifestDocument,
    at: { readonly platform: Platform | undefined; readonly depth: number },
  ): Promise<void> {
    await this.#options.turn();
    this.#weigh(document.descriptor);
    this.#documents.push(document.descriptor.digest);
    const { manifest } = document;
    if (manifest.kind === 'image') return this.#image(document, at.platform);
    for (const child of manifest.manifests) {
      if (this.#seen.has(child.digest)) continue;
      if (!isManifestType(child.mediaType)) await this.#blob(child);
      else await this.#child(child, at.depth + 1);
    }
  }

  async #child(child: Descriptor, depth: number): Promise<void> {
    this.#manifests += 1;
    const isAttestation = child.platform !== undefined && isUnknownPlatform(child.platform);
    const document =
      this.#manifests > manifestsRead || depth > deepest ? undefined : await this.#read(child, { isAttestation });
    if (isAttestation) {
      if (document === undefined) return;
      this.#attestations += 1;
      this.#weigh(document.descriptor);
      for (const blob of blobsOf(document.manifest)) await this.#blob(blob);
      return;
    }
    if (document === undefined) this.#keep({ platform: nameOf(child.platform), size: 0, state: 'absent' });
    else await this.#visit(document, { platform: child.platform, depth });
  }

  /** Undefined when it is not here. A damaged one counts as missing. */
  async #read(child: Descriptor, known: { isAttestation: boolean }): Promise<ManifestDocument | undefined> {
    try {
      const { bytes } = await this.#options.repository.manifest(child.digest);
      return { ...documentOf(bytes, child.mediaType), descriptor: { ...child, size: bytes.length } };
    } catch (error) {
      if (!isAirgapError(error)) throw error;
      if (error.code !== 'ERR_NOT_FOUND' && !known.isAttestation) this.#miss(child);
      return undefined;
    }
  }

  async #image(document: ManifestDocument, named: Platform | undefined): Promise<void> {
    const blobs = new Map(blobsOf(document.manifest).map((blob) => [blob.digest, blob]));
    let size = document.descriptor.size;
    let whole = true;
    for (const blob of blobs.values()) {
      const isHere = await this.#blob(blob);
      if (isHere) size += blob.size;
      else if (!isForeign(blob)) whole = false;
    }
    const platform = named ?? (await this.#platformIn(document));
    if (platform !== undefined) this.#keep({ platform: nameOf(platform), size, state: whole ? 'here' : 'incomplete' });
  }

  async #blob(blob: Descriptor): Promise<boolean> {
    const isHere = await this.#options.isHere(blob);
    if (isHere) this.#weigh(blob);
    else if (!isForeign(blob)) this.#miss(blob);
    return isHere;
  }

  /** What the config of an image says; undefined for an artifact. */
  async #platformIn({ manifest }: ManifestDocument): Promise<Platform | undefined> {
    if (manifest.kind === 'index' || !/image(?:\.config)?\.v1\+json$/.test(manifest.config.mediaType)) return undefined;
    const { config } = manifest;
    const unknown: Platform = { os: 'unknown', architecture: 'unknown' };
    if (config.size > configLimit || !(await this.#options.isHere(config))) return unknown;
    try {
      const bytes = await readVerified(this.#options.repository, config, { limit: configLimit });
      return platformInConfig(JSON.parse(Buffer.from(bytes).toString('utf8'))) ?? unknown;
    } catch (error) {
      if (isAirgapError(error)) this.#miss(config);
      return unknown;
    }
  }

  #keep(platform: ImagePlatform): void {
    if (this.#platforms.length < platformsKept) this.#platforms.push(platform);
    else this.#more += 1;
  }

  #weigh(content: Descriptor): void {
    this.#options.scales.add(content);
    if (this.#seen.has(content.digest)) return;
    this.#seen.add(content.digest);
    this.#size += content.size;
  }

  #miss(content: Descriptor): void {
    if (this.#seen.has(content.digest)) return;
    this.#seen.add(content.digest);
    this.#missing.count += 1;
    this.#missing.bytes += content.size;
  }
}

/** Foreign text: an index may say anything. */
function nameOf(platform: Platform | undefined): string {
  return platform === undefined ? 'unknown' : printPlatform(platform).slice(0, 60);
}
