/** Sends each question of a node once per run, and looks for one thing step by step as containerd does. */
import { type Limit, limitTo } from '../../async/limit.ts';
import { type AirgapError, toAirgapError } from '../../errors.ts';
import { imageCacheEndpoint } from '../../node/node-pull.ts';
import type { NodePull, PullStep } from '../../node/pull.ts';
import type { Digest } from '../../oci/digest.ts';
import { readAnswer } from './read-answer.ts';
import { type NodeAnswer, type NodeRequest, type NodeTransport, OffSite } from './transport.ts';
import type { Asked, LookedFor, Trail } from './verdict.ts';

/** How often a blob is read again after it broke off. */
const readAgain = 2;

/** Bytes of answers that are kept for the whole run. */
const mostKept = 64 * 1024 * 1024;

const ownCache = 'the image cache of the node itself cannot be asked from here: taken as empty';

/** What came of one request. */
export interface Reply {
  readonly asked: Asked;
  /** An answer of 2xx. */
  readonly ok: boolean;
  /** Of a GET whose body is kept. */
  readonly bytes?: Uint8Array;
  /** Bytes and digest of a GET whose body is only read. */
  readonly read?: { readonly size: number; readonly digest: Digest };
}

export interface Question {
  readonly method: 'HEAD' | 'GET';
  readonly url: (step: PullStep) => string;
  readonly accept: string;
  readonly action: string;
  /** What a GET's body is for: kept whole, up to 4 MiB, or hashed and let go; either is left at the piece that goes beyond that. */
  readonly body?: 'keep' | { readonly hash: Digest; readonly size: number };
}

/** How looking for one thing ended. */
export type Outcome =
  | { readonly kind: 'answered'; readonly reply: Reply; readonly step: PullStep }
  /** Every step said 404. */
  | { readonly kind: 'absent'; readonly last: Asked }
  /** The next step is not on site. */
  | { readonly kind: 'leaves'; readonly host: string; readonly last: Asked | undefined }
  /** The first that is no 404: a refusal, or no answer at all. */
  | { readonly kind: 'refused'; readonly refused: Asked }
  /** No step could be asked. */
  | { readonly kind: 'problem'; readonly problem: string; readonly endpoint: string | undefined };

export interface AskerOptions {
  readonly transport: NodeTransport;
  /** Others are not asked: the pull leaves the site there. */
  readonly isOnSite: (step: PullStep) => boolean;
  /** Questions under way at once. Default 16. */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Looked {
  readonly trail: Trail;
  readonly outcome: Outcome;
}

export class Asker {
  readonly #options: AskerOptions;
  readonly #slots: Limit;
  readonly #replies = new Map<string, Promise<Reply>>();
  /** Endpoints that never answered, with what was said of them: one that is off is not waited for again and again. */
  readonly #silent = new Map<string, string>();
  readonly #answered = new Set<string>();
  #requests = 0;
  #kept = 0;

  constructor(options: AskerOptions) {
    this.#options = options;
    this.#slots = limitTo(options.concurrency ?? 16);
  }

  /** Requests sent so far. */
  get requests(): number {
    return this.#requests;
  }

  /**
   * Asks step by step. Whatever a step answers but 2xx, and no answer either, leads to the next one (containerd v2.1,
   * core/remotes/docker/resolver.go Resolve() and fetcher.go Fetch()). A step that is not on site ends it.
   */
  async look(
    pull: NodePull,
    question: Question,
    sought: { readonly purpose: LookedFor; readonly what: string; readonly onlyOn404?: boolean },
  ): Promise<Looked> {
    const asked: Asked[] = [];
    const trail = { purpose: sought.purpose, what: sought.what, asked };
    let refused: Asked | undefined;
    let sent: Asked | undefined;
    for (const step of pull.steps) {
      if (step.problem !== undefined) continue;
      if (!this.#options.isOnSite(step)) {
        const last = sent ?? asked.at(-1);
        return { trail: { ...trail, leavesTo: step.host }, outcome: { kind: 'leaves', host: step.host, last } };
      }
      if (step.endpoint === imageCacheEndpoint) {
        asked.push({ method: question.method, url: question.url(step), said: ownCache });
        continue;
      }
      const reply = await this.#askAgainByGet(pull, { step, question, asked });
      asked.push(reply.asked);
      if (reply.ok) return { trail, outcome: { kind: 'answered', reply, step } };
      if (reply.asked.sentTo !== undefined) sent ??= reply.asked;
      if (reply.asked.status !== 404) refused ??= reply.asked;
      if (refused !== undefined && sought.onlyOn404 === true) break;
    }
    return { trail, outcome: outcomeOf(pull, { sent, refused, last: asked.at(-1) }) };
  }

