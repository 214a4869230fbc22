/** A request's streamed body on its way out: pulled piece by piece, counted, and let go of when the answer comes early. */
import { AirgapError } from '../errors.ts';

/** Longer pieces are cut, so that a slow socket shows progress before the idle timeout. */
const longestPiece = 256 * 1024;

export interface UploadOptions {
  /** Bytes promised as Content-Length. */
  readonly length: number | undefined;
  readonly action: string;
}

/** Goes through its content once. Throws ERR_SIZE_MISMATCH when that is not as long as promised. */
export class Upload implements AsyncIterable<Uint8Array> {
  readonly #content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly #options: UploadOptions;
  #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array> | undefined;
  #piece: Uint8Array | undefined;
  #stop: (() => void) | undefined;
  #stopped = false;
  #sent = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, options: UploadOptions) {
    this.#content = content;
    this.#options = options;
  }

  /** True once the first piece was asked for: from then on the content cannot be sent again. */
  get started(): boolean {
    return this.#iterator !== undefined;
  }

  /** Bytes handed to the connection. */
  get sent(): number {
    return this.#sent;
  }

  /** What the content itself threw, as opposed to the connection. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    const content = this.#content;
    this.#iterator = Symbol.asyncIterator in content ? content[Symbol.asyncIterator]() : content[Symbol.iterator]();
    return {
      next: () => this.#next(),
      return: () => {
        this.stop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** Nothing will be sent any more: lets go of content that was never started, too. */
  release(): void {
    if (!this.started) this[Symbol.asyncIterator]();
    this.stop();
  }

  /** The exchange is over: nothing more is sent, and the content is released even if it is waiting for its own source. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stop?.();
    const returned = this.#iterator?.return?.();
    if (returned instanceof Promise) returned.catch(() => {});
  }

  #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#stopped) return Promise.resolve({ done: true, value: undefined });
    const piece = this.#piece;
    if (piece !== undefined) return Promise.resolve({ done: false, value: this.#cut(piece) });
    return new Promise((resolve, reject) => {
      this.#stop = () => resolve({ done: true, value: undefined });
      this.#pull().then(resolve, (error) => {
        if (!this.#stopped) this.#failure ??= { error };
        reject(error);
      });
    });
  }

  async #pull(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { length, action } = this.#options;
    for (;;) {
      const result = await this.#iterator?.next();
      if (this.#stopped || result === undefined) return { done: true, value: undefined };
      if (result.done === true) {
        if (length !== undefined && this.#sent < length)
          throw wrongLength(action, { got: this.#sent, promised: length });
        return { done: true, value: undefined };
      }
      if (result.value.byteLength === 0) continue;
      if (length !== undefined && this.#sent + result.value.byteLength > length) {
        throw wrongLength(action, { got: this.#sent + result.value.byteLength, promised: length });
      }
      return { done: false, value: this.#cut(result.value) };
    }
  }

  #cut(piece: Uint8Array): Uint8Array {
    const cut = piece.byteLength > longestPiece ? piece.subarray(0, longestPiece) : piece;
    this.#piece = cut === piece ? undefined : piece.subarray(longestPiece);
    this.#sent += cut.byteLength;
    return cut;
  }
}

function wrongLength(action: string, lengths: { readonly got: number; readonly promised: number }): AirgapError {
  return new AirgapError(
    'ERR_SIZE_MISMATCH',
    `Cannot ${action}: content has ${lengths.got} bytes where ${lengths.promised} were promised`,
  );
}
