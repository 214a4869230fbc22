/** One upload session of a registry (OCI distribution-spec v1.1, "Pushing a blob monolithically", "Pushing a blob in chunks"). */
import { type AirgapError, isAirgapError } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseUploadOffset, printUploadRange, uploadPath } from '../../oci/distribution.ts';
import { smallTransfer } from './blobs.ts';
import { sameOrigin } from './endpoint.ts';
import type { Ask, Exchange } from './exchange.ts';
import type { Refusal } from './refusal.ts';

/** A body of known length. */
export interface UploadBody {
  readonly content: AsyncIterable<Uint8Array> | Uint8Array;
  readonly bytes: number;
}

export interface SessionOptions {
  /** The blob, printed. */
  readonly reference: string;
  readonly signal?: AbortSignal | undefined;
}

/** Answers that the caller of a session decides about. */
const decided = [400, 404, 405, 409, 410, 411, 413, 415, 416, 501];
const cancelMs = 3000;

export class UploadSession {
  readonly #exchange: Exchange;
  readonly #options: SessionOptions;
  #location: URL;
  #minimum: number;

  private constructor(exchange: Exchange, place: { location: URL; minimum: number; options: SessionOptions }) {
    this.#exchange = exchange;
    this.#options = place.options;
    this.#location = place.location;
    this.#minimum = place.minimum;
  }

  /** Begins an upload: POST. Throws what send() throws, ERR_NOT_FOUND, ERR_NO_SPACE, and ERR_PROTOCOL for an answer without a usable Location. */
  static async begin(exchange: Exchange, options: SessionOptions): Promise<UploadSession> {
    const ask: Ask = {
      method: 'POST',
      path: (repository) => uploadPath(repository),
      body: new Uint8Array(0),
      contentLength: 0,
      // A second session does no harm; the first one expires.
      repeatable: true,
      action: 'begin upload of blob',
      ...options,
    };
    const response = await exchange.send({ ...ask, accept: [400, 404, 405] });
    if (response.status >= 300) throw (await exchange.refusal(response, ask)).error(hintForBegin(response.status));
    return UploadSession.from(exchange, response, options);
  }

  /** The session an answer (202) opened. Throws ERR_PROTOCOL. */
  static async from(exchange: Exchange, response: HttpResponse, options: SessionOptions): Promise<UploadSession> {
    await response.body.discard();
    const ask = { action: 'begin upload of blob', ...options };
    const place = response.headers.location;
    if (place === undefined) throw exchange.broken(ask, 'registry did not say where (no Location)', { response });
    const location = await exchange.follow(place, response, ask);
    const minimum = Number(response.headers['oci-chunk-min-length'] ?? 0);
    return new UploadSession(exchange, {
      location,
      minimum: Number.isSafeInteger(minimum) && minimum > 0 ? minimum : 0,
      options,
    });
  }

  /** A session known from before; undefined when it is not at this registry. */
  static async known(
    exchange: Exchange,
    location: string,
    options: SessionOptions,
  ): Promise<UploadSession | undefined> {
    const url = sameOrigin(await exchange.endpoint(), location);
    return url === undefined ? undefined : new UploadSession(exchange, { location: url, minimum: 0, options });
  }

  /** The same session for another caller. */
  under(signal: AbortSignal | undefined): UploadSession {
    const options = { reference: this.#options.reference, signal };
    return new UploadSession(this.#exchange, { location: this.#location, minimum: this.#minimum, options });
  }

  get location(): string {
    return this.#location.href;
  }

  /** Fewest bytes of a part that is not the last (`OCI-Chunk-Min-Length`); 0 for any. */
  get minimum(): number {
    return this.#minimum;
  }

  /** How many bytes the registry holds, by asking it. Undefined when it does not know the session any more, or does not tell. */
  async offset(): Promise<number | undefined> {
    const ask = this.#ask('ask for the state of an upload of blob');
    const response = await this.#exchange.send({ ...ask, method: 'GET', accept: [400, 404, 405, 409, 410, 416, 501] });
    await response.body.discard();
    if (response.status >= 300) return undefined;
    await this.#moved(response, ask);
    return parseUploadOffset(response.headers.range);
  }

  /** Sends bytes from `offset` on. Gives the offset reached, as the registry says it, or its refusal. */
  async append(offset: number, body: UploadBody): Promise<number | Refusal> {
    const ask = this.#ask('push blob');
    const end = offset + body.bytes;
    const response = await this.#exchange.send({
      ...ask,
      ...requestOf(body),
      method: 'PATCH',
      headers: {
        'content-type': 'application/octet-stream',
        'content-range': printUploadRange({ start: offset, end }),
      },
      accept: decided,
    });
    if (response.status >= 300) return this.#exchange.refusal(response, ask);
    await response.body.discard();
    await this.#moved(response, ask);
    return this.#reached(response, { ask, offset, end });
  }

