/** One request from the caller's view: attempts until the budget is spent, hops from redirect to redirect, an authorization for each. */
import { linkSignals } from '../async/linked-signal.ts';
import { sleep } from '../async/sleep.ts';
import { AirgapError, isAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Auth } from './auth.ts';
import type { HttpClientSettings, HttpRequest, HttpResponse } from './client.ts';
import type { Answer } from './connections.ts';
import { AttemptFailure, asFailure, explainAbort, withRetryable } from './failure.ts';
import { hostAndPort } from './hosts.ts';
import { isRedirect, mostRedirects, redirectTarget, tooManyRedirects, withoutSecrets } from './redirect.ts';
import { explainRefusal } from './refusal.ts';
import { mayRepeat, RetryBudget, type RetrySettings } from './retry.ts';
import type { Hop, Transport } from './transport.ts';
import { Upload } from './upload.ts';

export interface SendParts {
  readonly transport: Transport;
  readonly auth: () => Auth;
  readonly end: 'source' | 'target';
  readonly retry: RetrySettings;
  readonly beforeLeaving: HttpClientSettings['beforeLeaving'];
  readonly events: EventSink;
  /** Aborted when the run is over or the client is closed. */
  readonly signals: readonly (AbortSignal | undefined)[];
}

/** `registry` requests answer challenges; `token` requests carry what they need in their own headers. */
export type Role = 'registry' | 'token';

interface Job {
  readonly request: HttpRequest;
  readonly role: Role;
  /** `host:port` of the registry it is sent for. */
  readonly registry: string;
  readonly body: Uint8Array | Upload | undefined;
  readonly signal: AbortSignal;
}

/** Fresh URLs asked for when a redirect's target refuses: signed URLs expire. */
const mostRestarts = 2;
const refusedAtTarget = new Set([400, 401, 403]);
/** What is kept of a small body for its reader; the rest of a longer one is streamed. */
const longestSmallBody = 4 * 1024 * 1024;
/** Tokens that went stale in the queue before one is sent anyhow. */
const mostStaleTokens = 3;

export class Sender {
  readonly #parts: SendParts;

  constructor(parts: SendParts) {
    this.#parts = parts;
  }

  /** See HttpClient.send(). `registry` (`host:port`) is who a token is for; other requests go to their own. */
  async send(request: HttpRequest, as: { readonly role: Role; readonly registry?: string }): Promise<HttpResponse> {
    const link = linkSignals([...this.#parts.signals, request.signal]);
    const { action, contentLength } = request;
    const { role, registry = hostAndPort(request.url) } = as;
    const body =
      request.body === undefined || request.body instanceof Uint8Array
        ? request.body
        : new Upload(request.body, { length: contentLength, action });
    try {
      const { answer, url } = await this.#untilSpent({ request, role, registry, body, signal: link.signal });
      answer.body.whenOver(link.unlink);
      return { status: answer.status, headers: answer.headers, url, body: answer.body };
    } catch (error) {
      link.unlink();
      if (body instanceof Upload) body.release();
      throw error;
    }
  }

  async #untilSpent(job: Job): Promise<{ readonly answer: Answer; readonly url: URL }> {
    const budget = new RetryBudget(this.#parts.retry);
    for (;;) {
      try {
        return await this.#attempt(job);
      } catch (thrown) {
        const { signal, request } = job;
        const failure = asFailure(thrown, { signal, action: request.action, end: this.#parts.end });
        await this.#beforeRepeat(failure, { job, budget });
      }
    }
  }

  /** Waits until the attempt may be repeated, or throws its error. */
  async #beforeRepeat(
    failure: AttemptFailure,
    context: { readonly job: Job; readonly budget: RetryBudget },
  ): Promise<void> {
    const { job, budget } = context;
    const { error } = failure;
    const { method, repeatable, action } = job.request;
    const can = mayRepeat(
      {
        repeatable: repeatable ?? (method === 'GET' || method === 'HEAD'),
        bodyIsThere: !(job.body instanceof Upload && job.body.started),
      },
      failure,
    );
    if (!can) throw error;
    const delayMs = budget.next(failure.repeat);
    if (delayMs === undefined) throw withRetryable(error, false);
    this.#parts.events({
      type: 'http:retry',
      host: error.host ?? job.request.url.host,
      method,
      attempt: budget.attempts,
      delayMs: Math.round(delayMs),
      message: error.message,
    });
    try {
      await sleep(delayMs, job.signal);
    } catch {
      throw explainAbort(job.signal, action);
    }
  }

  async #attempt(job: Job): Promise<{ readonly answer: Answer; readonly url: URL }> {
    const { request } = job;
    const first = request.url;
    const follows = request.method === 'GET' || request.method === 'HEAD';
    let url = first;
    let redirects = 0;
    let restarts = 0;
    for (;;) {
      const answer = await this.#authorised(job, url);
      const { status } = answer;
      if (status >= 200 && status < 300) {
        await untilArrived(answer, request);
        return { answer, url };
      }
      if (follows && isRedirect(status)) {
        const from = url;
        redirects += 1;
        await answer.body.discard();
        url = redirectTarget(answer.headers.location, { url: from, first, action: request.action });
        if (redirects > mostRedirects) throw tooManyRedirects(request.action, from);
        await this.#parts.beforeLeaving?.({ from: from.host, to: url, why: 'redirect', action: request.action });
      } else if (url.origin !== first.origin && refusedAtTarget.has(status) && restarts < mostRestarts) {
        await answer.body.discard();
        restarts += 1;
        redirects = 0;
        url = first;
      } else if (request.accept?.includes(status) === true) {
        return { answer, url };
      } else {
        throw await this.#refusal(answer, { job, url });
      }
    }
  }

