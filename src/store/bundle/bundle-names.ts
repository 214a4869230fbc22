/** The names of a bundle's images, as a layout directory that was given the same images would have them. Pure. */
import type { Digest } from '../../oci/digest.ts';
import { formatRepository, type RepositoryName } from '../../oci/reference.ts';
import { LayoutNames } from '../layout/names.ts';
import type { BundledImage } from './bundle.ts';

/** In whatever order images, manifests and tags come, the names are the same. Throws nothing: a tag that stands for two digests keeps the larger one. */
export function bundleNames(images: readonly BundledImage[]): LayoutNames {
  const names = new LayoutNames([]);
  const repositories = new Map<string, BundledImage[]>();
  for (const image of images) {
    const key = formatRepository(image.name);
    repositories.set(key, [...(repositories.get(key) ?? []), image]);
  }
  for (const [, ofOne] of [...repositories].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [first] = ofOne;
    if (first !== undefined) nameRepository(names, first.name, ofOne);
  }
  return names;
}

/** Manifests that nothing names get a name by their digest; then come the tags. */
function nameRepository(names: LayoutNames, name: RepositoryName, images: readonly BundledImage[]): void {
  const manifests = new Map(images.flatMap((image) => image.manifests).map((one) => [one.descriptor.digest, one]));
  const children = new Set<Digest>([...manifests.values()].flatMap((one) => one.children));
  for (const { descriptor } of manifests.values()) {
    if (!children.has(descriptor.digest)) names.put(name, { descriptor, children: [] });
  }
  const tags = images
    .flatMap((image) => image.tags)
    .sort((a, b) => compare(`${a.tag} ${a.digest}`, `${b.tag} ${b.digest}`));
  for (const { tag, digest } of tags) {
    const manifest = manifests.get(digest);
    if (manifest !== undefined) names.put(name, { ...manifest, tag });
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
