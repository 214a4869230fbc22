/**
 * The rooms called in order on given ends. Text goes in at one end (see `input/`), mirrored and verified images and their lock
 * come out at the other. This file knows no end: it is given a source and a target.
 */
import { copyPlan } from './copy/copier.ts';
import { withFallbackTags } from './copy/fallback.ts';
import type { Receipt } from './copy/receipt.ts';
import type { CopySettings, UploadMemory } from './copy/settings.ts';
import { type SurveyAnswers, Surveyor } from './copy/survey.ts';
import { type Work, workOf } from './copy/work.ts';
import type { AirgapError } from './errors.ts';
import { type EventSink, noEvents } from './events.ts';
import { placeImages } from './input/place.ts';
import type { RequestedImage, RequestedReference } from './input/requested.ts';
import { sumContacts } from './lock/contacts.ts';
import type { Contact, Lock, LockedImage } from './lock/lock.ts';
import type { Mirror, MirrorRule } from './mirror/rule.ts';
import type { Digest } from './oci/digest.ts';
import type { RepositoryName } from './oci/reference.ts';
import { printAsked } from './oci/retag.ts';
import { planImages } from './plan/build.ts';
import { checkConflicts } from './plan/conflicts.ts';
import { lockedImageOf, lockOf } from './plan/lock-of.ts';
import { originTexts } from './plan/origins.ts';
import type { Plan } from './plan/plan.ts';
import type { SparseQuestion } from './resolve/choice.ts';
import { resolveImages } from './resolve/resolve.ts';
import type { PlatformWish } from './resolve/resolved.ts';
import { findUnchanged, knownKey, type UnchangedResult } from './resolve/unchanged.ts';
import { throwIfAborted } from './store/interruption.ts';
import type { Source, Target } from './store/store.ts';
import type { Verification } from './verify/verification.ts';
import { VerificationRun } from './verify/verify.ts';

/** Everything one run needs. Nothing here is read from the environment. */
export interface MirrorJob {
  readonly requests: readonly RequestedReference[];
  readonly rule: MirrorRule;
  readonly source: Source;
  readonly target: Target;
  /** As nodes will use them; empty when the endpoint is not known. */
  readonly mirrors: readonly Mirror[];
  readonly wish: PlatformWish;
  /** Default true: signatures and referrers travel with their image. */
  readonly signatures?: boolean;
  /** Default false: foreign layers stay where they are. */
  readonly includeForeign?: boolean;
  /** The lock an earlier run left for this target: what it vouches for and both ends confirm is not looked at again. */
  readonly previous?: Lock | undefined;
  /** The lock that stands where the new one goes: what it says of contacts is added to, where both have an image at one place. Default: `previous`. */
  readonly earlier?: Lock | undefined;
  /** Make no write request of any kind. Default false. */
  readonly dryRun?: boolean;
  /** Ask the target for every manifest and blob even when `previous` vouches for them. Default false. */
  readonly recheck?: boolean;
  readonly copy?: Partial<CopySettings>;
  /** Where interrupted uploads are remembered between processes. Default: nowhere. */
  readonly uploads?: UploadMemory | undefined;
  /** What `--to` said, for the commands that repair a finding. Default: the rule's registry. */
  readonly repairTarget?: string | undefined;
  /** Called when the plan is known and before the target is asked what it has: for a target that lays everything out in advance. Default: none, and the target is asked while images are still being resolved. */
  readonly reserve?: ((plan: Plan) => void | Promise<void>) | undefined;
  /** Other repositories of the target that may have a blob, which is then taken from there. Default: none is looked at. */
  readonly base?: ReadonlyMap<Digest, readonly RepositoryName[]> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink;
}

export interface ResolveFailure {
  readonly image: RequestedImage;
  readonly error: AirgapError;
}

/** The state before anything is written. */
export interface Prepared {
  readonly plan: Plan;
  readonly survey: SurveyAnswers;
  readonly work: Work;
  /** Images that could not be resolved; the others go on. */
  readonly failures: readonly ResolveFailure[];
}

export interface MirrorResult extends Prepared {
  readonly receipt: Receipt;
  readonly verification: Verification;
  /** Complete images of this run, and those carried over unchanged. */
  readonly lock: Lock;
}

/** Which hosts were contacted, told by whoever opened the ends. May name one several times: they are summed. */
export type ContactsOf = () => readonly Contact[];

