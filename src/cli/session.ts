/** What every command that contacts an end has: its settings, a reporter, and a signal that also knows `--timeout`. */
import { AirgapError, isAirgapError } from '../errors.ts';
import { ContactLog } from './contact-log.ts';
import type { Context } from './context.ts';
import { errorFields } from './error-text.ts';
import { exitCodeFor } from './exit.ts';
import { createReporter } from './report/create.ts';
import type { Reporter } from './report/reporter.ts';
import { timeText } from './report/text.ts';
import type { Settings } from './settings.ts';

export interface Session {
  readonly settings: Settings;
  readonly context: Context;
  readonly reporter: Reporter;
  /** Width that text on standard output should keep to; undefined where that is no terminal. */
  readonly columns: number | undefined;
  /** Aborted with an AirgapError when a person or the clock ends the run. */
  readonly signal: AbortSignal;
  /** Whom this run contacted. */
  readonly contacts: ContactLog;
  /** `performance.now()` when the work began. */
  readonly startedAt: number;
}

export interface SessionOptions {
  readonly settings: Settings;
  readonly context: Context;
  /** Print events as JSON lines with --json; without, JSON is one document and progress stays readable. Default false. */
  readonly eventLines?: boolean;
}

/**
 * Runs `work` with a reporter that is closed whatever happens. Whatever is thrown after the signal was aborted is the
 * signal's reason: what broke because of an interrupt is not what went wrong.
 */
export async function inSession(options: SessionOptions, work: (session: Session) => Promise<number>): Promise<number> {
  const { settings, context } = options;
  const clock = new AbortController();
  const timer = startTimeout(settings.timeoutMs, clock);
  const signal = AbortSignal.any([context.signal, clock.signal]);
  const json = settings.output.json && options.eventLines === true;
  const reporter = createReporter({ ...settings.output, json, stdout: context.stdout, stderr: context.stderr });
  try {
    const contacts = new ContactLog(context.env);
    const known = { settings, context, reporter, signal, contacts, startedAt: performance.now() };
    return await work({
      ...known,
      get columns() {
        return context.stdout.isTTY === true ? context.stdout.columns || undefined : undefined;
      },
    });
  } catch (thrown) {
    const error: unknown = signal.aborted && isAirgapError(signal.reason) ? signal.reason : thrown;
    reporter.result({ exitCode: exitCodeFor(error), error: errorFields(error) });
    throw error;
  } finally {
    clearTimeout(timer);
    reporter.close();
  }
}

/** Throws the reason once the run was ended from outside. */
export function goOn(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw isAirgapError(signal.reason) ? signal.reason : new AirgapError('ERR_INTERRUPTED', 'Cannot go on: interrupted');
}

function startTimeout(timeoutMs: number | undefined, clock: AbortController): NodeJS.Timeout | undefined {
  if (timeoutMs === undefined) return undefined;
  const end = (): void =>
    clock.abort(
      new AirgapError('ERR_TIMEOUT', `Cannot go on: the run took longer than ${timeText(timeoutMs)}`, {
        hint: 'run the same command again: it copies only what is missing; --timeout sets the limit',
      }),
    );
  return setTimeout(end, timeoutMs);
}