  /** A manifest that is refused to HEAD with 405 is asked for by GET (containerd, core/remotes/docker/resolver.go, retryRequest()). */
  async #askAgainByGet(
    pull: NodePull,
    { step, question, asked }: { readonly step: PullStep; readonly question: Question; readonly asked: Asked[] },
  ): Promise<Reply> {
    const reply = await this.ask(pull, step, question);
    if (question.method === 'GET' || reply.asked.status !== 405) return reply;
    asked.push(reply.asked);
    return await this.ask(pull, step, { ...question, method: 'GET' });
  }

  /** One request to one step. Never throws but when interrupted. */
  ask(pull: NodePull, step: PullStep, question: Question): Promise<Reply> {
    const { method, accept, action } = question;
    const url = question.url(step);
    const kind = typeof question.body === 'object' ? 'hash' : (question.body ?? '');
    const key = JSON.stringify([method, url, accept, kind, step.tls, step.auth]);
    const known = this.#replies.get(key);
    if (known !== undefined) return known;
    const request: NodeRequest = {
      step,
      method,
      url,
      accept,
      repository: pull.image.repository,
      isBulk: kind === 'hash',
      action,
    };
    const reply = this.#slots(() => this.#send(request, question));
    this.#replies.set(key, reply);
    void reply.then(({ bytes }) => this.#forget(key, bytes?.length ?? 0)).catch(() => undefined);
    return reply;
  }

  /** What is kept beyond the limit is asked for again when it is needed again. */
  #forget(key: string, bytes: number): void {
    if (this.#kept + bytes > mostKept) this.#replies.delete(key);
    else this.#kept += bytes;
  }

  async #send(request: NodeRequest, question: Question): Promise<Reply> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const { method, url } = request;
    const { base } = request.step;
    const silent = this.#silent.get(base);
    if (silent !== undefined) return { asked: { method, url, said: silent }, ok: false };
    return await this.#attempt(request, { question, attempt: 0 });
  }

  /** A blob that breaks off in its middle is read again; a node goes on where it was. */
  async #attempt(
    request: NodeRequest,
    { question, attempt }: { readonly question: Question; readonly attempt: number },
  ): Promise<Reply> {
    const { signal } = this.#options;
    const { method, url } = request;
    const { base } = request.step;
    this.#requests += 1;
    try {
      const answer = await this.#options.transport.ask(request);
      this.#answered.add(base);
      return { asked: askedOf(request, answer), ok: true, ...(await readAnswer(answer, question.body)) };
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = toAirgapError(thrown, 'ERR_UNREACHABLE', 'Cannot ask');
      if (error.code === 'ERR_INTERRUPTED') throw error;
      if (request.isBulk && error.retryable && attempt < readAgain)
        return await this.#attempt(request, { question, attempt: attempt + 1 });
      if (error.status !== undefined) this.#answered.add(base);
      const said = stateOf(error, request.action);
      if (isSilence(error) && !this.#answered.has(base)) this.#silent.set(base, said);
      const { cause } = error;
      const sentTo = cause instanceof OffSite ? { host: cause.host, why: cause.why } : undefined;
      const known = { ...(error.status && { status: error.status }), ...(sentTo && { sentTo }) };
      return { asked: { method, url, said, ...known }, ok: false };
    }
  }
}

/** Where no step had it. */
function outcomeOf(
  pull: NodePull,
  { sent, refused, last }: Readonly<Record<'sent' | 'refused' | 'last', Asked | undefined>>,
): Outcome {
  if (sent?.sentTo !== undefined) return { kind: 'leaves', host: sent.sentTo.host, last: sent };
  if (refused !== undefined) return { kind: 'refused', refused };
  if (last !== undefined) return { kind: 'absent', last };
  const [broken] = pull.steps;
  return { kind: 'problem', problem: broken?.problem ?? 'nobody is asked', endpoint: broken?.endpoint };
}

function isSilence({ code, status }: AirgapError): boolean {
  return status === undefined && (code === 'ERR_UNREACHABLE' || code === 'ERR_TIMEOUT');
}

/** Without the action, which stands beside it. */
function stateOf(error: AirgapError, action: string): string {
  const start = `Cannot ${action}: `;
  return error.message.startsWith(start) ? error.message.slice(start.length) : error.message;
}

function askedOf({ method, url }: NodeRequest, answer: NodeAnswer): Asked {
  const { status, digest, mediaType, size, redirectedTo } = answer;
  return {
    method,
    url,
    status,
    ...(digest !== undefined && { digest }),
    ...(mediaType !== undefined && { mediaType }),
    ...(size !== undefined && { size }),
    ...(redirectedTo !== undefined && { redirectedTo }),
  };
}
