/** Collects what is pushed into one repository, so that a test can ask for it later. */
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { Reference, Tag } from '../../src/oci/reference.ts';
import type { WritableRepository } from '../../src/store/store.ts';
import { contentOfBytes } from '../../src/store/verified.ts';

export interface SeededManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

export interface SeededImage {
  /** As it was asked for: with its tag, or, when pushed by digest alone, with its digest. */
  readonly reference: Reference;
  readonly root: Descriptor;
  /** Children before what names them; the root is the last. */
  readonly manifests: readonly SeededManifest[];
  /** Configs and layers that were pushed, each digest once. */
  readonly blobs: readonly Descriptor[];
  /** Layers that are named but were not pushed. */
  readonly foreign: readonly Descriptor[];
}

export class Pile {
  readonly repository: WritableRepository;
  readonly manifests: SeededManifest[] = [];
  readonly blobs = new Map<Digest, Descriptor>();
  readonly foreign: Descriptor[] = [];

  constructor(repository: WritableRepository) {
    this.repository = repository;
  }

  async blob(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    if (!this.blobs.has(descriptor.digest)) await this.repository.push(descriptor, contentOfBytes(descriptor, bytes));
    this.blobs.set(descriptor.digest, descriptor);
    return descriptor;
  }

  async manifest(
    document: Readonly<Record<string, unknown>>,
    options: { mediaType: string; tag?: Tag | undefined },
  ): Promise<Descriptor> {
    const bytes = Buffer.from(JSON.stringify(document, undefined, 3));
    const descriptor: Descriptor = { mediaType: options.mediaType, digest: digestOf(bytes), size: bytes.length };
    await this.repository.pushManifest(descriptor, bytes, { tag: options.tag });
    this.manifests.push({ descriptor, bytes });
    return descriptor;
  }

  done(asked: Reference, root: Descriptor): SeededImage {
    const { registry, repository, tag } = asked;
    return {
      reference: tag === undefined ? { registry, repository, digest: root.digest } : { registry, repository, tag },
      root,
      manifests: this.manifests,
      blobs: [...this.blobs.values()],
      foreign: this.foreign,
    };
  }
}
