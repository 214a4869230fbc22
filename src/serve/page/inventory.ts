/** Everything a store has, as the page shows it. */
import type { Digest } from '../../oci/digest.ts';
import { printReference, type Reference, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { ReadableRepository, Source } from '../../store/store.ts';
import { orNotFound } from '../finder.ts';
import { eachAtOnce, turns } from './at-once.ts';
import { AttachmentCount, type Attachments, kindOfAttachment, parseAttachmentTag } from './attachments.ts';
import { type RepositoryEntries, readEntries } from './entries.ts';
import { ImageReader, type ReadImage, Scales, troubleWith } from './image-reader.ts';

/** Repositories read at once, and images of each. */
const repositoriesAtOnce = 4;
const imagesAtOnce = 4;

/** One name under which an image can be asked for. */
export interface ListedImage {
  readonly name: RepositoryName;
  /** Undefined for an image kept by digest alone. */
  readonly tag: Tag | undefined;
  /** The full upstream reference. */
  readonly reference: string;
  readonly state: 'complete' | 'incomplete' | 'unreadable';
  /** What is wrong, where something is. */
  readonly trouble: string | undefined;
  /** Undefined when its manifest cannot be read. */
  readonly image: ReadImage | undefined;
  /** Undefined when the store failed to tell. */
  readonly attachments: readonly Attachments[] | undefined;
  /** What a search looks through, in lower case. */
  readonly words: string;
}

export interface Inventory {
  /** Sorted by repository, newest tag first. */
  readonly images: readonly ListedImage[];
  readonly repositories: number;
  /** Bytes here of all that is named, signatures included, each digest once. */
  readonly bytes: number;
  /** Images that are not wholly here. */
  readonly troubled: number;
  /** False where the store does not tell what it has. */
  readonly listed: boolean;
  readonly nameless: number;
  /** Names that were not looked at, beyond 20 000. */
  readonly left: number;
}

/** How far a reading is, in names. It changes while the reading goes on. */
export interface Progress {
  done: number;
  /** 0 before the names are known. */
  total: number;
}

/** Reads all of a store: its manifests, and whether the blobs they name are here. Nothing large is read. Throws what the store's listing throws. */
export async function readInventory(store: Source, progress: Progress = { done: 0, total: 0 }): Promise<Inventory> {
  const { repositories, ...rest } = await readEntries(store);
  progress.total = repositories.reduce((sum, { tags, digests }) => sum + tags.length + digests.length, 0);
  const beside = { scales: new Scales(), turn: turns() };
  const found = new Map<RepositoryEntries, ListedImage[]>();
  const asksForReferrers = store.indexed === undefined;
  await eachAtOnce(repositories, {
    limit: repositoriesAtOnce,
    work: async (entries) => {
      const repository = store.repository(entries.name);
      const reader = new ImageReader(repository, beside);
      const options = { repository, reader, entries, asksForReferrers, progress, turn: beside.turn };
      found.set(entries, await new RepositoryReading(options).images());
    },
  });
  const images = repositories.flatMap((entries) => found.get(entries) ?? []);
  return {
    images,
    repositories: repositories.length,
    bytes: beside.scales.bytes,
    troubled: images.filter(({ state }) => state !== 'complete').length,
    ...rest,
  };
}

interface ReadingOptions {
  readonly repository: ReadableRepository;
  readonly reader: ImageReader;
  readonly entries: RepositoryEntries;
  /** The store has no index of its own that would have named every referrer. */
  readonly asksForReferrers: boolean;
  readonly progress: Progress;
  readonly turn: () => Promise<void>;
}

interface Reading {
  readonly tag: Tag | undefined;
  readonly digest: Digest | undefined;
  readonly result: ReadImage | { readonly trouble: string };
}

/** One repository: every name is read first, then what belongs to what is known. */
class RepositoryReading {
  readonly #options: ReadingOptions;
  readonly #attached = new Map<Digest, AttachmentCount>();
  /** Manifests that belong to something named, which nobody has to be told of by digest as well. */
  readonly #reached = new Set<Digest>();

  constructor(options: ReadingOptions) {
    this.#options = options;
  }

  async images(): Promise<ListedImage[]> {
    const { entries } = this.#options;
    const tags = [...entries.tags].sort((a, b) => newestFirst.compare(b, a));
    const names = [...tags, ...[...entries.digests].sort()];
    const readings = new Map<Tag | Digest, Reading>();
    await eachAtOnce(names, {
      limit: imagesAtOnce,
      work: async (name) => {
        const reading = await this.#readName(name);
        this.#options.progress.done += 1;
        if (reading !== undefined) readings.set(name, reading);
      },
    });
    const listed: ListedImage[] = [];
    for (const name of names) {
      await this.#options.turn();
      const reading = readings.get(name);
      const isReached = reading?.digest !== undefined && this.#reached.has(reading.digest);
      if (reading !== undefined && !isReached) listed.push(await this.#listed(reading));
    }
    return listed;
  }

  /** Undefined for a name of something that belongs to an image. */
  async #readName(name: Tag | Digest): Promise<Reading | undefined> {
    const isTag = !name.includes(':');
    const attachment = isTag ? parseAttachmentTag(name as Tag) : undefined;
    const named = { tag: isTag ? (name as Tag) : undefined, digest: isTag ? undefined : (name as Digest) };
    try {
      const image = await this.#options.reader.read(name);
      if (attachment !== undefined) return void (await this.#attach(attachment, { tag: name as Tag, image }));
      if (image.about !== undefined) {
        const { subject, kind } = image.about;
        this.#of(subject).add({ kind, by: 'referrer', count: 1 }, image.digest);
        if (!isTag) return undefined;
      }
      for (const digest of image.manifests) if (isTag || digest !== image.digest) this.#reached.add(digest);
      return { ...named, result: image };
    } catch (error) {
      if (attachment !== undefined) return undefined;
      return { ...named, result: { trouble: troubleWith(error) } };
    }
  }

  async #attach(
    attachment: NonNullable<ReturnType<typeof parseAttachmentTag>>,
    found: { readonly tag: Tag; readonly image: ReadImage },
  ): Promise<void> {
    const count = this.#of(attachment.subject);
    if (attachment.kind !== undefined) {
      // cosign adds a layer for each signature to the one manifest (cosign, specs/SIGNATURE_SPEC.md).
      count.add({ kind: attachment.kind, by: 'tag', count: Math.max(1, found.image.layers) });
      return;
    }
    const { manifest } = await this.#options.reader.document(found.tag);
    for (const referrer of manifest.kind === 'index' ? manifest.manifests : []) {
      count.add({ kind: kindOfAttachment(referrer), by: 'referrer', count: 1 }, referrer.digest);
      this.#reached.add(referrer.digest);
    }
  }

  #of(subject: Digest): AttachmentCount {
    const known = this.#attached.get(subject) ?? new AttachmentCount();
    this.#attached.set(subject, known);
    return known;
  }

  async #listed({ tag, digest, result }: Reading): Promise<ListedImage> {
    const { name } = this.#options.entries;
    const reference = printReference({ ...name, ...(tag && { tag }), ...(digest && { digest }) } as Reference);
    const common = { name, tag, reference };
    if ('trouble' in result) {
      const words = `${reference} incomplete`.toLowerCase();
      return { ...common, state: 'unreadable', trouble: result.trouble, image: undefined, attachments: [], words };
    }
    const attachments = await this.#attachmentsOf(result).catch(() => undefined);
    const trouble = incompleteness(result);
    const state = trouble === undefined ? 'complete' : 'incomplete';
    return {
      ...common,
      state,
      trouble,
      image: result,
      attachments,
      words: wordsOf(reference, { result, attachments }),
    };
  }

  /** Of the image itself and, where cosign signed each platform, of its platforms. */
  async #attachmentsOf(image: ReadImage): Promise<Attachments[]> {
    const { asksForReferrers, repository } = this.#options;
    if (asksForReferrers) {
      const referrers = (await orNotFound(Promise.resolve(repository.referrers?.(image.digest)))) ?? [];
      for (const referrer of referrers) {
        const found = { kind: kindOfAttachment(referrer), by: 'referrer', count: 1 } as const;
        this.#of(image.digest).add(found, referrer.digest);
      }
    }
    const all = new AttachmentCount();
    for (const digest of image.manifests) {
      for (const found of this.#attached.get(digest)?.list() ?? []) all.add(found);
    }
    all.add({ kind: 'attestation', by: 'inside', count: image.attestations });
    return all.list();
  }
}

/** `v1.10` after `v1.9`, in the same order on every machine. */
const newestFirst = new Intl.Collator('en', { numeric: true });

function incompleteness({ missing, platforms }: ReadImage): string | undefined {
  if (missing.count > 0) {
    return `${missing.count === 1 ? '1 part' : `${missing.count} parts`} of it ${missing.count === 1 ? 'is' : 'are'} not here`;
  }
  const isHollow = platforms.length > 0 && platforms.every(({ state }) => state === 'absent');
  return isHollow ? 'none of its platforms is here' : undefined;
}

function wordsOf(
  reference: string,
  known: { readonly result: ReadImage; readonly attachments: readonly Attachments[] | undefined },
): string {
  const { result, attachments } = known;
  const platforms = result.platforms.map(({ platform }) => platform);
  const kinds = (attachments ?? []).map(({ kind }) => kind);
  const trouble = incompleteness(result) === undefined ? [] : ['incomplete'];
  return [reference, result.digest, ...platforms, result.artifactType ?? '', ...kinds, ...trouble]
    .join(' ')
    .toLowerCase();
}
