/** A blob's bytes from a registry, whole or in part (OCI distribution-spec v1.1, "Pulling blobs"; RFC 9110, section 14). */
import { AirgapError } from '../../errors.ts';
import type { HttpResponse } from '../../http/client.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { blobPath, parseContentRange, printRange } from '../../oci/distribution.ts';
import type { FetchOptions, UnverifiedContent } from '../store.ts';
import type { Ask, Exchange } from './exchange.ts';

/** Transfers above this many bytes leave the slot kept for small requests alone. */
export const smallTransfer = 512 * 1024;

/**
 * Opens the bytes from `offset` to `end`. They are counted, not hashed: never more than asked for are given out.
 * Throws ERR_NOT_FOUND; ERR_UNSUPPORTED when a range was asked for and the server gives the whole; ERR_PROTOCOL (retryable) for
 * another range than asked; while reading ERR_SIZE_MISMATCH and ERR_UNREACHABLE, both retryable.
 */
export async function fetchBlob(
  exchange: Exchange,
  descriptor: Descriptor,
  options: FetchOptions,
): Promise<UnverifiedContent> {
  const start = options.offset ?? 0;
  const end = Math.min(options.end ?? descriptor.size, descriptor.size);
  if (start >= end && (start > 0 || descriptor.size > 0)) return empty();
  const ranged = start > 0 || end < descriptor.size;
  const ask: Ask = {
    method: 'GET',
    path: (repository) => blobPath(repository, descriptor.digest),
    // Without this a proxy may compress, and then neither length nor offsets are those of the blob.
    headers: { 'accept-encoding': 'identity', ...(ranged ? { range: printRange({ start, end }) } : {}) },
    kind: end - start > smallTransfer ? 'bulk' : 'small',
    onlyIfIdle: options.onlyIfIdle ?? false,
    beyondLimit: options.whilePushing ?? false,
    action: 'fetch blob',
    reference: exchange.printed(descriptor.digest),
    signal: options.signal,
  };
  const response = await exchange.send({ ...ask, accept: [400, 404, 405, 410, 416] });
  const part = { start, end, size: descriptor.size };
  const objection = await objectionTo(exchange, { response, ask, part, ranged });
  if (objection !== undefined) {
    await response.body.discard();
    throw objection.with({ digest: descriptor.digest });
  }
  return new CountedBody(exchange, { response, ask, length: end - start });
}

interface Answer {
  readonly response: HttpResponse;
  readonly ask: Ask;
  readonly part: { readonly start: number; readonly end: number; readonly size: number };
  readonly ranged: boolean;
}

async function objectionTo(exchange: Exchange, answer: Answer): Promise<AirgapError | undefined> {
  const { response, ask, part, ranged } = answer;
  if (
    response.status === 416 ||
    (ranged && response.status >= 200 && response.status < 300 && response.status !== 206)
  ) {
    return exchange.broken(ask, `server does not give out the part from byte ${part.start} to ${part.end}`, {
      code: 'ERR_UNSUPPORTED',
      response,
    });
  }
  if (response.status >= 300) return (await exchange.refusal(response, ask)).error();
  const encoding = response.headers['content-encoding'];
  if (encoding !== undefined && encoding !== '' && encoding.toLowerCase() !== 'identity') {
    return exchange.broken(ask, 'server compressed what must stay as it is', { response, retryable: true });
  }
  if (response.status === 206) {
    const range = parseContentRange(response.headers['content-range']);
    if (range?.start === part.start && range.end === part.end && (range.size ?? part.size) === part.size)
      return undefined;
    return exchange.broken(ask, 'server gave another part than was asked for', { response, retryable: true });
  }
  const length = response.headers['content-length'];
  if (length === undefined || Number(length) === part.size) return undefined;
  return exchange.broken(ask, `server announces ${Number(length)} bytes, its descriptor says ${part.size}`, {
    code: 'ERR_SIZE_MISMATCH',
    response,
    retryable: true,
  });
}

interface CountedAnswer {
  readonly response: HttpResponse;
  readonly ask: Ask;
  /** Bytes that have to come. */
  readonly length: number;
}

/** A body of known length. Leaving the loop early, or an iterator's return() before its first next(), lets go of the connection. */
class CountedBody implements UnverifiedContent {
  readonly #exchange: Exchange;
  readonly #answer: CountedAnswer;

  constructor(exchange: Exchange, answer: CountedAnswer) {
    this.#exchange = exchange;
    this.#answer = answer;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const body = this.#answer.response.body[Symbol.asyncIterator]();
    let received = 0;
    const leave = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (body.return !== undefined) await body.return(undefined);
      else await this.#answer.response.body.discard();
      return { done: true, value: undefined };
    };
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      const result = await this.#read(body, received);
      if (result.done === true) {
        if (received === this.#answer.length) return { done: true, value: undefined };
        throw this.#broken('ERR_UNREACHABLE', `it ended after ${received} of ${this.#answer.length} bytes`);
      }
      received += result.value.byteLength;
      if (received <= this.#answer.length) return { done: false, value: result.value };
      await leave();
      throw this.#broken('ERR_SIZE_MISMATCH', `more than ${this.#answer.length} bytes came`);
    };
    return { next, return: leave };
  }

  async #read(body: AsyncIterator<Uint8Array>, received: number): Promise<IteratorResult<Uint8Array>> {
    const { ask, response } = this.#answer;
    try {
      return await body.next();
    } catch (thrown) {
      if (thrown instanceof Error && !(thrown instanceof AirgapError)) {
        throw this.#broken('ERR_UNREACHABLE', `it broke off after ${received} bytes: ${thrown.message}`);
      }
      const known = this.#exchange.explained(thrown, { reference: ask.reference, host: response.url.host });
      // The host did answer: whoever reads the error may go on with other blobs of it.
      throw known instanceof AirgapError ? known.with({ status: response.status }) : known;
    }
  }

  #broken(code: AirgapError['code'], state: string): AirgapError {
    const { ask, response } = this.#answer;
    return this.#exchange.broken(ask, state, { code, response, retryable: true });
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}
