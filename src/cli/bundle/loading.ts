/** A mirror out of a bundle: its lock is the input, what it expects at the receiver is looked for first, and volumes that are not here are named. */
import { absentEverywhere } from '../../copy/absent.ts';
import type { MirrorResult, Prepared } from '../../corridor.ts';
import { AirgapError } from '../../errors.ts';
import { requestsFromLock } from '../../input/merge.ts';
import type { RequestedReference } from '../../input/requested.ts';
import type { Lock, LockedImage } from '../../lock/lock.ts';
import { sortLock } from '../../lock/print.ts';
import { type MirrorRule, placeRepository } from '../../mirror/rule.ts';
import type { Digest } from '../../oci/digest.ts';
import {
  formatRepository,
  isRepositoryPath,
  parseRepository,
  printReference,
  type RepositoryName,
} from '../../oci/reference.ts';
import { printRetag } from '../../oci/retag.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { entryNames } from '../../store/bundle/set.ts';
import { printLocation } from '../../store/location.ts';
import type { Target } from '../../store/store.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Finding } from '../../verify/verification.ts';
import { verifyLock } from '../../verify/verify.ts';
import { mirrorsFor, placedBy } from '../placing.ts';
import { counted, imageName, sizeText } from '../report/text.ts';
import type { Session } from '../session.ts';
import { missingVolumeText } from './bundle-text.ts';
import { lockInside } from './open-bundle.ts';
import { refuseTampered } from './reading-all.ts';

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
  /** Nothing was named: all of the bundle is wanted. */
  readonly isWhole: boolean;
  /** Content that came with wrong bytes, as the run goes on. */
  readonly wrong: Set<Digest>;
}

interface LoadingRun {
  readonly ends: { readonly target: Target };
}

/** Reads the lock inside. Throws ERR_LOCK_INVALID. */
export async function bundleInputs(bundle: BundleSource): Promise<BundleInputs> {
  const talos = bundle.set?.talos === undefined ? undefined : parseTalosVersion(bundle.set.talos);
  const lock = await lockInside(bundle);
  if (lock === undefined) return { requests: undefined, expected: [], talos };
  const isHere = (image: LockedImage): boolean => bundle.promises(image.digest);
  return {
    requests: requestsFromLock({ ...lock, images: lock.images.filter(isHere).map(asked) }),
    expected: lock.images.filter((image) => !isHere(image)).map(asked),
    talos,
  };
}

/** Images that were named and that a delta leaves to the receiver are looked for there like all others; without names all of them are. */
export function splitExpected(
  requests: readonly RequestedReference[],
  about: { readonly expected: readonly LockedImage[]; readonly whole: boolean },
): { readonly requests: readonly RequestedReference[]; readonly expected: readonly LockedImage[] } {
  const { expected, whole } = about;
  if (whole) return { requests, expected };
  const isNamed = ({ source, retag, digest }: LockedImage, { reference, retag: place }: RequestedReference): boolean =>
    formatRepository(source) === formatRepository(reference) &&
    (retag && printRetag(retag)) === (place && printRetag(place)) &&
    (reference.digest === undefined ? source.tag === reference.tag : digest === reference.digest);
  return {
    requests: requests.filter((request) => !expected.some((image) => isNamed(image, request))),
    expected: expected.filter((image) => requests.some((request) => isNamed(image, request))),
  };
}

/** Who asked was left on the other side. */
function asked(image: LockedImage): LockedImage {
  return image.origins.length > 0 ? image : { ...image, origins: [entryNames.lock] };
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
export function expectedLock(expected: readonly LockedImage[], place: Parameters<typeof mirrorsFor>[1]): Lock {
  const images = placedBy(place.rule, expected);
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
      `blob ${descriptor.digest} (${sizeText(descriptor.size)}) of ${images.map((image) => imageName(printReference(image))).join(', ')}`,
  );
  if (expected.images.length > 0) {
    const { findings } = await verifyLock(expected, { target, repairTarget, signal: session.signal });
    lines.push(...findingTexts(findings));
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

/** One line for each image: a missing tag says that it is not there at all, and stands for what else is missing of it. */
function findingTexts(findings: readonly Finding[]): string[] {
  const first = new Map<string, Finding>();
  for (const finding of findings) {
    const known = first.get(finding.image);
    if (known === undefined || weight(finding) > weight(known)) first.set(finding.image, finding);
  }
  return [...first].map(([image, { message }]) => `${imageName(image)}: ${message}`);
}

/** The image's own tag says most, then that of a signature, then the rest. */
function weight({ kind, message }: Finding): number {
  if (kind !== 'tag-missing') return 0;
  return /^tag "sha(?:256|512)-/.test(message) ? 1 : 2;
}

/** What is to be known before the first byte is written: volumes that are not here, and what the bundle takes for granted. */
export async function beforeLoading(
  session: Session,
  started: { readonly run: LoadingRun; readonly loading: BundleLoading; readonly prepared: Prepared },
): Promise<void> {
  const { run, loading, prepared } = started;
  const missing = missingVolumeText(loading.bundle);
  if (missing !== undefined) session.reporter.event({ type: 'notice', message: missing, isWarning: true });
  await refuseTampered(session, loading.bundle);
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
