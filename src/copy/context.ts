/** What the parts of the copier share during one run. */
import type { AirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Source, Target } from '../store/store.ts';
import type { Meters } from './meter.ts';
import type { ExtraStreams } from './ranges.ts';
import type { CopySettings, UploadMemory } from './settings.ts';

export interface CopyContext {
  readonly source: Source;
  readonly target: Target;
  readonly settings: CopySettings;
  readonly uploads: UploadMemory;
  readonly meters: Meters;
  readonly extra: ExtraStreams;
  readonly events: EventSink;
  readonly signal?: AbortSignal | undefined;
  readonly hopeless: Hopeless;
}

/**
 * Ends that are beyond hope for this run: a target that is full or gone, an upstream registry that does not answer after all
 * retries. What needs them fails at once with the same error instead of trying each in turn. An end that still answers, if only to
 * refuse one blob, is not among them.
 */
export class Hopeless {
  #target: AirgapError | undefined;
  readonly #registries = new Map<string, AirgapError>();

  /** Remembers the error if it condemns a whole end. `registry`: the upstream registry that was asked, as references name it. */
  note(error: AirgapError, registry?: string): void {
    if (error.code === 'ERR_INTERRUPTED' || error.code === 'ERR_NO_SPACE') this.#target ??= error;
    else if (error.retryable || !condemns(error)) return;
    else if (error.end === 'target') this.#target ??= error;
    else if (error.end === 'source' && registry !== undefined) this.#registries.set(registry, error);
  }

  /** Throws if the target, or the given upstream registry, is beyond hope. */
  check(registry?: string): void {
    const error = this.#target ?? (registry === undefined ? undefined : this.#registries.get(registry));
    if (error !== undefined) throw error;
  }
}

/** True for what would meet every other request to the same end too, once the retries are used up. */
function condemns({ code, status }: AirgapError): boolean {
  if (code === 'ERR_RATE_LIMITED') return true;
  return (code === 'ERR_UNREACHABLE' || code === 'ERR_TIMEOUT') && (status === undefined || status === 503);
}
