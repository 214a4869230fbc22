/** From images to a plan: every blob once, whoever needs it. */
import { AirgapError } from '../errors.ts';
import type { RequestedImage } from '../input/requested.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { compareReferences, formatRepository, printReference, type RepositoryName } from '../oci/reference.ts';
import type { ResolvedImage, UnchangedImage } from '../resolve/resolved.ts';
import { originTexts } from './origins.ts';
import type { Plan } from './plan.ts';

interface Need {
  readonly descriptor: Descriptor;
  readonly first: ResolvedImage;
  readonly from: Map<string, RepositoryName>;
  readonly to: Map<string, RepositoryName>;
}

/**
 * Plans the copy: the same images give the same plan, in whatever order they come. Says nothing of what the target has already.
 * Throws ERR_PROTOCOL when two images give one digest different sizes: at least one of them is wrong.
 */
export function planImages(images: readonly ResolvedImage[], unchanged: readonly UnchangedImage[]): Plan {
  const sorted = [...images].sort(compareImages);
  const needs = new Map<Digest, Need>();
  for (const image of sorted) {
    for (const descriptor of image.blobs) addNeed(needs, { image, descriptor });
  }
  return {
    images: sorted,
    unchanged: [...unchanged].sort(compareImages),
    blobs: [...needs.values()].map(({ descriptor, from, to }) => ({
      descriptor,
      from: [...from.values()],
      to: [...to.values()],
    })),
  };
}

/** One source may have several places. */
function compareImages(one: RequestedImage, other: RequestedImage): number {
  return compareReferences(one.reference, other.reference) || compareReferences(one.target, other.target);
}

function addNeed(needs: Map<Digest, Need>, wanted: { image: ResolvedImage; descriptor: Descriptor }): void {
  const { image, descriptor } = wanted;
  const need = needs.get(descriptor.digest) ?? { descriptor, first: image, from: new Map(), to: new Map() };
  if (need.descriptor.size !== descriptor.size) throw twoSizes(need, wanted);
  needs.set(descriptor.digest, need);
  addName(need.from, image.reference);
  addName(need.to, image.target);
}

function addName(names: Map<string, RepositoryName>, { registry, repository }: RepositoryName): void {
  const key = formatRepository({ registry, repository });
  if (!names.has(key)) names.set(key, { registry, repository });
}

function twoSizes(need: Need, wanted: { image: ResolvedImage; descriptor: Descriptor }): AirgapError {
  const { digest } = need.descriptor;
  const [one, other] = [need.first, wanted.image].map((image) => `"${printReference(image.reference)}"`);
  const state = `${one} says it has ${need.descriptor.size} bytes, ${other} says ${wanted.descriptor.size}`;
  return new AirgapError('ERR_PROTOCOL', `Cannot plan blob "${digest}": ${state}`, {
    end: 'source',
    digest,
    reference: printReference(wanted.image.reference),
    origins: originTexts([...need.first.origins, ...wanted.image.origins]),
    hint: 'one of the two images is broken upstream; leave it out',
  });
}
