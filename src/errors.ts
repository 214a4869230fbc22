/**
 * The one error type the program throws on purpose, and the list of its codes.
 * The code is the public contract: it decides the exit status (see `cli/exit.ts`) and is documented in `docs/errors.md`.
 */

export const errorCodes = [
  'ERR_USAGE',
  'ERR_INPUT_INVALID',
  'ERR_REFERENCE_INVALID',
  'ERR_LOCK_INVALID',
  'ERR_MIRROR_CONFLICT',
  'ERR_NOT_FOUND',
  'ERR_UNAUTHORIZED',
  'ERR_DENIED',
  'ERR_RATE_LIMITED',
  'ERR_UNREACHABLE',
  'ERR_PROTOCOL',
  'ERR_UNSUPPORTED',
  'ERR_NO_SPACE',
  'ERR_TIMEOUT',
  'ERR_DIGEST_MISMATCH',
  'ERR_SIZE_MISMATCH',
  'ERR_INTERRUPTED',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Which side of a copy an error came from. */
export type End = 'source' | 'target';

/** Where a request was written: a file and a line, the command line, a catalogue. */
export interface Origin {
  /** File name as given, `-` for standard input, `argument`, `talos v1.14.4`, `talosctl`. */
  readonly document: string;
  /** Line, counted from 1, where the document has lines. */
  readonly line?: number;
}

/** `images.txt:3`, or the document alone where it has no lines. */
export function printOrigin(origin: Origin): string {
  return origin.line === undefined ? origin.document : `${origin.document}:${origin.line}`;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  readonly end?: End | undefined;
  /** The host that was asked, as `host[:port]`. */
  readonly host?: string | undefined;
  /** The image or content concerned, printed as its users write it. */
  readonly reference?: string | undefined;
  readonly digest?: string | undefined;
  /** `file:line` of the documents that asked for it. */
  readonly origins?: readonly string[] | undefined;
  /** What the reader can do about it: one sentence, no full stop. */
  readonly hint?: string | undefined;
  /** True when the same request may succeed if it is repeated. Default false. */
  readonly retryable?: boolean | undefined;
  /** HTTP status, where an answer was received. */
  readonly status?: number | undefined;
}

/** An error with a code. `message` is one line: the action, then the state, values quoted, no full stop. */
export class AirgapError extends Error {
  readonly code: ErrorCode;
  readonly end: End | undefined;
  readonly host: string | undefined;
  readonly reference: string | undefined;
  readonly digest: string | undefined;
  readonly origins: readonly string[];
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly status: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'AirgapError';
    this.code = code;
    this.end = details.end;
    this.host = details.host;
    this.reference = details.reference;
    this.digest = details.digest;
    this.origins = details.origins ?? [];
    this.hint = details.hint;
    this.retryable = details.retryable ?? false;
    this.status = details.status;
  }

  /** The same error with more known about it; what it already knew stays. */
  with(details: ErrorDetails): AirgapError {
    return new AirgapError(this.code, this.message, {
      cause: this.cause ?? details.cause,
      end: this.end ?? details.end,
      host: this.host ?? details.host,
      reference: this.reference ?? details.reference,
      digest: this.digest ?? details.digest,
      hint: this.hint ?? details.hint,
      status: this.status ?? details.status,
      retryable: this.retryable,
      origins: this.origins.length > 0 ? this.origins : details.origins,
    });
  }

  /** The same error, named after the image it was met for and who asked for that; the message still says which part of it. */
  forImage(reference: string, origins: readonly string[]): AirgapError {
    const { code, message, cause, retryable } = this;
    return new AirgapError(code, message, { cause, retryable, reference, origins }).with(this);
  }
}

export function isAirgapError(value: unknown): value is AirgapError {
  return value instanceof AirgapError;
}

/** Any thrown thing as an AirgapError; a foreign one becomes `code` with its message kept as the cause. */
export function toAirgapError(thrown: unknown, code: ErrorCode, action: string): AirgapError {
  if (isAirgapError(thrown)) return thrown;
  const state = thrown instanceof Error ? thrown.message : String(thrown);
  return new AirgapError(code, `${action}: ${state}`, { cause: thrown });
}
