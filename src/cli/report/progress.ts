/** What is known of a run while it works: events go in, figures for a view come out. The clock is given by the caller. */
import type { AirgapEvent } from '../../events.ts';

export interface Transfer {
  readonly digest: string;
  readonly image: string;
  readonly host: string;
  readonly size: number;
  /** Bytes that arrived so far. */
  readonly bytes: number;
  /** Set while the transfer waits for its next try. */
  readonly retry: string | undefined;
}

export interface Wait {
  readonly host: string;
  readonly reason: string;
  /** The clock's milliseconds at which it ends. */
  readonly until: number;
}

export type Phase = 'start' | 'resolve' | 'survey' | 'copy' | 'verify' | 'check' | 'emit';

/** Half-life of the shown rate in milliseconds: recent enough to see a change, slow enough to read. */
const rateWindow = 5000;

export class Progress {
  phase: Phase = 'start';
  /** Of the phases that count images by themselves: resolve and verify. */
  phaseDone = 0;
  phaseTotal = 0;
  images = 0;
  imagesDone = 0;
  imagesFailed = 0;
  bytesTotal = 0;
  bytesMoved = 0;
  mountedBlobs = 0;
  mountedBytes = 0;
  presentBlobs = 0;
  presentBytes = 0;
  readonly #transfers = new Map<string, Transfer>();
  readonly #waits = new Map<string, Wait>();
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  apply(event: AirgapEvent, now: number): void {
    switch (event.type) {
      case 'phase':
        this.phase = event.phase;
        this.phaseDone = 0;
        this.phaseTotal = 0;
        return;
      case 'resolve:progress':
      case 'verify:progress':
        this.phaseDone = event.done;
        this.phaseTotal = event.total;
        return;
      case 'copy:start':
        this.images = event.images;
        this.bytesTotal = event.bytes;
        this.#samples = [{ at: now, bytes: 0 }];
        return;
      case 'image:done':
      case 'image:present':
        this.imagesDone += 1;
        return;
      case 'image:failed':
        this.imagesFailed += 1;
        for (const transfer of this.transfers())
          if (transfer.image === event.image) this.#transfers.delete(transfer.digest);
        return;
      case 'wait':
        this.#waits.set(event.host, { host: event.host, reason: event.reason, until: now + event.seconds * 1000 });
        return;
      default:
        this.#applyBlob(event, now);
    }
  }

  /** Transfers under way, the one that started first on top. */
  transfers(): Transfer[] {
    return [...this.#transfers.values()];
  }

  /** Hosts that asked for a pause which is not over. */
  waits(now: number): Wait[] {
    for (const [host, wait] of this.#waits) if (wait.until <= now) this.#waits.delete(host);
    return [...this.#waits.values()];
  }

  /** Bytes per second over the last seconds; undefined until there is something to say. */
  rate(now: number): number | undefined {
    const first = this.#samples.find((sample) => now - sample.at <= rateWindow * 2) ?? this.#samples.at(-1);
    if (first === undefined || now - first.at < 500) return undefined;
    return Math.max(0, ((this.bytesMoved - first.bytes) * 1000) / (now - first.at));
  }

  /** Milliseconds until every byte is moved at the present rate; undefined while that is not known. */
  timeLeft(now: number): number | undefined {
    const rate = this.rate(now);
    if (rate === undefined || rate < 1 || this.bytesTotal === 0) return undefined;
    return (Math.max(0, this.bytesTotal - this.bytesMoved) * 1000) / rate;
  }

  #applyBlob(event: AirgapEvent, now: number): void {
    switch (event.type) {
      case 'blob:start':
        this.#transfers.set(event.digest, {
          ...event,
          bytes: this.#transfers.get(event.digest)?.bytes ?? 0,
          retry: undefined,
        });
        return;
      case 'blob:resume':
        this.#resumed(event);
        return;
      case 'blob:bytes':
        this.#move(event, now);
        return;
      case 'blob:retry':
        this.#update(event.digest, { retry: event.message });
        return;
      case 'blob:failed':
        this.#transfers.delete(event.digest);
        return;
      case 'blob:done':
        this.#finish(event);
        return;
      default:
    }
  }

  #move(event: { readonly digest: string; readonly bytes: number }, now: number): void {
    this.bytesMoved = Math.max(0, this.bytesMoved + event.bytes);
    const transfer = this.#transfers.get(event.digest);
    if (transfer !== undefined)
      this.#update(event.digest, { bytes: Math.max(0, transfer.bytes + event.bytes), retry: undefined });
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < 200) return;
    this.#samples.push({ at: now, bytes: this.bytesMoved });
    while (this.#samples.length > 2 && now - (this.#samples[1]?.at ?? now) > rateWindow) this.#samples.shift();
  }

  #finish(event: Extract<AirgapEvent, { type: 'blob:done' }>): void {
    if (event.outcome === 'copied') {
      this.#transfers.delete(event.digest);
    } else if (event.outcome === 'mounted') {
      this.mountedBlobs += 1;
      this.mountedBytes += event.size;
    } else {
      this.presentBlobs += 1;
      this.presentBytes += event.size;
    }
  }

  /** Told when a resumed transfer is through: what did not come in this run did not have to be moved. */
  #resumed(event: { readonly digest: string; readonly size: number }): void {
    const came = this.#transfers.get(event.digest)?.bytes ?? 0;
    this.bytesTotal = Math.max(this.bytesMoved, this.bytesTotal - Math.max(0, event.size - came));
    this.#update(event.digest, { bytes: event.size });
  }

  #update(digest: string, change: Partial<Transfer>): void {
    const transfer = this.#transfers.get(digest);
    if (transfer !== undefined) this.#transfers.set(digest, { ...transfer, ...change });
  }
}
