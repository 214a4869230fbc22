/** What went wrong in one attempt, in our words, and whether it is worth repeating. */
import { AirgapError, type ErrorCode, type ErrorDetails, isAirgapError } from '../errors.ts';
import { ExchangeError } from './exchange.ts';
import { tlsHint } from './tls-hint.ts';
import { ProxyRefusal } from './tunnel.ts';

/** `quick`: twice, for a host that is not there. `at-once`: once without delay, for a kept connection that had gone stale. */
export type Repeat = 'never' | 'backoff' | 'quick' | 'at-once' | 'paused';

/** One attempt that failed. */
export class AttemptFailure extends Error {
  readonly error: AirgapError;
  readonly repeat: Repeat;
  /** True when the other side did nothing: repeating is safe for every request whose body is still there. */
  readonly undone: boolean;

  constructor(error: AirgapError, facts: { readonly repeat: Repeat; readonly undone: boolean }) {
    super(error.message, { cause: error });
    this.name = 'AttemptFailure';
    this.error = error;
    this.repeat = facts.repeat;
    this.undone = facts.undone;
  }
}

export interface Asked {
  /** True when the host answered before: one that refuses connections now is probably starting again. Default false. */
  readonly answeredBefore?: boolean;
  readonly action: string;
  readonly host: string;
  readonly end: 'source' | 'target';
  readonly idleTimeoutMs: number;
}

interface Finding {
  readonly code: ErrorCode;
  readonly state: string;
  readonly repeat: Repeat;
  readonly hint?: string;
}

const silent = 'run again: what has arrived stays; a slow host needs a longer idle timeout';
const broken = 'run again: what has arrived stays; if it stays so, look at proxies and firewalls in between';

const tlsCodes = /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH|CRL_|ERROR_IN_CERT)/;
const closedCodes = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNABORTED',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_INFO',
]);
const unreachableCodes = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What a request without an answer means. */
export function explainNoAnswer(thrown: unknown, asked: Asked): AttemptFailure {
  const started = thrown instanceof ExchangeError && thrown.started;
  const reused = thrown instanceof ExchangeError && thrown.reused;
  const cause = thrown instanceof ExchangeError ? thrown.cause : thrown;
  if (isAirgapError(cause)) return new AttemptFailure(cause, { repeat: 'never', undone: false });
  const finding = findingOf(cause, { asked, started });
  const stale = reused && closedCodes.has(codeOf(cause));
  return new AttemptFailure(errorOf(finding, asked, cause), {
    repeat: stale ? 'at-once' : finding.repeat,
    undone: !started,
  });
}

/** What a failure in the middle of an answer's body means. Always worth opening again, unless we caused it. */
export function explainCutBody(thrown: unknown, asked: Asked & { readonly received: number }): AirgapError {
  if (isAirgapError(thrown)) return thrown;
  const code = codeOf(thrown);
  const after = `after ${asked.received} bytes`;
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    const state = `${asked.host} sent nothing for ${seconds(asked.idleTimeoutMs)} ${after}`;
    return errorOf({ code: 'ERR_TIMEOUT', state, repeat: 'backoff', hint: silent }, asked, thrown);
  }
  const state = isParserError(thrown)
    ? `answer of ${asked.host} is malformed ${after}`
    : `connection to ${asked.host} was cut ${after}`;
  return errorOf({ code: 'ERR_UNREACHABLE', state, repeat: 'backoff', hint: broken }, asked, thrown);
}

function findingOf(cause: unknown, known: { readonly asked: Asked; readonly started: boolean }): Finding {
  const { asked, started } = known;
  const { host } = asked;
  const code = codeOf(cause);
  if (cause instanceof ProxyRefusal) return proxyFinding(cause, host);
  if (code === 'ENOTFOUND') {
    return {
      code: 'ERR_UNREACHABLE',
      state: `the name ${host} is not known`,
      repeat: 'quick',
      hint:
        asked.end === 'source'
          ? 'check the name and the DNS settings; without internet here read through a cache (--source-endpoint), a proxy (HTTPS_PROXY), or from a copy (--from)'
          : 'check the name and the DNS settings',
    };
  }
  if (code === 'EAI_AGAIN') {
    return { code: 'ERR_UNREACHABLE', state: `the name ${host} cannot be looked up now`, repeat: 'backoff' };
  }
  if (code === 'ECONNREFUSED') {
    return {
      code: 'ERR_UNREACHABLE',
      state: `${host} refused the connection`,
      repeat: asked.answeredBefore === true ? 'backoff' : 'quick',
      hint: 'is it running, and is the port right',
    };
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return {
      code: 'ERR_TIMEOUT',
      state: `${host} sent nothing for ${seconds(asked.idleTimeoutMs)}`,
      repeat: 'backoff',
      hint: silent,
    };
  }
  if (code === 'EPROTO' || tlsCodes.test(code)) return tlsFinding(cause, host);
  if (unreachableCodes.has(code)) {
    const hint = 'check the network, and firewalls in between';
    return { code: 'ERR_UNREACHABLE', state: `${host} cannot be reached (${code})`, repeat: 'backoff', hint };
  }
  if (closedCodes.has(code)) {
    const state = started ? `${host} closed the connection before it answered` : `${host} closed the connection`;
    return { code: 'ERR_UNREACHABLE', state, repeat: 'backoff', hint: broken };
  }
  if (isParserError(cause)) {
    return { code: 'ERR_PROTOCOL', state: `answer of ${host} is malformed`, repeat: 'backoff' };
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return { code: 'ERR_PROTOCOL', state: `answer of ${host} has too many headers`, repeat: 'never' };
  }
  return unknownFinding(cause, host);
}