/** Resolves, plans and asks the target what it has. Writes nothing. Throws ERR_MIRROR_CONFLICT, and what the target throws. */
export async function prepareMirror(job: MirrorJob): Promise<Prepared> {
  const events = job.events ?? noEvents;
  const requested = placeImages(job.rule, job.requests);
  events({ type: 'phase', phase: 'resolve' });
  const { unchanged, changed } = await compareWithLock(job, requested);
  const surveyor = new Surveyor({ target: job.target, base: job.base, signal: job.signal });
  const { images: found, failures } = await resolveImages(changed, {
    source: job.source,
    wish: job.wish,
    signatures: job.signatures ?? true,
    includeForeign: job.includeForeign ?? false,
    sparse: sparseQuestion(job),
    ...(job.reserve === undefined ? { onResolved: (image) => surveyor.ask(image) } : {}),
    signal: job.signal,
    events,
  });
  const images = await withFallbackTags(found, { target: job.target, signal: job.signal });
  checkConflicts(images, unchanged);
  const plan = planImages(images, unchanged);
  await job.reserve?.(plan);
  for (const image of images) surveyor.ask(image);
  events({ type: 'phase', phase: 'survey' });
  const survey = await surveyor.finish();
  return { plan, survey, work: workOf(plan, survey), failures };
}

/** Copies what is missing, checks every image as soon as it is complete, and says what stands. Throws what `signal` was aborted with. */
export async function copyAndVerify(job: MirrorJob, prepared: Prepared, contacts: ContactsOf): Promise<MirrorResult> {
  const events = job.events ?? noEvents;
  const { plan, survey, work } = prepared;
  const check = checkOf(job, plan.images.length);
  events({ type: 'phase', phase: 'copy' });
  const receipt = await copyPlan(plan, {
    source: job.source,
    target: job.target,
    survey,
    work,
    ...(job.copy === undefined ? {} : { settings: job.copy }),
    uploads: job.uploads,
    events,
    signal: job.signal,
    onImage: (image) => {
      if (image.status === 'complete') check.add(lockedImageOf(image.image));
    },
  });
  throwIfAborted(job.signal);
  events({ type: 'phase', phase: 'verify' });
  const verification = await check.finish();
  return {
    ...prepared,
    receipt,
    verification,
    lock: lockAfter(job, { plan, receipt, verification, contacts: contacts() }),
  };
}

async function compareWithLock(job: MirrorJob, requested: readonly RequestedImage[]): Promise<UnchangedResult> {
  const locked = job.recheck === true ? [] : (job.previous?.images ?? []);
  if (locked.length === 0) return { unchanged: [], changed: requested };
  return await findUnchanged(requested, {
    known: new Map(locked.map((image) => [knownKey(image), image])),
    source: job.source,
    target: job.target,
    wish: job.wish,
    signatures: job.signatures ?? true,
    signal: job.signal,
  });
}

/** Asked once per target: registries do not differ by repository. A dry run does not write to find out and expects the worst. */
function sparseQuestion(job: MirrorJob): SparseQuestion {
  const { target, signal, dryRun } = job;
  let answer: Promise<boolean> | undefined;
  const ask = async (name: RepositoryName): Promise<boolean> => {
    const accepts = await target.acceptsSparseIndex?.(name, { signal, mayWrite: dryRun !== true });
    if (accepts !== undefined) return accepts;
    const message = `whether the target takes an index without all its children is only tried when copying; this plan expects that it does not`;
    if (dryRun === true) job.events?.({ type: 'notice', message });
    return false;
  };
  return (name) => {
    answer ??= ask(name);
    return answer;
  };
}

function checkOf(job: MirrorJob, total: number): VerificationRun {
  return new VerificationRun({
    target: job.target,
    mirrors: job.rule.naming === 'keep' ? [] : job.mirrors,
    prefix: job.rule.prefix,
    repairTarget: job.repairTarget ?? job.rule.registry,
    signal: job.signal,
    events: job.events,
    total,
  });
}

/** What stands now: images of this run that are complete and without a finding, and those the previous lock vouched for that did not change. What was not asked for in this run is left out. */
function lockAfter(
  job: MirrorJob,
  run: {
    readonly plan: Plan;
    readonly receipt: Receipt;
    readonly verification: Verification;
    readonly contacts: readonly Contact[];
  },
): Lock {
  const faulty = new Set(run.verification.findings.map(({ image }) => image));
  const complete = run.receipt.images
    .filter(({ status, image }) => status === 'complete' && !faulty.has(printAsked(image)))
    .map(({ image }) => image);
  const lock = lockOf(complete, {
    rule: job.rule,
    mirrors: job.mirrors,
    contacts: [],
    carried: carriedImages(job, run.plan),
  });
  return { ...lock, contacts: sumContacts([...contactsBefore(job, lock), ...run.contacts]) };
}

/** What was seen of the network goes on as long as the lock is about some of the same images, whatever became of them. */
function contactsBefore({ earlier, previous }: MirrorJob, lock: Lock): readonly Contact[] {
  const before = earlier ?? previous;
  const known = new Set(before?.images.map(knownKey));
  return before !== undefined && lock.images.some((image) => known.has(knownKey(image))) ? before.contacts : [];
}

function carriedImages(job: MirrorJob, { unchanged }: Plan): LockedImage[] {
  const asked = new Map(unchanged.map((image) => [knownKey({ ...image, source: image.reference }), image]));
  return (job.previous?.images ?? []).flatMap((locked) => {
    const image = asked.get(knownKey(locked));
    return image === undefined ? [] : [{ ...locked, origins: originTexts(image.origins) }];
  });
}
