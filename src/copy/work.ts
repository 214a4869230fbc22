/** What is left to do: a plan minus what a survey found. Pure. */
import type { Descriptor } from '../oci/descriptor.ts';
import type { RepositoryName } from '../oci/reference.ts';
import type { Plan, PlannedBlob } from '../plan/plan.ts';
import { contentKey, type SurveyAnswers, tagKey } from './survey.ts';

/** One blob's work: at most one journey from upstream, the rest inside the target. */
export interface BlobWork {
  readonly descriptor: Descriptor;
  /** Upstream repositories that have it. */
  readonly from: readonly RepositoryName[];
  /** Target repositories that have it already. */
  readonly present: readonly RepositoryName[];
  /** Target repositories that need it. */
  readonly missing: readonly RepositoryName[];
  /** Where no target repository of the plan has it: another one of the target that does, from which it is taken. */
  readonly elsewhere?: RepositoryName;
}

export interface Work {
  readonly blobs: readonly BlobWork[];
  readonly totals: WorkTotals;
}

export interface WorkTotals {
  /** Unique blobs of the plan and their bytes. */
  readonly blobs: number;
  readonly bytes: number;
  /** What has to come from upstream. */
  readonly moveBlobs: number;
  readonly moveBytes: number;
  /** Placements that another repository of the target can give. */
  readonly mounts: number;
  readonly mountBytes: number;
  /** Placements that are there already. */
  readonly presentBlobs: number;
  readonly presentBytes: number;
  readonly manifests: number;
  readonly missingManifests: number;
  readonly missingTags: number;
}

export function workOf(plan: Plan, survey: SurveyAnswers): Work {
  const blobs = plan.blobs.map((blob) => blobWork(blob, survey));
  return { blobs, totals: totalsOf(plan, { blobs, survey }) };
}

function blobWork(blob: PlannedBlob, survey: SurveyAnswers): BlobWork {
  const isThere = (repository: RepositoryName) => survey.present.has(contentKey(repository, blob.descriptor.digest));
  const present = blob.to.filter(isThere);
  const elsewhere = present.length === 0 ? survey.elsewhere?.get(blob.descriptor.digest) : undefined;
  return {
    descriptor: blob.descriptor,
    from: blob.from,
    present,
    missing: blob.to.filter((repository) => !isThere(repository)),
    ...(elsewhere && { elsewhere }),
  };
}

/** Where inside the target a blob can be taken from; undefined for one that has to come from upstream. */
export function homeOf({ present, elsewhere }: BlobWork): RepositoryName | undefined {
  return present[0] ?? elsewhere;
}

function totalsOf(
  plan: Plan,
  known: { readonly blobs: readonly BlobWork[]; readonly survey: SurveyAnswers },
): WorkTotals {
  const sum = { moveBlobs: 0, moveBytes: 0, mounts: 0, mountBytes: 0, presentBlobs: 0, presentBytes: 0 };
  for (const blob of known.blobs) {
    const { descriptor, present, missing } = blob;
    const moves = homeOf(blob) === undefined && missing.length > 0 ? 1 : 0;
    const mounts = missing.length - moves;
    sum.moveBlobs += moves;
    sum.moveBytes += moves * descriptor.size;
    sum.mounts += mounts;
    sum.mountBytes += mounts * descriptor.size;
    sum.presentBlobs += present.length;
    sum.presentBytes += present.length * descriptor.size;
  }
  const bytes = plan.blobs.reduce((total, blob) => total + blob.descriptor.size, 0);
  return { blobs: plan.blobs.length, bytes, ...sum, ...documentTotals(plan, known.survey) };
}

function documentTotals(
  plan: Plan,
  survey: SurveyAnswers,
): Pick<WorkTotals, 'manifests' | 'missingManifests' | 'missingTags'> {
  const manifests = new Map<string, boolean>();
  const tags = new Map<string, boolean>();
  for (const image of plan.images) {
    for (const { descriptor } of image.manifests) {
      const key = contentKey(image.target, descriptor.digest);
      manifests.set(key, survey.present.has(key));
    }
    for (const { tag, digest } of image.tags) {
      const key = tagKey(image.target, tag);
      tags.set(key, survey.tags.get(key) === digest);
    }
  }
  const absent = (known: ReadonlyMap<string, boolean>) => [...known.values()].filter((there) => !there).length;
  return { manifests: manifests.size, missingManifests: absent(manifests), missingTags: absent(tags) };
}
