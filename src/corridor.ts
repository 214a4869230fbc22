/**
 * The rooms called in order on given ends. Text goes in at one end (see `input/`), mirrored and verified images and their lock
 * come out at the other. This file knows no end: it is given a source and a target.
 */
import type { AirgapError } from './errors.ts';
import type { CopySettings, UploadMemory } from './copy/settings.ts';
import type { Receipt } from './copy/receipt.ts';
import type { SurveyAnswers } from './copy/survey.ts';
import type { Work } from './copy/work.ts';
import type { EventSink } from './events.ts';
import type { RequestedImage, RequestedReference } from './input/requested.ts';
import type { Contact, Lock } from './lock/lock.ts';
import type { Mirror, MirrorRule } from './mirror/rule.ts';
import type { Plan } from './plan/plan.ts';
import type { PlatformWish } from './resolve/resolved.ts';
import type { Source, Target } from './store/store.ts';
import type { Verification } from './verify/verification.ts';

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
  /** Ask the target for every manifest and blob even when `previous` vouches for them. Default false. */
  readonly recheck?: boolean;
  readonly copy?: Partial<CopySettings>;
  /** Where interrupted uploads are remembered between processes. Default: nowhere. */
  readonly uploads?: UploadMemory | undefined;
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

/** Which hosts were contacted, told by whoever opened the ends. */
export type ContactsOf = () => readonly Contact[];
