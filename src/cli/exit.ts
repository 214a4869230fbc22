/**
 * Codes become exit statuses; `docs/errors.md` lists them.
 *
 * | status | meaning |
 * |---|---|
 * | 0 | everything asked for stands |
 * | 1 | a defect of the program |
 * | 2 | the command, an input or a lock is wrong; nothing was written |
 * | 3, 4 | the source, or the target, could not do it; also when every image failed for such a reason |
 * | 5 | content or a verification does not match |
 * | 6 | some images failed, the rest stand |
 * | 130 | interrupted |
 *
 * `egress`: 3 where a required name has no address, 4 where something required is not open, 5 where something answers or was contacted
 * that nothing declares.
 */
import { type AirgapError, type End, type ErrorCode, isAirgapError } from '../errors.ts';

export const exitCodes = {
  ok: 0,
  defect: 1,
  usage: 2,
  source: 3,
  target: 4,
  mismatch: 5,
  partial: 6,
  interrupted: 130,
} as const;

type Class = 'usage' | 'end' | 'target' | 'mismatch' | 'interrupted';

const classes: Readonly<Record<ErrorCode, Class>> = {
  ERR_USAGE: 'usage',
  ERR_INPUT_INVALID: 'usage',
  ERR_REFERENCE_INVALID: 'usage',
  ERR_LOCK_INVALID: 'usage',
  ERR_MIRROR_CONFLICT: 'usage',
  ERR_NOT_FOUND: 'end',
  ERR_UNAUTHORIZED: 'end',
  ERR_DENIED: 'end',
  ERR_RATE_LIMITED: 'end',
  ERR_UNREACHABLE: 'end',
  ERR_PROTOCOL: 'end',
  ERR_UNSUPPORTED: 'end',
  ERR_TIMEOUT: 'end',
  ERR_NO_SPACE: 'target',
  ERR_DIGEST_MISMATCH: 'mismatch',
  ERR_SIZE_MISMATCH: 'mismatch',
  ERR_INTERRUPTED: 'interrupted',
};

/**
 * The status for one thrown thing. An end that is not known counts as the source: that is where every run begins.
 * What is not supported at no end was refused before anything was contacted.
 */
export function exitCodeFor(thrown: unknown): number {
  if (!isAirgapError(thrown)) return exitCodes.defect;
  if (thrown.code === 'ERR_UNSUPPORTED' && thrown.end === undefined) return exitCodes.usage;
  const kind = classes[thrown.code];
  return kind === 'end' ? endCode(thrown.end) : exitCodes[kind];
}

function endCode(end: End | undefined): number {
  return end === 'target' ? exitCodes.target : exitCodes.source;
}

export interface RunOutcome {
  /** Images that stand, those an earlier run completed included. */
  readonly complete: number;
  readonly failures: readonly AirgapError[];
  /** Findings of the verification. */
  readonly findings: number;
}

/**
 * The status of a whole run. Findings weigh most: what was reported complete is not. When no image stands and all failed
 * at the same end, the status says which end; otherwise a failure among images that stand is 6.
 */
export function exitCodeOfRun(outcome: RunOutcome): number {
  if (outcome.findings > 0) return exitCodes.mismatch;
  if (outcome.failures.length === 0) return exitCodes.ok;
  const statuses = new Set(outcome.failures.map(exitCodeFor));
  const [only] = statuses;
  return outcome.complete === 0 && statuses.size === 1 && only !== undefined ? only : exitCodes.partial;
}
