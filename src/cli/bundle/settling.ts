/** The end of a load: images that wait for volumes say so, damage is told by the file it is in, and parts of blobs wait for the rest. */
import type { MirrorResult } from '../../corridor.ts';
import { AirgapError, isAirgapError } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { printAsked } from '../../oci/retag.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { shortSetId } from '../../store/bundle/set.ts';
import { type Failure, failuresOf } from '../failures.ts';
import { volumeWords } from './bundle-text.ts';
import type { BundleLoading } from './loading.ts';

export interface Settled {
  /** Those that wait have the error that says so, in one text for all that wait for the same. */
  readonly failures: readonly Failure[];
  /** Images, as printed, that wait for volumes. */
  readonly waiting: ReadonlySet<string>;
  /** What kept parts from being put aside. */
  readonly problem: AirgapError | undefined;
}

/** After the copy: parts of blobs whose other volumes are still to come are kept, and images that wait say for which. Throws when interrupted. */
export async function settleVolumes(
  loading: BundleLoading,
  ended: { readonly result: MirrorResult; readonly signal: AbortSignal },
): Promise<Settled> {
  const { bundle, isWhole, wrong } = loading;
  const { result, signal } = ended;
  const damage = new Map<Digest, AirgapError>();
  for (const digest of wrong) {
    const error = await bundle.blame(digest, { signal });
    if (error !== undefined) damage.set(digest, error);
  }
  const told = failuresOf(result);
  const only = isWhole
    ? undefined
    : new Set(result.plan.images.flatMap((image) => image.blobs.map(({ digest }) => digest)));
  const work = told.length === 0 ? bundle.unstage({ only }) : bundle.stage({ signal, only });
  const problem = await Promise.resolve(work).then(() => undefined, problemOrThrow);
  const blobs = new Map(
    result.plan.images.map((image) => [printAsked(image), image.blobs.map(({ digest }) => digest)]),
  );
  const needed = new Set(
    result.work.blobs.flatMap(({ descriptor, missing }) => (missing.length > 0 ? descriptor.digest : [])),
  );
  const waiting = new Set<string>();
  const failures = told.map((failure) => {
    const name = printAsked(failure.image);
    const digests = blobs.get(name) ?? [];
    const found = digests.map((digest) => damage.get(digest)).find((error) => error !== undefined);
    const error =
      found ??
      (mayWait(failure)
        ? waitingError(
            bundle,
            digests.filter((digest) => needed.has(digest)),
          )
        : undefined);
    if (error === undefined) return failure;
    if (found === undefined) waiting.add(name);
    return { ...failure, error: error.forImage(name, failure.error.origins) };
  });
  return {
    failures,
    waiting,
    problem: problem !== undefined && told.length > 0 && isTold(problem, damage) ? undefined : problem,
  };
}

/** Whatever else went wrong is told, though the image waits as well. */
function mayWait({ error }: Failure): boolean {
  return error.code === 'ERR_NOT_FOUND' && error.end !== 'target';
}

function problemOrThrow(error: unknown): AirgapError {
  if (isAirgapError(error) && error.code !== 'ERR_INTERRUPTED') return error;
  throw error;
}

/** Whether the failure of an image says the same. */
function isTold({ message }: AirgapError, damage: ReadonlyMap<Digest, AirgapError>): boolean {
  return [...damage.values()].some((error) => error.message === message);
}

/**
 * Events of a load, with content that came with wrong bytes noted in `wrong`. While volumes are missing, images that cannot be had are told
 * at the end alone: each saying by itself that it waits would say the same many times.
 */
export function watchLoading(
  { bundle, wrong }: { readonly bundle: BundleSource; readonly wrong: Set<Digest> },
  events: EventSink,
): EventSink {
  return (event) => {
    if (event.type === 'blob:failed' && isDamage(event.code) && isDigest(event.digest)) wrong.add(event.digest);
    const mayWait = event.type === 'image:failed' && event.code === 'ERR_NOT_FOUND' && bundle.missingVolumes.length > 0;
    if (!mayWait) events(event);
  };
}

function isDamage(code: string): boolean {
  return code === 'ERR_DIGEST_MISMATCH' || code === 'ERR_SIZE_MISMATCH';
}

/** The error of an image that waits for volumes, one text for all that wait for the same. */
function waitingError(bundle: BundleSource, digests: Iterable<Digest>): AirgapError | undefined {
  const volumes = new Set<number>();
  for (const digest of digests) for (const volume of bundle.absentVolumes(digest)) volumes.add(volume);
  if (volumes.size === 0 || bundle.set === undefined) return undefined;
  const { which, are, it } = volumeWords([...volumes].sort((a, b) => a - b));
  const state = `${which} of ${bundle.set.volumes} of set ${shortSetId(bundle.set.id)} ${are} not here`;
  return new AirgapError('ERR_NOT_FOUND', `Cannot complete an image: ${state}`, {
    end: 'source',
    hint: `bring ${it} and run the same command again: what was here is loaded and stays`,
  });
}
