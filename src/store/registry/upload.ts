/** One push of one blob: what its ways of sending share. */
import type { Descriptor } from '../../oci/descriptor.ts';
import type { PushOptions, ReopenableContent } from '../store.ts';
import type { Exchange } from './exchange.ts';
import type { ByteBudget, HostFeatures, SendingRate } from './features.ts';
import { ContentFeed } from './feed.ts';
import { UploadSession } from './session.ts';

export interface UploadSettings {
  /** Bytes of a part. Default: by the size of the blob, 1 to 6 MiB. */
  readonly chunkBytes?: number | undefined;
  /** Blobs up to this many bytes go in one request. */
  readonly monolithicLimitBytes: number;
  readonly budget: ByteBudget;
  readonly rate: SendingRate;
  /** Sessions that a refused mount opened, by repository and digest: the next push uses them. */
  readonly opened: Map<string, UploadSession>;
}

export interface UploadWork {
  readonly exchange: Exchange;
  readonly descriptor: Descriptor;
  readonly content: ReopenableContent;
  readonly options: PushOptions;
  readonly settings: UploadSettings;
}

export class Upload {
  readonly descriptor: Descriptor;
  readonly settings: UploadSettings;
  readonly features: HostFeatures;
  readonly feed: ContentFeed;
  readonly #work: UploadWork;
  #session: UploadSession | undefined;
  #reached: number;

  /** Goes on with `session` at `offset`, where both are known from before. */
  constructor(work: UploadWork, resumed: { readonly session?: UploadSession; readonly offset: number }) {
    this.#work = work;
    this.descriptor = work.descriptor;
    this.settings = work.settings;
    this.features = work.exchange.features;
    this.feed = new ContentFeed(work.content, { size: work.descriptor.size, offset: resumed.offset });
    this.#session = resumed.session;
    this.#reached = resumed.offset;
  }

  get session(): UploadSession | undefined {
    return this.#session;
  }

  /** True when bytes are at the target which a later attempt can go on with. */
  get resumable(): boolean {
    return this.#reached > 0;
  }

  /** The session, begun if there is none. */
  async openSession(): Promise<UploadSession> {
    if (this.#session !== undefined) return this.#session;
    const { exchange, descriptor, settings, options } = this.#work;
    const key = sessionKey(exchange, descriptor);
    const opened = settings.opened.get(key);
    settings.opened.delete(key);
    const session =
      opened?.under(options.signal) ??
      (await UploadSession.begin(exchange, {
        reference: exchange.printed(descriptor.digest),
        signal: options.signal,
      }));
    this.#session = session;
    return session;
  }

  /** Throws what the content failed with, if it did: whatever the registry says then is only a consequence. */
  throwContentFailure(): void {
    const failure = this.feed.failure();
    if (failure !== undefined) throw failure.error;
  }

  /** The registry took a part: bytes up to `offset` are safe. */
  taken(offset: number): void {
    this.settings.rate.add(Math.max(0, offset - this.#reached));

    this.#reached = offset;
    if (this.#session === undefined) return;
    this.#work.options.onState?.({ location: this.#session.location, offset });
  }

  /** The session is of no use any more: it is forgotten here and, if asked, there. */
  async dropSession(options: { readonly cancel: boolean } = { cancel: true }): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    if (this.#reached > 0) this.#work.options.onState?.(undefined);
    this.#reached = 0;
    if (options.cancel) await session?.cancel();
  }
}

export function sessionKey(exchange: Exchange, descriptor: Descriptor): string {
  return exchange.printed(descriptor.digest);
}
