/** An answer that is no success, read and understood (OCI distribution-spec v1.1, "Error Codes"). */
import { AirgapError, type End, type ErrorCode } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import { parseErrorBody, type WireError } from '../../oci/distribution.ts';

const bodyLimit = 64 * 1024;
const takesNoPushes = 'a read-only registry or a pull-through cache takes no pushes; a proxy before it may forbid them';

export interface RefusedRequest {
  /** What was tried, for messages: `fetch manifest`. */
  readonly action: string;
  /** What it was tried on, printed. */
  readonly reference: string;
  readonly end: End;
  readonly host: string;
}

export interface RefusalDetails {
  readonly code?: ErrorCode;
  readonly retryable?: boolean;
  readonly hint?: string;
  readonly digest?: string;
}

export class Refusal {
  readonly status: number;
  readonly #request: RefusedRequest;
  readonly #errors: readonly WireError[];

  constructor(response: { readonly status: number; readonly text: string }, request: RefusedRequest) {
    this.status = response.status;
    this.#errors = parseErrorBody(response.text);
    this.#request = request;
  }

  /** True when the registry gave this error code. */
  has(code: string): boolean {
    return this.#errors.some((error) => error.code.toUpperCase() === code);
  }

  /** True for "no such method here": 405, 501, or the code UNSUPPORTED. */
  get notSupported(): boolean {
    return this.status === 405 || this.status === 501 || this.has('UNSUPPORTED');
  }

  /** The error for it: by default as its status means. */
  error(details: RefusalDetails = {}): AirgapError {
    const { action, reference, end, host } = this.#request;
    const usual = meaningOf(this.status);
    const hint = details.hint ?? (this.notSupported && end === 'target' ? takesNoPushes : undefined);
    return new AirgapError(
      details.code ?? usual.code,
      `Cannot ${action} "${reference}": registry answered ${this.status}${this.#told()}`,
      {
        end,
        host,
        reference,
        status: this.status,
        retryable: details.retryable ?? usual.retryable,
        ...(hint === undefined ? {} : { hint }),
        ...(details.digest === undefined ? {} : { digest: details.digest }),
      },
    );
  }

  #told(): string {
    const [first] = this.#errors;
    if (first === undefined) return '';
    const codes = [...new Set(this.#errors.map((error) => error.code))].slice(0, 3).join(' ');
    const message = first.message.replace(/\.+$/, '');
    return ` ${codes}${message === '' ? '' : ` (${message})`}`;
  }
}

/** Reads the body, at most 64 KiB of it; a body that cannot be read is as good as none. */
export async function readRefusal(response: HttpResponse, request: RefusedRequest): Promise<Refusal> {
  let text = '';
  try {
    text = await response.body.text(bodyLimit);
  } catch {
    // The status says enough.
  }
  return new Refusal({ status: response.status, text }, request);
}

interface Meaning {
  readonly code: ErrorCode;
  readonly retryable: boolean;
}

function meaningOf(status: number): Meaning {
  if (status === 401) return { code: 'ERR_UNAUTHORIZED', retryable: false };
  if (status === 403) return { code: 'ERR_DENIED', retryable: false };
  if (status === 404 || status === 410) return { code: 'ERR_NOT_FOUND', retryable: false };
  if (status === 405 || status === 501) return { code: 'ERR_UNSUPPORTED', retryable: false };
  if (status === 429) return { code: 'ERR_RATE_LIMITED', retryable: true };
  if (status >= 500) return { code: 'ERR_UNREACHABLE', retryable: true };
  return { code: 'ERR_PROTOCOL', retryable: status === 408 || status === 425 };
}
