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
 * Ends that are beyond hope for this run: a target that is full or gone, an upstream host that does not answer after all retries.
 * What needs them fails at once with the same error instead of trying each in turn.
 */
export class Hopeless {
  #target: AirgapError | undefined;
  readonly #hosts = new Map<string, AirgapError>();

  /** Remembers the error if it condemns a whole end. */
  note(error: AirgapError): void {
    if (error.code === 'ERR_INTERRUPTED' || error.code === 'ERR_NO_SPACE') this.#target ??= error;
    else if (!condemning.has(error.code)) return;
    else if (error.end === 'target') this.#target ??= error;
    else if (error.end === 'source' && error.host !== undefined) this.#hosts.set(error.host, error);
  }

  /** Throws if the target, or the given upstream host, is beyond hope. */
  check(host?: string): void {
    const error = this.#target ?? (host === undefined ? undefined : this.#hosts.get(host));
    if (error !== undefined) throw error;
  }
}

/** Errors that would meet every other request to the same end too, once the retries are used up. */
const condemning = new Set(['ERR_UNREACHABLE', 'ERR_RATE_LIMITED']);
