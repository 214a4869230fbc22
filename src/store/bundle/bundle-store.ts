/** An opened bundle: the verbs of a store over what lies in its files. */
import { AirgapError } from '../../errors.ts';
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { throwIfAborted } from '../interruption.ts';
import { indexedManifest } from '../layout/index-file.ts';
import type { LayoutNames } from '../layout/names.ts';
import type { StoredFacts } from '../layout/reach.ts';
import { LayoutRepository } from '../layout/repository.ts';
import type { CallOptions, IndexedManifest, ReadableRepository } from '../store.ts';
import { blame } from './blame.ts';
import type { BundleSource, StageOptions } from './bundle.ts';
import { fileLimit, type OpenedVolume } from './open-volume.ts';
import { unreadParts } from './parts.ts';
import { ReadShelf, type ShelvedContent } from './read-shelf.ts';
import { copyAgainHint, refused } from './refuse.ts';
import type { BundleSet } from './set.ts';
import type { Staging } from './staging.ts';
import type { TarFile } from './tar-file.ts';

/** What opening a bundle found. */
export interface OpenedBundle {
  readonly place: string;
  readonly set: BundleSet | undefined;
  /** Those of the set that are here. */
  readonly volumes: readonly OpenedVolume[];
  readonly tars: readonly TarFile[];
  readonly content: ReadonlyMap<Digest, ShelvedContent>;
  readonly names: LayoutNames;
  readonly signature: BundleSource['signature'];
  readonly staging: Staging | undefined;
}

export class BundleStore implements BundleSource {
  readonly set: BundleSet | undefined;
  readonly place: string;
  readonly cutShort: readonly string[];
  readonly missingVolumes: readonly number[];
  readonly signature: BundleSource['signature'];
  readonly unread: BundleSource['unread'];
  readonly #opened: OpenedBundle;
  /** What bytes of a part must be, where its volume is here. */
  readonly #checksumOf: (digest: Digest, start: number) => Digest | undefined;
  readonly #shelf: ReadShelf;
  readonly #facts = new Map<Digest, StoredFacts>();

  constructor(opened: OpenedBundle) {
    const { set, place, signature, volumes, content } = opened;
    this.set = set;
    this.place = place;
    this.signature = signature;
    this.cutShort = opened.tars.filter((tar) => tar.isCutShort).map((tar) => tar.path);
    const here = new Set(volumes.map(({ volume }) => volume.number));
    const all = Array.from({ length: set?.volumes ?? 0 }, (_, index) => index + 1);
    this.missingVolumes = all.filter((number) => !here.has(number));
    this.#opened = opened;
    this.unread = unreadParts(volumes, content);
    const listed = volumes.flatMap(({ volume }) => volume.content);
    const checksums = new Map(listed.map(({ digest, start, checksum }) => [`${digest}.${start}`, checksum]));
    this.#checksumOf = (digest, start) => checksums.get(`${digest}.${start}`);
    this.#shelf = new ReadShelf(content, { place, setId: set?.id });
  }

  repository(name: RepositoryName): ReadableRepository {
    return new LayoutRepository(name, {
      place: this.place,
      blobs: this.#shelf,
      facts: this.#facts,
      names: async () => this.#opened.names,
      refuseUnlessWritable: () => this.#refuseWrite(),
      changed: async () => this.#refuseWrite(),
    });
  }

  async *catalog(options: CallOptions = {}): AsyncGenerator<RepositoryName> {
    throwIfAborted(options.signal);
    yield* this.#opened.names.repositories();
  }

  async *indexed(options: CallOptions = {}): AsyncGenerator<IndexedManifest> {
    throwIfAborted(options.signal);
    yield* this.#opened.names.all().map(indexedManifest);
  }

  /** Of the files as they are now: one that was replaced gives another text, and an error when it is read. */
  async revision(): Promise<string> {
    const stamps = await Promise.all(this.#opened.tars.map((tar) => tar.stamp()));
    return stamps.map((stamp) => stamp ?? 'gone').join('+');
  }

  async file(name: string): Promise<Uint8Array | undefined> {
    const file = this.set?.files.find((one) => one.name === name);
    const [tar] = this.#opened.tars;
    if (file === undefined || tar === undefined) return undefined;
    const bytes = await tar.read(name, fileLimit);
    if (bytes !== undefined && digestOf(bytes, algorithmOf(file.digest)) === file.digest) return bytes;
    throw refused(tar.path, 'is not as its set says', { entry: name, hint: copyAgainHint });
  }

  promises(digest: Digest): boolean {
    return this.#opened.content.has(digest);
  }

  absentVolumes(digest: Digest): readonly number[] {
    return this.#shelf.absentVolumes(digest);
  }

  async stage(options: StageOptions = {}): Promise<number> {
    const { staging, content } = this.#opened;
    return staging?.stage(content.values(), { ...options, checksumOf: this.#checksumOf }) ?? 0;
  }

  async unstage(options: Pick<StageOptions, 'only'> = {}): Promise<void> {
    await this.#opened.staging?.clear(options.only);
  }

  async blame(digest: Digest, options: CallOptions = {}): Promise<AirgapError | undefined> {
    const content = this.#opened.content.get(digest);
    if (content === undefined) return undefined;
    return blame(content, { ...options, staging: this.#opened.staging, checksumOf: this.#checksumOf });
  }

  /** Nothing is held open between reads. */
  async close(): Promise<void> {}

  #refuseWrite(): never {
    throw new AirgapError('ERR_UNSUPPORTED', `Cannot write to ${this.place}: it was opened for reading`);
  }
}
