/** What a run cannot bring: known before anything is written, so that one complete list can say it. */
import { isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference } from '../oci/reference.ts';
import type { Plan } from '../plan/plan.ts';
import type { Source } from '../store/store.ts';
import { type BlobWork, homeOf, type Work } from './work.ts';

/** A blob that neither end has, with the images that need it, in the plan's order. */
export interface AbsentBlob {
  readonly descriptor: Descriptor;
  readonly images: readonly Reference[];
}

/**
 * Blobs that have to come from the source and that none of its repositories has, in the plan's order. Asks for each of them once.
 * Throws what the source throws, except that it does not have something or does not give it to us.
 */
export async function absentEverywhere(
  { plan, work }: { readonly plan: Plan; readonly work: Work },
  options: { readonly source: Source; readonly signal?: AbortSignal | undefined },
): Promise<readonly AbsentBlob[]> {
  const wanted = work.blobs.filter((blob) => blob.missing.length > 0 && homeOf(blob) === undefined);
  const answers = await Promise.all(wanted.map((blob) => isAtSource(blob, options)));
  const absent = wanted.filter((_, at) => answers[at] === false);
  if (absent.length === 0) return [];
  const images = imagesByBlob(plan);
  return absent.map(({ descriptor }) => ({ descriptor, images: images.get(descriptor.digest) ?? [] }));
}

async function isAtSource(
  { descriptor, from }: BlobWork,
  { source, signal }: { readonly source: Source; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  for (const repository of from) {
    try {
      if (await source.repository(repository).exists(descriptor, { signal })) return true;
    } catch (error) {
      if (!isAirgapError(error) || !['ERR_NOT_FOUND', 'ERR_DENIED'].includes(error.code)) throw error;
    }
  }
  return false;
}

function imagesByBlob(plan: Plan): ReadonlyMap<Digest, readonly Reference[]> {
  const images = new Map<Digest, Reference[]>();
  for (const image of plan.images) {
    for (const { digest } of image.blobs) {
      const known = images.get(digest);
      if (known === undefined) images.set(digest, [image.reference]);
      else if (known.at(-1) !== image.reference) known.push(image.reference);
    }
  }
  return images;
}
