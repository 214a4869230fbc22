/** Refusals: answers that say no, with the error body of the distribution-spec v1.1 ("Error Codes"). */
import type { ErrorCode } from '../errors.ts';
import { isAirgapError } from '../errors.ts';
import { errorBody, type WireErrorCode } from '../oci/distribution.ts';

/** A status and the specification's code that goes with it. */
export interface Answer {
  readonly status: number;
  readonly code: WireErrorCode;
}

export interface RefusalDetails {
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by whatever handles a request; becomes the answer. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: WireErrorCode;
  readonly detail: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(answer: Answer, message: string, details: RefusalDetails = {}) {
    super(message);
    this.status = answer.status;
    this.code = answer.code;
    this.detail = details.detail;
    this.headers = details.headers ?? {};
  }

  /** The JSON body. */
  body(): string {
    return `${errorBody(this.code, this.message, this.detail)}\n`;
  }
}

/** The refusals there are, by the spec's code, with the status that goes with each. */
export const refusals = {
  blobUnknown: { status: 404, code: 'BLOB_UNKNOWN' },
  uploadInvalid: { status: 400, code: 'BLOB_UPLOAD_INVALID' },
  uploadUnknown: { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  rangeInvalid: { status: 416, code: 'BLOB_UPLOAD_INVALID' },
  rangeUnsatisfiable: { status: 416, code: 'SIZE_INVALID' },
  digestInvalid: { status: 400, code: 'DIGEST_INVALID' },
  manifestBlobUnknown: { status: 400, code: 'MANIFEST_BLOB_UNKNOWN' },
  manifestInvalid: { status: 400, code: 'MANIFEST_INVALID' },
  manifestUnknown: { status: 404, code: 'MANIFEST_UNKNOWN' },
  nameInvalid: { status: 400, code: 'NAME_INVALID' },
  nameUnknown: { status: 404, code: 'NAME_UNKNOWN' },
  notFound: { status: 404, code: 'UNSUPPORTED' },
  paginationInvalid: { status: 400, code: 'UNSUPPORTED' },
  sizeInvalid: { status: 400, code: 'SIZE_INVALID' },
  unauthorized: { status: 401, code: 'UNAUTHORIZED' },
  tooLarge: { status: 413, code: 'SIZE_INVALID' },
  methodNotAllowed: { status: 405, code: 'UNSUPPORTED' },
  badRequest: { status: 400, code: 'UNSUPPORTED' },
  tooSlow: { status: 408, code: 'UNSUPPORTED' },
  targetTooLong: { status: 414, code: 'UNSUPPORTED' },
  headersTooLarge: { status: 431, code: 'UNSUPPORTED' },
  busy: { status: 503, code: 'TOOMANYREQUESTS' },
  noSpace: { status: 507, code: 'UNKNOWN' },
  internal: { status: 500, code: 'UNKNOWN' },
} as const satisfies Record<string, Answer>;

/** The refusal of a method; `allow` lists those that are possible, as the header does. */
export function notAllowed(method: string, allow: string): Refusal {
  return new Refusal(refusals.methodNotAllowed, `${method} is not possible here`, { headers: { allow } });
}

/** What a store's error means to whoever asked over HTTP. */
const meanings: Partial<Record<ErrorCode, Answer>> = {
  ERR_NOT_FOUND: refusals.notFound,
  ERR_UNAUTHORIZED: refusals.unauthorized,
  ERR_DENIED: { status: 403, code: 'DENIED' },
  ERR_RATE_LIMITED: { status: 429, code: 'TOOMANYREQUESTS' },
  ERR_UNREACHABLE: { status: 502, code: 'UNKNOWN' },
  ERR_TIMEOUT: { status: 504, code: 'UNKNOWN' },
  ERR_UNSUPPORTED: { status: 405, code: 'UNSUPPORTED' },
  ERR_NO_SPACE: refusals.noSpace,
  ERR_DIGEST_MISMATCH: refusals.digestInvalid,
  ERR_SIZE_MISMATCH: refusals.sizeInvalid,
};

/** The answer to whatever was thrown. Where content lies on this machine is nobody's business: paths are left out. */
export function refusalFor(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown;
  if (!isAirgapError(thrown)) return new Refusal(refusals.internal, 'internal error');
  const message = thrown.message.replaceAll(/(?:(?:layout|bundle) )?"(?:[A-Za-z]:[\\/]|\/)[^"]*"/g, 'the store');
  return new Refusal(meanings[thrown.code] ?? refusals.internal, message);
}

export function isNotFound(thrown: unknown): boolean {
  return isAirgapError(thrown) && thrown.code === 'ERR_NOT_FOUND';
}

/** True for what a store throws that does not tell what it has: it cannot, or may not. */
export function willNotList(thrown: unknown): boolean {
  return isAirgapError(thrown) && (thrown.code === 'ERR_UNSUPPORTED' || thrown.code === 'ERR_DENIED');
}
