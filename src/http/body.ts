/** An answer's body: bytes as they arrive, held back when nobody takes them. */
import type { AirgapError } from '../errors.ts';
import type { HttpBody } from './client.ts';

/** Bytes kept for a reader who is slower than the network; above it the socket is not read. */
const usualHighWaterMark = 128 * 1024;
/** A rest up to this size is read to keep the connection; a longer one costs the connection. */
const worthDraining = 64 * 1024;
const drainMs = 1000;
/** Pieces below this size that nobody waits for are joined: a server may send a body byte by byte. */
const smallPiece = 4 * 1024;
const joinedPieces = 16 * 1024;

/** The connection the bytes come from. */
export interface BodyFlow {
  pause(): void;
  resume(): void;
  /** Ends the exchange at once; the connection is lost. */
  abort(reason: Error): void;
}

export interface BodyOptions {
  readonly flow: BodyFlow;
  /** By Content-Length, undefined where the answer does not say. */
  readonly length: number | undefined;
  /** What a failure of the connection means, given the bytes that came before it. */
  readonly explain: (error: unknown, received: number) => AirgapError;
  /** For errors of this class itself, for example a body that is too long. */
  readonly refuse: (state: string) => AirgapError;
}

interface Reader {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

export class ResponseBody implements HttpBody, AsyncIterator<Uint8Array, undefined> {
  readonly #options: BodyOptions;
  readonly #chunks: Uint8Array[] = [];
  readonly #listeners: (() => void)[] = [];
  #highWaterMark = usualHighWaterMark;
  #queued = 0;
  #received = 0;
  #paused = false;
  #over = false;
  #left = false;
  #failure: AirgapError | undefined;
  #reader: Reader | undefined;
  #onFull: (() => void) | undefined;
  /** Room for more behind the last of the chunks. */
  #tail: { readonly bytes: Uint8Array; used: number } | undefined;

  constructor(options: BodyOptions) {
    this.#options = options;
  }

  get received(): number {
    return this.#received;
  }

  /** Calls back once, when the exchange has ended in whatever way; at once if it already has. */
  whenOver(listener: () => void): void {
    if (this.#over) listener();
    else this.#listeners.push(listener);
  }

  /** From the connection: bytes. */
  push(chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    if (this.#left) {
      if (this.#received > worthDraining) this.#abort();
      return;
    }
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: chunk });
      return;
    }
    this.#keep(chunk);
    this.#queued += chunk.byteLength;
    if (this.#queued >= this.#highWaterMark && !this.#paused) {
      this.#paused = true;
      this.#options.flow.pause();
      this.#onFull?.();
    }
  }

  /** From the connection: the end. */
  end(): void {
    this.#finish();
    this.#reader?.resolve({ done: true, value: undefined });
    this.#reader = undefined;
  }

  /** From the connection: a failure. Bytes that arrived before it are still given out first. */
  fail(error: unknown): void {
    if (this.#over) return;
    if (!this.#left) this.#failure = this.#options.explain(error, this.#received);
    this.#finish();
    if (this.#left) this.#reader?.resolve({ done: true, value: undefined });
    else this.#reader?.reject(this.#failure);
    this.#reader = undefined;
  }

  /** Waits until the body is here completely, or `limit` bytes of it, which are kept for the reader. Throws what cut it before. */
  async arrived(limit: number): Promise<void> {
    this.#highWaterMark = limit;
    if (this.#paused && this.#queued < limit) this.#resume();
    if (!this.#over && this.#queued < limit) {
      await new Promise<void>((resolve) => {
        this.#onFull = resolve;
        this.whenOver(resolve);
      });
    }
    this.#onFull = undefined;
    this.#highWaterMark = usualHighWaterMark;
    if (this.#failure !== undefined) throw this.#failure;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#queued -= chunk.byteLength;
      if (this.#chunks.length === 0) this.#tail = undefined;
      if (this.#paused && this.#queued < this.#highWaterMark / 2) this.#resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#over || this.#left) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Leaving early: the connection is closed and the slot is free. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#leave();
    this.#abort();
    return Promise.resolve({ done: true, value: undefined });
  }

  async bytes(limit: number): Promise<Uint8Array> {
    const { length } = this.#options;
    if (length !== undefined && length > limit) this.#tooLong(limit);
    let bytes = new Uint8Array(Math.min(limit, Math.max(length ?? 0, this.#queued)));
    let total = 0;
    for await (const chunk of this) {
      const before = total;
      total += chunk.byteLength;
      if (total > limit) this.#tooLong(limit);
      if (total > bytes.byteLength) {
        const larger = new Uint8Array(Math.min(limit, Math.max(total, 2 * bytes.byteLength)));
        larger.set(bytes.subarray(0, before));
        bytes = larger;
      }
      bytes.set(chunk, before);
    }
    return bytes.subarray(0, total);
  }

  async text(limit: number): Promise<string> {
    return new TextDecoder().decode(await this.bytes(limit));
  }

  /** Reads a short rest so that the connection can serve again, closes it otherwise. Never throws. */
  async discard(): Promise<void> {
    this.#leave();
    if (this.#over) return;
    const { length } = this.#options;
    if (this.#received > worthDraining || (length !== undefined && length - this.#received > worthDraining)) {
      this.#abort();
      return;
    }
    if (this.#paused) this.#resume();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#abort(), drainMs);
      this.whenOver(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #keep(chunk: Uint8Array): void {
    const tail = this.#tail;
    if (tail !== undefined && tail.used + chunk.byteLength <= joinedPieces) {
      tail.bytes.set(chunk, tail.used);
      tail.used += chunk.byteLength;
      this.#chunks[this.#chunks.length - 1] = tail.bytes.subarray(0, tail.used);
    } else if (chunk.byteLength < smallPiece && this.#chunks.length > 0) {
      const bytes = new Uint8Array(joinedPieces);
      bytes.set(chunk);
      this.#tail = { bytes, used: chunk.byteLength };
      this.#chunks.push(bytes.subarray(0, chunk.byteLength));
    } else {
      this.#tail = undefined;
      this.#chunks.push(chunk);
    }
  }

  #resume(): void {
    this.#paused = false;
    this.#options.flow.resume();
  }

  #tooLong(limit: number): never {
    this.#leave();
    this.#abort();
    throw this.#options.refuse(`the answer is longer than ${limit} bytes`);
  }

  #leave(): void {
    this.#left = true;
    this.#chunks.length = 0;
    this.#tail = undefined;
    this.#queued = 0;
  }

  #abort(): void {
    if (!this.#over) this.#options.flow.abort(new Error('body left early'));
  }

  #finish(): void {
    this.#over = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
