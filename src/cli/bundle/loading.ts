/** A mirror out of a bundle: its lock is the input, what it expects at the receiver is looked for first, and volumes that are not here are named. */
import { absentEverywhere } from '../../copy/absent.ts';
import type { MirrorResult, Prepared } from '../../corridor.ts';
import { AirgapError } from '../../errors.ts';
import type { EventSink } from '../../events.ts';
import { requestsFromLock } from '../../input/merge.ts';
import type { RequestedReference } from '../../input/requested.ts';
import type { Lock, LockedImage } from '../../lock/lock.ts';
import { parseLock } from '../../lock/parse.ts';
import { sortLock } from '../../lock/print.ts';
import { type MirrorRule, placeRepository } from '../../mirror/rule.ts';
import type { Digest } from '../../oci/digest.ts';
import { isRepositoryPath, parseRepository, printReference, type RepositoryName } from '../../oci/reference.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { entryNames } from '../../store/bundle/set.ts';
import { printLocation } from '../../store/location.ts';
import type { Target } from '../../store/store.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { verifyLock } from '../../verify/verify.ts';
import { type Failure, failuresOf } from '../failures.ts';
import { mirrorsFor } from '../placing.ts';
import { counted, sizeText } from '../report/text.ts';
import type { Session } from '../session.ts';
import { missingVolumeText } from './bundle-text.ts';

/** What a bundle says is in it, and what it expects to find. */
export interface BundleInputs {
  /** Images the bundle holds, pinned by the lock inside. Undefined for an archive without a lock. */
  readonly requests: readonly RequestedReference[] | undefined;
  /** Images the receiver has whole, which are in the lock and not in the bundle. */
  readonly expected: readonly LockedImage[];
  readonly talos: TalosVersion | undefined;
}

/** A source that is a bundle. */
export interface BundleLoading {
  readonly bundle: BundleSource;
  /** Images that are expected at the target already; empty where images were named. */
  readonly expected: Lock;
}

interface LoadingRun {
  readonly ends: { readonly target: Target };
}

/** Reads the lock inside. Throws ERR_LOCK_INVALID. */
export async function bundleInputs(bundle: BundleSource): Promise<BundleInputs> {
  const talos = bundle.set?.talos === undefined ? undefined : parseTalosVersion(bundle.set.talos);
  const bytes = await bundle.file(entryNames.lock);
  if (bytes === undefined) return { requests: undefined, expected: [], talos };
  const lock = parseLock(Buffer.from(bytes).toString('utf8'), `${entryNames.lock} in ${bundle.place}`);
  const isHere = (image: LockedImage): boolean => bundle.promises(image.digest);
  return {
    requests: requestsFromLock({ ...lock, images: lock.images.filter(isHere) }),
    expected: lock.images.filter((image) => !isHere(image)),
    talos,
  };
}

/** Repositories of the target that may have what the bundle left out. */
export function baseRepositories(
  bundle: BundleSource,
  rule: MirrorRule,
): ReadonlyMap<Digest, readonly RepositoryName[]> {
  const base = new Map<Digest, readonly RepositoryName[]>();
  for (const { digest, upstream, repositories } of bundle.set?.base ?? []) {
    const placed = upstream.map((name) => placeRepository(rule, parseRepository(name)));
    const known = repositories.filter(isRepositoryPath).map((repository) => ({ registry: rule.registry, repository }));
    base.set(digest, rule.naming === 'keep' ? placed : [...placed, ...known]);
  }
  return base;
}

/** The expected images where this target would have them. */
export function expectedLock(
  expected: readonly LockedImage[],
  place: { readonly rule: MirrorRule; readonly endpoint: string | undefined; readonly perRegistry: boolean },
): Lock {
  const images = expected.map((image) => ({ ...image, target: placeRepository(place.rule, image.source) }));
  const mirrors = mirrorsFor(
    images.map(({ source }) => ({ reference: source })),
    place,
  );
  return { version: 1, rule: place.rule, mirrors, images, contacts: [] };
}

/**
 * Before anything is written: everything the bundle left out has to stand at the target. Throws ERR_NOT_FOUND with the complete
 * list of what does not. Content in volumes that are not here is no reason: it comes later.
 */
