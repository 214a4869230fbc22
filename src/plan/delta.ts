/** A plan for a receiver who has much of it already: what has to travel is exactly what is wanted and not there. */
import { type ReceiptContent, receiptName, type SiteReceipt } from '../lock/receipt.ts';
import { keptPlace, pathSegment } from '../mirror/rule.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { formatRepository } from '../oci/reference.ts';
import type { ResolvedImage } from '../resolve/resolved.ts';
import type { Plan } from './plan.ts';

/** A blob of images that travel which stays behind, as the receiver has it. */
export interface DeltaBase {
  readonly digest: Digest;
  readonly size: number;
  /** Upstream repositories (`ghcr.io/siderolabs/kubelet`) whose images have it. Sorted. */
  readonly upstream: readonly string[];
  /** Repositories at the receiver's registry that have it (`infra/siderolabs/kubelet`). Sorted. */
  readonly repositories: readonly string[];
}

export interface Delta {
  /** Images that are new or differ, in the plan's order: all their manifests travel. */
  readonly images: readonly ResolvedImage[];
  /** Manifests and blobs of the other images, which the receiver has whole, each once; none that travels or is in `base`. */
  readonly known: readonly { readonly digest: Digest; readonly size: number }[];
  /** Blobs that travel, each once, in the plan's order. */
  readonly blobs: readonly Descriptor[];
  /** Blobs of `images` that do not. Sorted by digest. */
  readonly base: readonly DeltaBase[];
  /** Blobs of the plan that do not travel, those of images the receiver has whole included, and their bytes. */
  readonly savedBlobs: number;
  readonly savedBytes: number;
}

/**
 * Splits a plan by what a receiver has. A blob counts as present when the receipt has its digest with the same size, in whatever
 * repository. An image counts as present when one repository that may be its own has every tag, manifest and blob of it.
 */
export function splitDelta(plan: Plan, have: SiteReceipt): Delta {
  const holdings = new Holdings(have);
  const { travelling: images, staying } = splitImages(plan.images, holdings);
  const manifests = new Set(images.flatMap(manifestsOf));
  const wanted = new Set(images.flatMap((image) => image.blobs.map(({ digest }) => digest)));
  const descriptors = plan.blobs.map(({ descriptor }) => descriptor);
  const isNew = (blob: Descriptor): boolean => wanted.has(blob.digest) && !holdings.has(blob);
  const saved = descriptors.filter((blob) => !isNew(blob));
  const owners = upstreamOwners(plan);
  return {
    images,
    known: knownContent(staying, (digest) => !manifests.has(digest) && !wanted.has(digest)),
    blobs: descriptors.filter(isNew),
    base: saved
      .filter(({ digest }) => wanted.has(digest))
      .map((blob) => holdings.base(blob, owners.get(blob.digest) ?? new Set()))
      .sort((one, other) => (one.digest < other.digest ? -1 : 1)),
    savedBlobs: saved.length,
    savedBytes: saved.reduce((sum, { size }) => sum + size, 0),
  };
}

/** Manifests and blobs of images, each once, of those that `isOnlyTheirs`. */
function knownContent(images: readonly ResolvedImage[], isOnlyTheirs: (digest: Digest) => boolean): Delta['known'] {
  const content = images.flatMap((image) => [...image.manifests.map(({ descriptor }) => descriptor), ...image.blobs]);
  const sizes = new Map(content.map(({ digest, size }) => [digest, size]));
  return [...sizes].flatMap(([digest, size]) => (isOnlyTheirs(digest) ? [{ digest, size }] : []));
}

/** An image the receiver has whole travels all the same when its manifest does, as another image: a bundle that holds a manifest holds all its names. */
function splitImages(
  images: readonly ResolvedImage[],
  holdings: Holdings,
): { readonly travelling: readonly ResolvedImage[]; readonly staying: readonly ResolvedImage[] } {
  let staying = images.filter((image) => holdings.hasWhole(image));
  for (;;) {
    const stays = new Set(staying);
    const travelling = images.filter((image) => !stays.has(image));
    const manifests = new Set(travelling.flatMap(manifestsOf));
    const apart = staying.filter(({ root }) => !manifests.has(root.digest));
    if (apart.length === staying.length) return { travelling, staying };
    staying = apart;
  }
}

function manifestsOf(image: ResolvedImage): Digest[] {
  return image.manifests.map(({ descriptor }) => descriptor.digest);
}

/** Upstream repositories by the blobs of their images. */
function upstreamOwners(plan: Plan): ReadonlyMap<Digest, ReadonlySet<string>> {
  const owners = new Map<Digest, Set<string>>();
  for (const image of plan.images) {
    const name = formatRepository(keptPlace({ source: image.reference, retag: image.retag }));
    for (const { digest } of image.blobs) owners.set(digest, (owners.get(digest) ?? new Set()).add(name));
  }
  return owners;
}

/** A receipt made ready for questions. */
class Holdings {
  readonly #receipt: SiteReceipt;
  readonly #manifests: ReadonlyMap<Digest, ReceiptContent>;
  readonly #blobs: ReadonlyMap<Digest, ReceiptContent>;

  constructor(receipt: SiteReceipt) {
    this.#receipt = receipt;
    this.#manifests = new Map(receipt.manifests.map((content) => [content.digest, content]));
    this.#blobs = new Map(receipt.blobs.map((content) => [content.digest, content]));
  }

  has({ digest, size }: Descriptor): boolean {
    return this.#blobs.get(digest)?.size === size;
  }

  hasWhole(image: ResolvedImage): boolean {
    return this.#receipt.repositories.some((_, at) => this.#mayBeOf(image, at) && this.#standsIn(image, at));
  }

  base({ digest, size }: Descriptor, owners: ReadonlySet<string>): DeltaBase {
    const places = (this.#blobs.get(digest)?.in ?? []).flatMap((at) => this.#receipt.repositories[at] ?? []);
    const named = (own: boolean): string[] =>
      places.filter(({ registry }) => (registry === '') === own).map(receiptName);
    return {
      digest,
      size,
      upstream: [...new Set([...owners, ...named(false)])].sort(),
      repositories: [...new Set(named(true))].sort(),
    };
  }

  /** Whether the naming rules could have put the image there: under its upstream name, or below the prefix with or without its registry; a retag alone without. */
  #mayBeOf({ reference, retag }: ResolvedImage, at: number): boolean {
    const place = this.#receipt.repositories[at];
    if (place === undefined) return false;
    const { registry, repository } = keptPlace({ source: reference, retag });
    if (place.registry !== '') return place.registry === registry && place.path === repository;
    if (retag !== undefined) return place.path === repository;
    return place.path === repository || place.path === `${pathSegment(registry)}/${repository}`;
  }

  #standsIn(image: ResolvedImage, at: number): boolean {
    const tags = new Map(this.#receipt.repositories[at]?.tags.map(({ tag, digest }) => [tag, digest]));
    const isHere = (found: ReceiptContent | undefined, size: number): boolean =>
      found !== undefined && found.size === size && found.in.includes(at);
    return (
      image.tags.every(({ tag, digest }) => tags.get(tag) === digest) &&
      image.manifests.every(({ descriptor }) => isHere(this.#manifests.get(descriptor.digest), descriptor.size)) &&
      image.blobs.every(({ digest, size }) => isHere(this.#blobs.get(digest), size))
    );
  }
}
