/** A plan in figures. */
import type { Digest } from '../oci/digest.ts';
import { formatRepository, printReference } from '../oci/reference.ts';
import type { Notice, ResolvedImage } from '../resolve/resolved.ts';
import type { Plan } from './plan.ts';

export interface PlanSummary {
  /** Images to be put in place; `unchanged` ones are not among them. */
  readonly images: number;
  readonly unchanged: number;
  /** Manifests to be put in place, each once per target repository. */
  readonly manifests: number;
  readonly uniqueBlobs: number;
  /** What crosses the upstream link when the target has nothing. */
  readonly uniqueBytes: number;
  /** Blobs to be put in place, each once per target repository. */
  readonly blobPlacements: number;
  /** What would cross the link if every image were fetched alone. */
  readonly bytesWithoutReuse: number;
  /** In the plan's order. */
  readonly notices: readonly PlanNotice[];
}

export interface PlanNotice {
  /** The printed source reference. */
  readonly image: string;
  readonly notice: Notice;
}

export function summarise(plan: Plan): PlanSummary {
  return {
    images: plan.images.length,
    unchanged: plan.unchanged.length,
    manifests: countManifests(plan.images),
    uniqueBlobs: plan.blobs.length,
    uniqueBytes: sum(plan.blobs.map((blob) => blob.descriptor.size)),
    blobPlacements: sum(plan.blobs.map((blob) => blob.to.length)),
    bytesWithoutReuse: sum(plan.images.map(sizeOfBlobs)),
    notices: plan.images.flatMap((image) => {
      const name = printReference(image.reference);
      return image.notices.map((notice) => ({ image: name, notice }));
    }),
  };
}

function countManifests(images: readonly ResolvedImage[]): number {
  const placed = images.flatMap((image) => {
    const repository = formatRepository(image.target);
    return image.manifests.map((document) => `${repository}@${document.descriptor.digest}`);
  });
  return new Set(placed).size;
}

function sizeOfBlobs(image: ResolvedImage): number {
  const sizes = new Map<Digest, number>(image.blobs.map((blob) => [blob.digest, blob.size]));
  return sum([...sizes.values()]);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
