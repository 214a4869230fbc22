/** One repository of a registry. */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type {
  CallOptions,
  FetchOptions,
  ManifestContent,
  PushOptions,
  PushResult,
  ReopenableContent,
  UnverifiedContent,
  WritableRepository,
} from '../store.ts';
import { fetchBlob } from './blobs.ts';
import type { Exchange } from './exchange.ts';
import { contentExists } from './existence.ts';
import { listReferrers, listTags } from './lists.ts';
import { pushManifest } from './manifest-push.ts';
import { readManifest, resolveManifest } from './manifests.ts';
import { mountBlob } from './mount.ts';
import { pushBlob } from './push.ts';
import type { UploadSettings } from './upload.ts';

/** Everything is asked of the registry each time; only what its host can do is remembered. Errors carry end, host and reference. */
export class RegistryRepository implements WritableRepository {
  readonly #exchange: Exchange;
  readonly #uploads: UploadSettings;

  constructor(exchange: Exchange, uploads: UploadSettings) {
    this.#exchange = exchange;
    this.#uploads = uploads;
  }

  get name(): RepositoryName {
    return this.#exchange.name;
  }

  resolve(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<Descriptor> {
    return resolveManifest(this.#exchange, tagOrDigest, options);
  }

  manifest(tagOrDigest: Tag | Digest, options: CallOptions = {}): Promise<ManifestContent> {
    return readManifest(this.#exchange, tagOrDigest, options);
  }

  exists(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    return contentExists(this.#exchange, descriptor, options);
  }

  fetch(descriptor: Descriptor, options: FetchOptions = {}): Promise<UnverifiedContent> {
    return fetchBlob(this.#exchange, descriptor, options);
  }

  tags(options: CallOptions = {}): AsyncIterable<Tag> {
    return listTags(this.#exchange, options);
  }

  referrers(subject: Digest, options: CallOptions = {}): Promise<readonly Descriptor[] | undefined> {
    return listReferrers(this.#exchange, subject, options);
  }

  push(descriptor: Descriptor, content: ReopenableContent, options: PushOptions = {}): Promise<PushResult> {
    return pushBlob({ exchange: this.#exchange, descriptor, content, options, settings: this.#uploads });
  }

  pushManifest(
    descriptor: Descriptor,
    bytes: Uint8Array,
    options: CallOptions & { readonly tag?: Tag | undefined } = {},
  ): Promise<void> {
    return pushManifest(this.#exchange, { descriptor, bytes }, options);
  }

  mount(descriptor: Descriptor, from: RepositoryName, options: CallOptions = {}): Promise<boolean> {
    return mountBlob(this.#exchange, descriptor, { ...options, from, settings: this.#uploads });
  }
}
