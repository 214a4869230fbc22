/** An exchange at the pace of its host: waits for pauses and a slot, sends, counts, and gives the slot back when the body is over. */

import { AirgapError, isAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { HttpClientSettings } from './client.ts';
import type { Answer, Connections } from './connections.ts';
import { type Asked, AttemptFailure, explainAbort, explainCutBody, explainNoAnswer } from './failure.ts';
import type { Kind } from './gate.ts';
import { type Admission, HostPace } from './pace.ts';
import type { Purpose, Statistics } from './statistics.ts';
import { Upload } from './upload.ts';
import type { Warnings } from './warnings.ts';

/** One request to one host. */
export interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | Upload | undefined;
  readonly contentLength: number | undefined;
  readonly kind: Kind;
  readonly onlyIfIdle: boolean;
  readonly beyondLimit: boolean;
  readonly purpose: Purpose;
  /** `host:port` of the registry it is sent for. */
  readonly registry: string;
  readonly action: string;
  readonly signal: AbortSignal;
  /** Asked when the slot is there: false gives it back unused, because what was prepared (a token) went stale in the queue. */
  readonly stillValid: () => boolean;
}

export interface TransportParts {
  readonly connections: Connections;
  readonly statistics: Statistics;
  readonly warnings: Warnings;
  readonly settings: HttpClientSettings;
  readonly idleTimeoutMs: number;
  readonly backoffMs: number;
  readonly events: EventSink;
}

/** Bytes are cut into pieces above this size, so that a slow socket shows progress. */
const longestPlainBody = 256 * 1024;

export class Transport {
  readonly #parts: TransportParts;
  readonly #paces = new Map<string, HostPace>();
  readonly #answered = new Set<string>();

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  /** For messages about this hop. */
  asked(hop: Pick<Hop, 'action' | 'url'>): Asked {
    const { settings, idleTimeoutMs } = this.#parts;
    const answeredBefore = this.#answered.has(hop.url.origin);
    return { action: hop.action, host: hop.url.host, end: settings.end, idleTimeoutMs, answeredBefore };
  }

  /** The answer's head, whatever its status; undefined when `stillValid` said no. Throws AttemptFailure. */
  async exchange(hop: Hop): Promise<Answer | undefined> {
    const pace = this.#paceOf(hop.url);
    const admission = await this.#admit(pace, hop);
    if (!hop.stillValid()) {
      admission.release();
      return undefined;
    }
    const answer = await this.#send(hop, admission);
    this.#answered.add(hop.url.origin);
    this.#parts.warnings.observe(hop.url.host, answer.headers.warning);
    // Before the slot is given back: whoever gets it next must see the pause.
    const tooLong = this.#observe(answer, { pace, admission, hop });
    answer.body.whenOver(admission.release);
    if (tooLong === undefined) return answer;
    await answer.body.discard();
    throw tooLong;
  }

  async #admit(pace: HostPace, hop: Hop): Promise<Admission> {
    const { kind, onlyIfIdle, beyondLimit, action, signal } = hop;
    const counted = hop.method === 'GET' && kind === 'small' && hop.purpose === 'registry';
    try {
      return await pace.admit({ kind, onlyIfIdle, beyondLimit, counted, action, signal });
    } catch (error) {
      const known = signal.aborted ? explainAbort(signal, action) : error;
      if (isAirgapError(known)) throw new AttemptFailure(known, { repeat: 'never', undone: true });
      throw known;
    }
  }

  async #send(hop: Hop, admission: Admission): Promise<Answer> {
    const { connections, statistics } = this.#parts;
    const asked = this.asked(hop);
    const transferred = statistics.requested({ ...hop, proxy: connections.proxyFor(hop.url)?.url });
    const body = wireBody(hop);
    const sent = () => (body instanceof Upload ? body.sent : (body?.byteLength ?? 0));
    try {
      const answer = await connections.exchange({
        ...hop,
        headers: wireHeaders(hop, body),
        body,
        explain: (error, received) =>
          hop.signal.aborted ? explainAbort(hop.signal, hop.action) : explainCutBody(error, { ...asked, received }),
        refuse: (state) =>
          new AirgapError('ERR_PROTOCOL', `Cannot ${hop.action}: ${state}`, { host: asked.host, end: asked.end }),
      });
      answer.body.whenOver(() => {
        transferred({ received: answer.body.received, sent: sent() });
      });
      return answer;
    } catch (error) {
      transferred({ received: 0, sent: sent() });
      admission.release();
      if (hop.signal.aborted) {
        throw new AttemptFailure(explainAbort(hop.signal, hop.action), { repeat: 'never', undone: false });
      }
      throw explainNoAnswer(error, asked);
    }
  }

  /** Tells the pace about an answer; gives the failure where the host asks for a pause that is too long. */
  #observe(
    answer: Answer,
    context: { readonly pace: HostPace; readonly admission: Admission; readonly hop: Hop },
  ): AttemptFailure | undefined {
    const { pace, admission, hop } = context;
    const facts = { headers: answer.headers, action: hop.action };
    try {
      if (answer.status === 429) pace.refused(admission, facts);
      else if (answer.status === 503) pace.unavailable(admission, facts);
      else if (answer.status < 500) pace.succeeded(answer.headers);
      return undefined;
    } catch (error) {
      if (!isAirgapError(error)) throw error;
      return new AttemptFailure(error.with({ end: this.#parts.settings.end }), { repeat: 'never', undone: true });
    }
  }

  #paceOf(url: URL): HostPace {
    const known = this.#paces.get(url.origin);
    if (known !== undefined) return known;
    const { settings, backoffMs, events } = this.#parts;
    const pace = new HostPace({ host: url.host, concurrency: settings.concurrency, backoffMs, events });
    this.#paces.set(url.origin, pace);
    return pace;
  }
}

function wireBody(hop: Hop): Uint8Array | Upload | undefined {
  const { body } = hop;
  if (body === undefined || body instanceof Upload || body.byteLength <= longestPlainBody) return body;
  return new Upload([body], { length: body.byteLength, action: hop.action });
}

function wireHeaders(hop: Hop, body: Uint8Array | Upload | undefined): Record<string, string> {
  const length =
    body instanceof Upload
      ? (hop.contentLength ?? (hop.body instanceof Uint8Array ? hop.body.byteLength : undefined))
      : undefined;
  return {
    'user-agent': 'airgap',
    // A compressed answer would have another length and another digest than was promised.
    'accept-encoding': 'identity',
    ...hop.headers,
    ...(length === undefined ? {} : { 'content-length': String(length) }),
  };
}
