/** One byte range on its way: read in the background into a bounded buffer, taken out in order. */
import type { UnverifiedContent } from '../store/store.ts';

export interface SegmentOptions {
  /** First byte and one past the last. */
  readonly start: number;
  readonly end: number;
  /** Bytes held at most before reading pauses. */
  readonly holdBytes: number;
  /** Bytes from `start` to `end`, in order, complete or an error: retries are its business. */
  readonly read: (start: number, end: number) => UnverifiedContent;
}

export class Segment {
  readonly start: number;
  readonly end: number;
  readonly #chunks: Uint8Array[] = [];
  readonly #holdBytes: number;
  #held = 0;
  #received = 0;
  #done = false;
  #abandoned = false;
  #error: unknown;
  #failed = false;
  #wakeReader: (() => void) | undefined;
  #wakeTaker: (() => void) | undefined;

  constructor(options: SegmentOptions) {
    this.start = options.start;
    this.end = options.end;
    this.#holdBytes = options.holdBytes;
    void this.#fill(options.read(options.start, options.end));
  }

  /** Bytes that have not arrived yet. */
  get left(): number {
    return this.end - this.start - this.#received;
  }

  /** The next chunk, or undefined at the end. Throws what reading threw. */
  async take(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#held -= chunk.byteLength;
        wake(this.#wakeReader);
        return chunk;
      }
      if (this.#failed) throw this.#error;
      if (this.#done) return undefined;
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve;
      });
    }
  }

  /** Stops reading; the connection is free when its next bytes come, or when its silence is cut. */
  leave(): void {
    this.#abandoned = true;
    wake(this.#wakeReader);
  }

  async #fill(content: UnverifiedContent): Promise<void> {
    try {
      for await (const chunk of content) {
        if (this.#abandoned) return;
        this.#chunks.push(chunk);
        this.#received += chunk.byteLength;
        this.#held += chunk.byteLength;
        wake(this.#wakeTaker);
        while (this.#held >= this.#holdBytes && !this.#abandoned) await this.#room();
      }
      this.#done = true;
    } catch (error) {
      this.#error = error;
      this.#failed = true;
    }
    wake(this.#wakeTaker);
  }

  #room(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
  }
}

function wake(waiting: (() => void) | undefined): void {
  waiting?.();
}