async function refuseAbsent(
  session: Session,
  load: {
    readonly bundle: BundleSource;
    readonly target: Target;
    readonly prepared: Prepared;
    readonly expected: Lock;
    readonly repairTarget: string;
  },
): Promise<void> {
  const { bundle, target, prepared, expected, repairTarget } = load;
  const absent = (await absentEverywhere(prepared, { source: bundle, signal: session.signal })).filter(
    ({ descriptor }) => !bundle.promises(descriptor.digest),
  );
  const lines = absent.map(
    ({ descriptor, images }) =>
      `blob ${descriptor.digest} (${sizeText(descriptor.size)}) of ${images.map(printReference).join(', ')}`,
  );
  if (expected.images.length > 0) {
    const { findings } = await verifyLock(expected, { target, repairTarget, signal: session.signal });
    lines.push(...findings.map(({ image, message }) => `${image}: ${message}`));
  }
  if (lines.length === 0) return;
  const text = [
    `Cannot load ${bundle.place}: it was made for a receiver that has more, and ${counted(lines.length, 'part')} ${lines.length === 1 ? 'is' : 'are'} not here`,
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
  throw new AirgapError('ERR_NOT_FOUND', text, {
    end: 'target',
    hint: 'nothing was written; load the earlier bundle first, or make one with a receipt of this target: airgap receipt',
  });
}

/** What is to be known before the first byte is written: volumes that are not here, and what the bundle takes for granted. */
export async function beforeLoading(
  session: Session,
  started: { readonly run: LoadingRun; readonly loading: BundleLoading; readonly prepared: Prepared },
): Promise<void> {
  const { run, loading, prepared } = started;
  const missing = missingVolumeText(loading.bundle);
  if (missing !== undefined) session.reporter.event({ type: 'notice', message: missing, isWarning: true });
  await refuseAbsent(session, {
    ...loading,
    prepared,
    target: run.ends.target,
    repairTarget: printLocation(session.settings.to),
  });
}

/** Images the receiver had before, and which were looked for before anything was written, stand like the others. */
export function withExpected(result: MirrorResult, expected: Lock): MirrorResult {
  if (expected.images.length === 0) return result;
  const { lock } = result;
  const served = new Set(lock.mirrors.map(({ registry }) => registry));
  const mirrors = [...lock.mirrors, ...expected.mirrors.filter(({ registry }) => !served.has(registry))];
  return { ...result, lock: sortLock({ ...lock, mirrors, images: [...lock.images, ...expected.images] }) };
}

export interface Settled {
  /** Those that wait have the error that says so, in one text for all that wait for the same. */
  readonly failures: readonly Failure[];
  /** Images, as printed, that wait for volumes. */
  readonly waiting: ReadonlySet<string>;
}

/** After the copy: parts of blobs whose other volumes are still to come are kept, and images that wait say for which. */
export async function settleVolumes(
  bundle: BundleSource,
  ended: { readonly result: MirrorResult; readonly signal: AbortSignal },
): Promise<Settled> {
  const { result, signal } = ended;
  const failures = failuresOf(result);
  if (failures.length === 0) await bundle.unstage();
  else await bundle.stage({ signal });
  const blobs = new Map(result.plan.images.map((image) => [printReference(image.reference), image.blobs]));
  const waiting = new Set<string>();
  const told = failures.map((failure) => {
    const name = printReference(failure.image.reference);
    const error = waitingError(
      bundle,
      (blobs.get(name) ?? []).map(({ digest }) => digest),
    );
    if (error === undefined) return failure;
    waiting.add(name);
    return { ...failure, error: error.forImage(name, failure.error.origins) };
  });
  return { failures: told, waiting };
}

/** While images wait for volumes, each saying so by itself would say the same many times. */
export function withoutWaiting(bundle: BundleSource, events: EventSink): EventSink {
  if (bundle.missingVolumes.length === 0) return events;
  return (event) => {
    if (event.type !== 'image:failed' || event.code !== 'ERR_NOT_FOUND') events(event);
  };
}

/** The error of an image that waits for volumes, one text for all that wait for the same. */
function waitingError(bundle: BundleSource, digests: Iterable<Digest>): AirgapError | undefined {
  const volumes = new Set<number>();
  for (const digest of digests) for (const volume of bundle.absentVolumes(digest)) volumes.add(volume);
  if (volumes.size === 0 || bundle.set === undefined) return undefined;
  const numbers = [...volumes].sort((a, b) => a - b).join(', ');
  const [what, are, it] = volumes.size === 1 ? ['volume', 'is', 'it'] : ['volumes', 'are', 'them'];
  const state = `${what} ${numbers} of ${bundle.set.volumes} of set ${bundle.set.id.slice(0, 8)} ${are} not here`;
  return new AirgapError('ERR_NOT_FOUND', `Cannot complete an image: ${state}`, {
    end: 'source',
    hint: `bring ${it} and run the same command again: what was here is loaded and stays`,
  });
}