function unknownFinding(cause: unknown, host: string): Finding {
  const code = codeOf(cause);
  const state = `exchange with ${host} failed${code === '' ? '' : ` (${code})`}`;
  // Errors of the program itself (a bad argument) are not worth repeating; what the system reports is.
  const system = cause instanceof Error && 'syscall' in cause;
  return { code: 'ERR_UNREACHABLE', state, repeat: system || code.startsWith('UND_ERR_RES') ? 'backoff' : 'never' };
}

function tlsFinding(cause: unknown, host: string): Finding {
  const code = codeOf(cause);
  const message = cause instanceof Error ? cause.message : '';
  const plain = /wrong.version.number|packet.length.too.long/i.test(`${code} ${message}`);
  if (plain) {
    return {
      code: 'ERR_UNREACHABLE',
      state: `${host} does not speak TLS`,
      repeat: 'never',
      hint: 'if it serves plain HTTP, write it as http://',
    };
  }
  if (/CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|ALERT_BAD_CERTIFICATE/.test(code)) {
    return {
      code: 'ERR_UNREACHABLE',
      state: `TLS with ${host} failed (${code})`,
      repeat: 'never',
      hint: 'the host may ask for a client certificate',
    };
  }
  return { code: 'ERR_UNREACHABLE', state: `TLS with ${host} failed (${code})`, repeat: 'never', hint: tlsHint(code) };
}

function proxyFinding(refusal: ProxyRefusal, host: string): Finding {
  const state = `proxy ${refusal.proxyHost} answered ${refusal.status} when asked for ${host}`;
  if (refusal.status === 407) {
    return {
      code: 'ERR_UNAUTHORIZED',
      state,
      repeat: 'never',
      hint: 'put user name and password into the URL of the proxy',
    };
  }
  if (refusal.status >= 500 || refusal.status === 429) return { code: 'ERR_UNREACHABLE', state, repeat: 'backoff' };
  return { code: 'ERR_DENIED', state, repeat: 'never' };
}

function errorOf(finding: Finding, asked: Asked, cause: unknown): AirgapError {
  const details: ErrorDetails = {
    cause,
    end: asked.end,
    host: asked.host,
    retryable: finding.repeat !== 'never',
    ...(finding.hint === undefined ? {} : { hint: finding.hint }),
  };
  return new AirgapError(finding.code, `Cannot ${asked.action}: ${finding.state}`, details);
}

/** The same error with another answer to whether repeating may help. */
export function withRetryable(error: AirgapError, retryable: boolean): AirgapError {
  const { cause, end, host, reference, digest, origins, hint, status } = error;
  const known = { cause, end, host, reference, digest, hint, status };
  const details = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return new AirgapError(error.code, error.message, { ...details, origins, retryable });
}

/** What an aborted signal means: its own reason where that is an error of ours, else ERR_TIMEOUT or ERR_INTERRUPTED. */
export function explainAbort(signal: AbortSignal, action: string): AirgapError {
  const reason: unknown = signal.reason;
  if (isAirgapError(reason)) return reason;
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new AirgapError('ERR_TIMEOUT', `Cannot ${action}: out of time`, { cause: reason });
  }
  return new AirgapError('ERR_INTERRUPTED', `Cannot ${action}: interrupted`, { cause: reason });
}

/** The code of an error or, where several addresses were tried, of the first that has one. */
export function codeOf(cause: unknown): string {
  if (!(cause instanceof Error)) return '';
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof AggregateError ? codeOf(cause.errors[0]) : '';
}

function isParserError(cause: unknown): boolean {
  return cause instanceof Error && (cause.name === 'HTTPParserError' || codeOf(cause).startsWith('HPE_'));
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** Whatever an attempt threw, as a failure; what is no AirgapError is a defect and thrown again. */
export function asFailure(
  thrown: unknown,
  job: { readonly signal: AbortSignal; readonly action: string; readonly end: Asked['end'] },
): AttemptFailure {
  if (job.signal.aborted) {
    return new AttemptFailure(explainAbort(job.signal, job.action), { repeat: 'never', undone: false });
  }
  if (thrown instanceof AttemptFailure) return thrown;
  if (!isAirgapError(thrown)) throw thrown;
  // What is worth repeating here went wrong before the request itself was sent: on the way to a token.
  const repeat = thrown.retryable ? 'backoff' : 'never';
  return new AttemptFailure(thrown.with({ end: job.end }), { repeat, undone: true });
}