  async #authorised(job: Job, url: URL): Promise<Answer> {
    const { request, registry, signal } = job;
    const wish = { url, scopes: request.scopes ?? [], action: request.action, registry, signal };
    const auth = this.#parts.auth();
    let refusedTokens = 0;
    let stale = 0;
    for (;;) {
      const grant = job.role === 'token' ? undefined : await auth.grantFor(wish);
      const usable = stale >= mostStaleTokens || grant === undefined;
      const stillValid = () => usable || grant.validUntil > performance.now();
      const answer = await this.#parts.transport.exchange(
        this.#hop(job, { url, authorization: grant?.header, stillValid }),
      );
      if (answer === undefined) {
        stale += 1;
        continue;
      }
      if (answer.status !== 401 || job.role === 'token') return answer;
      if (grant?.token !== undefined) refusedTokens += 1;
      const again = await this.#worthAsking(answer, () =>
        auth.refused(wish, { header: answer.headers['www-authenticate'], grant }),
      );
      if (!again || refusedTokens > 1) return answer;
      if (job.body instanceof Upload && job.body.started) throw await this.#staleToken(answer, { job, url });
      await answer.body.discard();
    }
  }

  async #worthAsking(answer: Answer, ask: () => Promise<boolean>): Promise<boolean> {
    try {
      return await ask();
    } catch (error) {
      await answer.body.discard();
      throw error;
    }
  }

  #hop(
    job: Job,
    at: { readonly url: URL; readonly authorization: string | undefined; readonly stillValid: () => boolean },
  ): Hop {
    const { request, role, registry, body, signal } = job;
    const elsewhere = at.url.origin !== request.url.origin;
    const headers = elsewhere ? withoutSecrets(request.headers ?? {}) : { ...request.headers };
    if (at.authorization !== undefined) headers.authorization = at.authorization;
    return {
      method: request.method,
      url: at.url,
      headers,
      body,
      contentLength: request.contentLength,
      kind: request.kind ?? 'small',
      onlyIfIdle: request.onlyIfIdle ?? false,
      beyondLimit: request.beyondLimit ?? false,
      purpose: elsewhere ? 'redirect' : role,
      registry,
      action: request.action,
      signal,
      stillValid: at.stillValid,
    };
  }

  async #refusal(answer: Answer, context: { readonly job: Job; readonly url: URL }): Promise<AttemptFailure> {
    const { job, url } = context;
    const asked = this.#parts.transport.asked({ action: job.request.action, url });
    const hints = (answer.status === 401 || answer.status === 403) && job.role === 'registry';
    const hint = hints ? await this.#parts.auth().hintFor(url, this.#parts.end) : undefined;
    const failure = await explainRefusal(answer, { ...asked, hint });
    if (job.role !== 'token' || failure.error.code !== 'ERR_NOT_FOUND') return failure;
    // Not the image is missing but the token service.
    const { message, host, end, status } = failure.error;
    const details = { ...(host && { host }), ...(end && { end }), ...(status && { status }) };
    return new AttemptFailure(new AirgapError('ERR_PROTOCOL', message, details), failure);
  }

  /** A token was refused while its request's body was on its way: the next try gets a fresh one. */
  async #staleToken(answer: Answer, context: { readonly job: Job; readonly url: URL }): Promise<AttemptFailure> {
    const { error } = await this.#refusal(answer, context);
    return new AttemptFailure(withRetryable(error, true), { repeat: 'backoff', undone: true });
  }
}

/**
 * A small body is read before it is handed on, so that a connection cut in its middle is one more thing to repeat.
 * Not so where the caller goes on by itself after a cut: with a bulk body, and where it works with ranges (takes a 416 as answer).
 */
async function untilArrived(answer: Answer, request: HttpRequest): Promise<void> {
  const resumes = request.kind === 'bulk' || request.accept?.includes(416) === true;
  if (request.method !== 'GET' || resumes) return;
  try {
    await answer.body.arrived(longestSmallBody);
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    throw new AttemptFailure(error, { repeat: error.retryable ? 'backoff' : 'never', undone: false });
  }
}