  /** Completes the upload, with the whole content or with none when all parts were sent. Undefined, or the refusal. */
  async complete(digest: Digest, body?: UploadBody): Promise<Refusal | undefined> {
    const ask = this.#ask('push blob');
    const url = new URL(this.#location);
    // Appended as text: what the registry put into its query is not for us to encode anew.
    url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
    const response = await this.#exchange.send({
      ...ask,
      ...requestOf(body ?? { content: new Uint8Array(0), bytes: 0 }),
      path: url,
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      accept: decided,
    });
    if (response.status >= 300) return this.#exchange.refusal(response, ask);
    await response.body.discard();
    const stored = response.headers['docker-content-digest'];
    if (stored === undefined || stored === digest || stored.split(':')[0] !== digest.split(':')[0]) return undefined;
    throw this.#exchange.broken(ask, `registry stored it as ${stored.slice(0, 160)}`, {
      code: 'ERR_DIGEST_MISMATCH',
      response,
      retryable: true,
      digest,
    });
  }

  /** Tells the registry to forget the session. Never throws, and takes 3 s at most: it is a courtesy. */
  async cancel(): Promise<void> {
    const ask = this.#ask('cancel upload of blob');
    try {
      const response = await this.#exchange.send({
        ...ask,
        method: 'DELETE',
        signal: AbortSignal.timeout(cancelMs),
        accept: [400, 404, 405, 410, 500, 501],
      });
      await response.body.discard();
    } catch (thrown) {
      if (!isAirgapError(thrown)) throw thrown;
    }
  }

  /** `0-0` tells nothing: registries say so of one byte, of none, and some of anything. */
  #reached(
    response: HttpResponse,
    part: { readonly ask: Pick<Ask, 'action' | 'reference'>; readonly offset: number; readonly end: number },
  ): number {
    const { ask, offset, end } = part;
    const reached = parseUploadOffset(response.headers.range) ?? 0;
    if (reached === 0) return end;
    if (reached > offset && reached <= end) return reached;
    throw this.#exchange.broken(ask, `registry holds ${reached} bytes after the part from ${offset} to ${end}`, {
      response,
      retryable: true,
    });
  }

  async #moved(response: HttpResponse, ask: Pick<Ask, 'action' | 'reference'>): Promise<void> {
    const place = response.headers.location;
    if (place !== undefined) this.#location = await this.#exchange.follow(place, response, ask);
    const minimum = Number(response.headers['oci-chunk-min-length'] ?? 0);
    if (Number.isSafeInteger(minimum) && minimum > 0) this.#minimum = minimum;
  }

  #ask(action: string): Pick<Ask, 'path' | 'action' | 'reference' | 'signal'> {
    const { reference, signal } = this.#options;
    return { path: this.#location, action, reference, signal };
  }
}

/** What a refused part or completion means for the push. */
export function uploadError(refusal: Refusal, digest: Digest): AirgapError {
  if (refusal.has('DIGEST_INVALID') || refusal.has('SIZE_INVALID')) {
    return refusal.error({ code: 'ERR_DIGEST_MISMATCH', retryable: true, digest });
  }
  if (sessionIsGone(refusal)) return refusal.error({ code: 'ERR_PROTOCOL', retryable: true, digest });
  if (refusal.status === 416 || refusal.status === 409) return refusal.error({ retryable: true, digest });
  return refusal.error({ digest });
}

export function sessionIsGone(refusal: Refusal): boolean {
  return (
    refusal.status === 404 ||
    refusal.status === 410 ||
    refusal.has('BLOB_UPLOAD_UNKNOWN') ||
    refusal.has('BLOB_UPLOAD_INVALID')
  );
}

function requestOf(body: UploadBody): Pick<Ask, 'body' | 'contentLength' | 'kind'> {
  return { body: body.content, contentLength: body.bytes, kind: body.bytes > smallTransfer ? 'bulk' : 'small' };
}

function hintForBegin(status: number): { hint: string } | Record<string, never> {
  return status === 404
    ? { hint: 'does the registry want the project or repository to be made first, or another --to HOST/PREFIX' }
    : {};
}
