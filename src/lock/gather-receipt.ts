/** A receipt put together piece by piece, in whatever order pieces come. */
import type { Digest } from '../oci/digest.ts';
import type { Tag } from '../oci/reference.ts';
import { type ReceiptContent, type ReceiptRepository, receiptKey, type SiteReceipt, sortReceipt } from './receipt.ts';

/** A repository without its tags. */
export type ReceiptPlace = Omit<ReceiptRepository, 'tags'>;

interface Found {
  readonly size: number;
  readonly in: Set<number>;
}

/** Collects what stands where. The same pieces give the same receipt. */
export class ReceiptGathering {
  readonly #site: string;
  readonly #repositories = new Map<
    string,
    { readonly at: number; readonly place: ReceiptPlace; readonly tags: Map<Tag, Digest> }
  >();
  readonly #manifests = new Map<Digest, Found>();
  readonly #blobs = new Map<Digest, Found>();

  constructor(site: string) {
    this.#site = site;
  }

  tag(place: ReceiptPlace, { tag, digest }: { readonly tag: Tag; readonly digest: Digest }): void {
    this.#at(place).tags.set(tag, digest);
  }

  manifest(place: ReceiptPlace, content: { readonly digest: Digest; readonly size: number }): void {
    this.#add(this.#manifests, place, content);
  }

  blob(place: ReceiptPlace, content: { readonly digest: Digest; readonly size: number }): void {
    this.#add(this.#blobs, place, content);
  }

  /** Everything another receipt states. Of two sizes of one digest the first stays. */
  take(receipt: SiteReceipt): void {
    for (const repository of receipt.repositories) {
      for (const tag of repository.tags) this.tag(repository, tag);
    }
    const placesOf = (content: ReceiptContent) => content.in.flatMap((at) => receipt.repositories[at] ?? []);
    for (const manifest of receipt.manifests) for (const place of placesOf(manifest)) this.manifest(place, manifest);
    for (const blob of receipt.blobs) for (const place of placesOf(blob)) this.blob(place, blob);
  }

  done(): SiteReceipt {
    const repositories = [...this.#repositories.values()].map(({ place: { registry, prefix, path }, tags }) => ({
      registry,
      prefix,
      path,
      tags: [...tags].map(([tag, digest]) => ({ tag, digest })),
    }));
    const contents = (found: ReadonlyMap<Digest, Found>): ReceiptContent[] =>
      [...found].map(([digest, { size, in: places }]) => ({ digest, size, in: [...places] }));
    return sortReceipt({
      version: 1,
      site: this.#site,
      repositories,
      manifests: contents(this.#manifests),
      blobs: contents(this.#blobs),
    });
  }

  #at(place: ReceiptPlace): { readonly at: number; readonly tags: Map<Tag, Digest> } {
    const key = receiptKey(place);
    const known = this.#repositories.get(key);
    if (known !== undefined) return known;
    const made = { at: this.#repositories.size, place, tags: new Map<Tag, Digest>() };
    this.#repositories.set(key, made);
    return made;
  }

  #add(
    found: Map<Digest, Found>,
    place: ReceiptPlace,
    { digest, size }: { readonly digest: Digest; readonly size: number },
  ): void {
    const known = found.get(digest) ?? { size, in: new Set<number>() };
    found.set(digest, known);
    if (known.size === size) known.in.add(this.#at(place).at);
  }
}
