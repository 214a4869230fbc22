/** What leads to what in a bundle or a layout, so that damage can be told by the images it harms. */
import type { Digest } from '../oci/digest.ts';

/** Images named for one content; more are not of use to anybody. */
const mostImages = 1000;

export class ContentGraph {
  readonly #parents = new Map<Digest, Set<Digest>>();
  readonly #names = new Map<Digest, Set<string>>();

  /** The image of this name begins at this content. */
  name(digest: Digest, image: string): void {
    this.#names.set(digest, (this.#names.get(digest) ?? new Set()).add(image));
  }

  /** The parent cannot do without the part. */
  link(parent: Digest, part: Digest): void {
    this.#parents.set(part, (this.#parents.get(part) ?? new Set()).add(parent));
  }

  /** Names of the images that need this content, sorted; at most 1000. */
  imagesOf(digest: Digest): string[] {
    const images = new Set<string>();
    const seen = new Set<Digest>([digest]);
    for (const one of seen) {
      for (const image of this.#names.get(one) ?? []) images.add(image);
      if (images.size > mostImages) break;
      for (const parent of this.#parents.get(one) ?? []) seen.add(parent);
    }
    return [...images].sort().slice(0, mostImages);
  }
}
