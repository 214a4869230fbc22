/** An answer that is no success, as an error: its status, and what the other side says about it. */
import { AirgapError, type ErrorCode } from '../errors.ts';
import type { Answer } from './connections.ts';
import { type Asked, AttemptFailure, type Repeat } from './failure.ts';

const longestExplanation = 64 * 1024;
const refusedStatuses = new Set([408, 425, 429, 503]);
const repeatedStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Reads the answer's body and says what it means. 401, 403 and 404 are final; 408, 425, 429 and most 5xx are worth repeating. */
export async function explainRefusal(
  answer: Answer,
  asked: Asked & { readonly hint?: string | undefined },
): Promise<AttemptFailure> {
  const { status } = answer;
  const said = await readExplanation(answer);
  const full =
    status === 507 || (status >= 500 && /no space left on device|ENOSPC|disk quota exceeded/i.test(said.raw));
  const repeat: Repeat = full ? 'never' : repeatOf(status);
  const summary = said.summary === '' ? '' : ` ${said.summary}`;
  const error = new AirgapError(
    full ? 'ERR_NO_SPACE' : codeFor(status),
    `Cannot ${asked.action}: ${asked.host} answered ${status}${summary}`,
    {
      end: asked.end,
      host: asked.host,
      status,
      retryable: repeat !== 'never',
      ...hintFor(status, { full, hint: asked.hint }),
    },
  );
  return new AttemptFailure(error, { repeat, undone: refusedStatuses.has(status) });
}

function repeatOf(status: number): Repeat {
  if (status === 429) return 'paused';
  return repeatedStatuses.has(status) ? 'backoff' : 'never';
}

function codeFor(status: number): ErrorCode {
  if (status === 401) return 'ERR_UNAUTHORIZED';
  if (status === 403) return 'ERR_DENIED';
  if (status === 404) return 'ERR_NOT_FOUND';
  if (status === 405 || status === 501) return 'ERR_UNSUPPORTED';
  if (status === 408) return 'ERR_TIMEOUT';
  if (status === 429) return 'ERR_RATE_LIMITED';
  return status >= 500 ? 'ERR_UNREACHABLE' : 'ERR_PROTOCOL';
}

function hintFor(
  status: number,
  known: { readonly full: boolean; readonly hint: string | undefined },
): { readonly hint?: string } {
  if (known.full) return { hint: 'free space at the target, then run again: what has arrived stays' };
  if (known.hint !== undefined && (status === 401 || status === 403)) return { hint: known.hint };
  if (status === 429) return { hint: 'run again later, or sign in for a higher limit' };
  if (status >= 500 && status !== 501)
    return { hint: 'run again later: what has arrived stays; why it fails stands in the log of that host' };
  return {};
}

async function readExplanation(answer: Answer): Promise<{ readonly raw: string; readonly summary: string }> {
  try {
    const raw = await answer.body.text(longestExplanation);
    return { raw, summary: summarise(raw) };
  } catch {
    return { raw: '', summary: '' };
  }
}

/** `CODE (message)` of the first entry of `{"errors": [...]}` (distribution-spec v1.1, "Error Codes"); empty for anything else. */
function summarise(raw: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return '';
  }
  const errors = isObject(parsed) ? parsed.errors : undefined;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  if (!isObject(first)) return '';
  const code = printable(first.code, 60);
  const message = printable(first.message, 200);
  if (code === '') return message === '' ? '' : `(${message})`;
  return message === '' ? code : `${code} (${message})`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** A stranger's text on one line without control characters. */
export function printable(value: unknown, longest: number): string {
  if (typeof value !== 'string') return '';
  const line = value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest)}…` : line;
}
