/**
 * A large layer by several ranges at once, given out in order. It starts with one range; more streams are added only while the
 * host as a whole gives more bytes for it: a link with a limit per connection, loss or high latency gains, a full link does not.
 *
 * Memory: a layer's first range holds 256 KiB, each further one `rangeBytes` (2 MiB); a process opens at most `rangeStreams` (8) further
 * ranges for all its layers together, so all of them hold 16 MiB and 256 KiB for each layer on its way.
 */
import { isAirgapError } from '../errors.ts';
import type { UnverifiedContent } from '../store/store.ts';
import type { Meter } from './meter.ts';
import { Segment } from './segment.ts';

/** The longest range of a single stream; it lasts about a quarter of a second, so that a slow stream is soon joined by others. */
const longestRange = 32 * 1024 * 1024;
const rangeSeconds = 0.25;
/** Held of a range that is being given out already; further ones are held whole until it is their turn. */
const headBytes = 256 * 1024;
/** After the number of streams changed, the new ones need this long to show what they bring, in ms. */
const settleMs = 400;
/** How long one rate is measured before the number of streams changes, in ms. */
const measureMs = 700;
/** More streams must give this much more, or they are taken back. */
const worthwhile = 1.2;
/** After a try that gained nothing, wait this long before the next, in ms. */
const restMs = 15_000;

/** Streams beyond each layer's first, shared by the process. */
export class ExtraStreams {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  take(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  giveBack(): void {
    this.#free += 1;
  }
}

export interface RangedOptions {
  readonly size: number;
  /** First byte wanted. */
  readonly offset: number;
  readonly rangeBytes: number;
  readonly maxStreams: number;
  readonly extra: ExtraStreams;
  readonly meter: Meter;
  /** Reads one range completely or throws; the first one may queue, extra ones start only when a connection is free. */
  readonly read: (start: number, end: number, kind: 'first' | 'extra') => UnverifiedContent;
}

export async function* rangedContent(options: RangedOptions): UnverifiedContent {
  const reader = new RangedReader(options);
  try {
    for (;;) {
      const chunk = await reader.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    reader.close();
  }
}

interface OpenRange {
  readonly segment: Segment;
  readonly kind: 'first' | 'extra';
  /** Tells a range that found no free connection that its turn has come. */
  readonly becomeHead: () => void;
}

class RangedReader {
  readonly #options: RangedOptions;
  readonly #governor: StreamGovernor;
  readonly #began = performance.now();
  #open: OpenRange[] = [];
  #nextStart: number;
  #taken = 0;
  #closed = false;

  constructor(options: RangedOptions) {
    this.#options = options;
    this.#governor = new StreamGovernor(options.meter, options.maxStreams);
    this.#nextStart = options.offset;
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#fillUp();
      const head = this.#open[0];
      if (head === undefined) return undefined;
      head.becomeHead();
      const chunk = await head.segment.take();
      if (chunk !== undefined) {
        this.#taken += chunk.byteLength;
        return chunk;
      }
      this.#open.shift();
      if (head.kind === 'extra') this.#options.extra.giveBack();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { segment, kind, becomeHead } of this.#open) {
      segment.leave();
      becomeHead();
      if (kind === 'extra') this.#options.extra.giveBack();
    }
    this.#open = [];
  }

  /** Opens ranges until there are as many streams as the governor allows; a single stream gets its successor just before it ends. */
  #fillUp(): void {
    const streams = this.#governor.streams();
    const last = this.#open.at(-1);
    const ending = this.#open.length === 1 && last !== undefined && last.segment.left < this.#options.rangeBytes;
    const wanted = streams === 1 && ending ? 2 : streams;
    while (this.#nextStart < this.#options.size && this.#open.length < wanted) {
      const kind = this.#open.length === 0 ? 'first' : 'extra';
      if (kind === 'extra' && !this.#options.extra.take()) return;
      this.#start(kind, streams);
    }
  }

  #start(kind: 'first' | 'extra', streams: number): void {
    const start = this.#nextStart;
    const end = Math.min(this.#options.size, start + this.#rangeLength(streams));
    let becomeHead = () => {};
    const turn = new Promise<void>((resolve) => {
      becomeHead = resolve;
    });
    const read = (from: number, to: number) =>
      kind === 'first' ? this.#options.read(from, to, 'first') : this.#readExtra({ from, to, turn });
    this.#nextStart = end;
    this.#open.push({
      segment: new Segment({ start, end, holdBytes: kind === 'first' ? headBytes : this.#options.rangeBytes, read }),
      kind,
      becomeHead,
    });
  }

  #rangeLength(streams: number): number {
    const { rangeBytes } = this.#options;
    if (streams > 1) return rangeBytes;
    const seconds = (performance.now() - this.#began) / 1000;
    const length = seconds < 0.1 ? rangeBytes : Math.round((this.#taken / seconds) * rangeSeconds);
    return Math.min(longestRange, Math.max(rangeBytes, length));
  }

  /** An extra range takes a connection only if one is free; otherwise it waits until its bytes are the next ones wanted. */
  async *#readExtra(range: {
    readonly from: number;
    readonly to: number;
    readonly turn: Promise<void>;
  }): UnverifiedContent {
    try {
      yield* this.#options.read(range.from, range.to, 'extra');
      return;
    } catch (error) {
      if (!isAirgapError(error) || error.code !== 'ERR_UNSUPPORTED') throw error;
    }
    await range.turn;
    if (this.#closed) return;
    yield* this.#options.read(range.from, range.to, 'first');
  }
}

/** Decides how many streams a layer may have, from the rate its host gives. */
export class StreamGovernor {
  readonly #meter: Meter;
  readonly #max: number;
  readonly #now: () => number;
  #streams = 1;
  #since: number;
  #bytesThen: number;
  #before: { rate: number; streams: number } | undefined;
  #restUntil = 0;
  #settledAt = 0;

  constructor(meter: Meter, max: number, now: () => number = () => performance.now()) {
    this.#meter = meter;
    this.#max = max;
    this.#now = now;
    this.#since = now();
    this.#bytesThen = meter.bytes;
  }

  streams(): number {
    const now = this.#now();
    if (now < this.#settledAt) {
      this.#since = now;
      this.#bytesThen = this.#meter.bytes;
      return this.#streams;
    }
    if (this.#max <= 1 || now - this.#since < measureMs) return this.#streams;
    const rate = (this.#meter.bytes - this.#bytesThen) / (now - this.#since);
    this.#since = now;
    this.#bytesThen = this.#meter.bytes;
    this.#decide(rate, now);
    return this.#streams;
  }

  #decide(rate: number, now: number): void {
    if (this.#before !== undefined && rate < this.#before.rate * worthwhile) {
      this.#streams = this.#before.streams;
      this.#before = undefined;
      this.#restUntil = now + restMs;
      return;
    }
    this.#before = undefined;
    if (now < this.#restUntil || this.#streams >= this.#max) return;
    this.#before = { rate, streams: this.#streams };
    this.#streams = Math.min(this.#max, this.#streams * 2);
    this.#settledAt = now + settleMs;
  }
}
