/** Content on its way into an upload: read once, handed out in pieces of any length, with pieces given back when a request did not take them. */
import { AirgapError } from '../../errors.ts';
import type { ReopenableContent } from '../store.ts';

/** Bytes in a row, not joined. */
export interface Piece {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
}

export class ContentFeed {
  readonly #content: ReopenableContent;
  readonly #size: number;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #held: Uint8Array[] = [];
  #position: number;
  #failure: { readonly error: unknown } | undefined;

  /** Nothing is opened before the first byte is asked for. */
  constructor(content: ReopenableContent, options: { readonly size: number; readonly offset: number }) {
    this.#content = content;
    this.#size = options.size;
    this.#position = options.offset;
  }

  /** Offset of the next byte that is handed out. */
  get position(): number {
    return this.#position;
  }

  /** What the content threw, or that it was shorter or longer than promised. */
  failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The next `count` bytes; fewer when the content failed, which failure() tells. Never rejects. */
  async collect(count: number): Promise<Piece> {
    const buffers: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of this.piece(count)) {
        buffers.push(chunk);
        bytes += chunk.byteLength;
      }
    } catch (thrown) {
      this.#failure ??= { error: thrown };
    }
    return { buffers, bytes };
  }

  /** The next `count` bytes as they come. The last piece of the content ends only after the content has, so that its checks are done. */
  async *piece(count: number): AsyncGenerator<Uint8Array> {
    const iterator = this.#open();
    let left = count;
    while (left > 0) {
      const chunk = await this.#next(iterator, left);
      if (chunk === undefined) return;
      left -= chunk.byteLength;
      yield chunk;
    }
    if (this.#position === this.#size) await this.#expectEnd(iterator);
  }

  /** Puts bytes back in front of what comes next: those that were handed out last, in order. */
  giveBack(piece: Piece): void {
    this.#held = [...piece.buffers, ...this.#held];
    this.#position -= piece.bytes;
  }

  /** Starts over at `offset`. */
  reopen(offset: number): void {
    this.close();
    this.#failure = undefined;
    this.#position = offset;
  }

  /** Lets go of the content. Does not wait for it: its source may be the one that hangs. */
  close(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    this.#held = [];
    iterator?.return?.().catch(() => {});
  }

  #open(): AsyncIterator<Uint8Array> {
    this.#iterator ??= this.#content.open(this.#position)[Symbol.asyncIterator]();
    return this.#iterator;
  }

  /** At most `limit` bytes. Undefined when the feed was started over meanwhile: who still reads is out of date. */
  async #next(iterator: AsyncIterator<Uint8Array>, limit: number): Promise<Uint8Array | undefined> {
    const chunk = this.#held.shift() ?? (await this.#pull(iterator));
    if (chunk === undefined || this.#iterator !== iterator) return undefined;
    if (chunk.byteLength > limit) this.#held.unshift(chunk.subarray(limit));
    const taken = chunk.byteLength > limit ? chunk.subarray(0, limit) : chunk;
    this.#position += taken.byteLength;
    return taken;
  }

  async #pull(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
    for (;;) {
      const result = await this.#guarded(iterator);
      if (this.#iterator !== iterator) return undefined;
      if (result.done === true) throw this.#fail(`content ended after ${this.#position} of ${this.#size} bytes`);
      if (result.value.byteLength > 0) return result.value;
    }
  }

  async #expectEnd(iterator: AsyncIterator<Uint8Array>): Promise<void> {
    if (this.#held.some((chunk) => chunk.byteLength > 0)) throw this.#tooLong();
    for (;;) {
      const result = await this.#guarded(iterator);
      if (result.done === true || this.#iterator !== iterator) return;
      if (result.value.byteLength > 0) throw this.#tooLong();
    }
  }

  async #guarded(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    try {
      return await iterator.next();
    } catch (thrown) {
      if (this.#iterator === iterator) this.#failure ??= { error: thrown };
      throw thrown;
    }
  }

  #tooLong(): AirgapError {
    return this.#fail(`content is longer than ${this.#size} bytes`);
  }

  #fail(state: string): AirgapError {
    const error = new AirgapError('ERR_SIZE_MISMATCH', `Cannot push blob: ${state}`, { retryable: true });
    this.#failure ??= { error };
    return error;
  }
}
