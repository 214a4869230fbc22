/**
 * One blob as it comes from upstream: reopened at the byte where it broke off, from a second repository where the first does not have
 * it, in ranges where whole answers do not get through, and in parallel ranges where the link gains from it.
 */
import { AirgapError, isAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { formatRepository, type RepositoryName } from '../oci/reference.ts';
import type { ReadableRepository, ReopenableContent, Source, UnverifiedContent } from '../store/store.ts';
import { verifiedContent } from '../store/verified.ts';
import { Attempts } from './attempts.ts';
import type { Meters } from './meter.ts';
import { type ExtraStreams, rangedContent } from './ranges.ts';
import type { CopySettings } from './settings.ts';

/** After answers broke twice without a byte, pieces are asked for: a quarter of the blob, but not more than this. */
const mostPiece = 4 * 1024 * 1024;

export interface UpstreamOptions {
  readonly source: Source;
  readonly settings: CopySettings;
  readonly meters: Meters;
  readonly extra: ExtraStreams;
  readonly events: EventSink;
  readonly signal?: AbortSignal | undefined;
}

export interface UpstreamBlob {
  readonly descriptor: Descriptor;
  readonly from: readonly RepositoryName[];
  /** The image the blob is fetched for, in messages. */
  readonly image: string;
}

/** Content of one blob. Every open() is a new journey; bytes of an abandoned one are taken back from the count. */
export class UpstreamContent implements ReopenableContent {
  readonly #blob: UpstreamBlob;
  readonly #options: UpstreamOptions;
  readonly #repositories: readonly ReadableRepository[];
  #repository = 0;
  #rangesRefused = false;
  #inPieces = false;
  #counted = 0;

  constructor(blob: UpstreamBlob, options: UpstreamOptions) {
    this.#blob = blob;
    this.#options = options;
    this.#repositories = blob.from.map((name) => options.source.repository(name));
  }

  open(offset: number): UnverifiedContent {
    this.#report(offset - this.#counted);
    this.#counted = offset;
    const content = this.#journey(offset);
    return offset === 0 ? verifiedContent(this.#blob.descriptor, content) : content;
  }

  async *#journey(offset: number): UnverifiedContent {
    const { size } = this.#blob.descriptor;
    const { settings, meters, extra } = this.#options;
    if (size < settings.rangeThreshold || settings.rangeStreams <= 1 || this.#rangesRefused) {
      yield* this.#piece(offset, size, 'whole');
      return;
    }
    let position = offset;
    try {
      const read = (start: number, end: number, kind: 'first' | 'extra') => this.#piece(start, end, kind);
      const meter = meters.of(this.#current().name.registry);
      const { rangeBytes, rangeStreams: maxStreams } = settings;
      for await (const chunk of rangedContent({ size, offset, rangeBytes, maxStreams, extra, meter, read })) {
        position += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      if (!withoutRanges(error)) throw error;
      this.#rangesRefused = true;
    }
    yield* this.#piece(position, size, 'whole');
  }

  /** Bytes from `start` to `end`, through as many answers as it takes. */
  async *#piece(start: number, end: number, kind: 'whole' | 'first' | 'extra'): UnverifiedContent {
    const attempts = new Attempts({ ...this.#options.settings, signal: this.#options.signal });
    let position = start;
    while (position < end) {
      try {
        const before = position;
        const content = await this.#answer({ position, end, kind, failures: attempts.failures });
        for await (const chunk of content) {
          position += chunk.byteLength;
          attempts.progress();
          this.#options.meters.of(this.host).add(chunk.byteLength);
          this.#report(chunk.byteLength);
          this.#counted += chunk.byteLength;
          yield chunk;
        }
        if (position === before) throw this.#nothingCame();
      } catch (error) {
        if (kind === 'extra' && position === start && isUnsupported(error)) throw error;
        if (kind !== 'whole' && withoutRanges(error)) throw error;
        if (position < end && this.#worthPieces(error)) continue;
        await this.#broken(error, attempts);
      }
    }
  }

  /** One answer of the source: the rest of the piece, or less where whole answers do not get through. */
  async #answer(wanted: {
    readonly position: number;
    readonly end: number;
    readonly kind: 'whole' | 'first' | 'extra';
    readonly failures: number;
  }): Promise<UnverifiedContent> {
    const { descriptor } = this.#blob;
    const { signal } = this.#options;
    const { position, end, kind, failures } = wanted;
    if (kind === 'whole' && (this.#rangesRefused || (position === 0 && failures === 0 && !this.#inPieces))) {
      return skipping(await this.#current().fetch(descriptor, { signal }), position);
    }
    if (failures >= 2) this.#inPieces = true;
    const piece = Math.min(mostPiece, Math.ceil(descriptor.size / 4));
    const until = this.#inPieces ? Math.min(end, position + piece) : end;
    try {
      return await this.#current().fetch(descriptor, {
        offset: position,
        end: until,
        signal,
        onlyIfIdle: kind === 'extra',
      });
    } catch (error) {
      if (!withoutRanges(error) || kind !== 'whole') throw error;
      this.#rangesRefused = true;
      return skipping(await this.#current().fetch(descriptor, { signal }), position);
    }
  }

  /** Whole answers that never even begin, whatever the transport tries: smaller ones may get through. Tried once. */
  #worthPieces(error: unknown): boolean {
    if (this.#inPieces || this.#rangesRefused) return false;
    if (!isAirgapError(error) || error.retryable || error.status !== undefined) return false;
    if (error.code !== 'ERR_UNREACHABLE' && error.code !== 'ERR_TIMEOUT') return false;
    this.#inPieces = true;
    return true;
  }

  #nothingCame(): AirgapError {
    const { digest } = this.#blob.descriptor;
    return new AirgapError('ERR_SIZE_MISMATCH', `Cannot fetch blob "${this.repository}@${digest}": no bytes came`, {
      end: 'source',
      host: this.host,
      digest,
      retryable: true,
    });
  }

  async #broken(error: unknown, attempts: Attempts): Promise<void> {
    if (isAirgapError(error) && isElsewhere(error) && this.#repository + 1 < this.#repositories.length) {
      this.#repository += 1;
      return;
    }
    await attempts.failed(error, (delayMs, attempt, { message }) => {
      const { descriptor, image } = this.#blob;
      this.#options.events({ type: 'blob:retry', digest: descriptor.digest, image, attempt, delayMs, message });
    });
  }

  #current(): ReadableRepository {
    const repository = this.#repositories[this.#repository];
    if (repository !== undefined) return repository;
    throw new AirgapError(
      'ERR_NOT_FOUND',
      `Cannot fetch blob "${this.#blob.descriptor.digest}": no upstream repository is known for it`,
    );
  }

  /** Where the bytes come from, for messages. */
  get host(): string {
    return this.#current().name.registry;
  }

  get repository(): string {
    return formatRepository(this.#current().name);
  }

  #report(bytes: number): void {
    if (bytes === 0) return;
    this.#options.events({ type: 'blob:bytes', digest: this.#blob.descriptor.digest, bytes });
  }
}

/** The source does not do ranges: the bytes we have are read again and dropped. */
async function* skipping(content: UnverifiedContent, count: number): UnverifiedContent {
  let left = count;
  for await (const chunk of content) {
    if (left >= chunk.byteLength) left -= chunk.byteLength;
    else {
      yield left === 0 ? chunk : chunk.subarray(left);
      left = 0;
    }
  }
}

function isUnsupported(error: unknown): boolean {
  return isAirgapError(error) && error.code === 'ERR_UNSUPPORTED';
}

/** The server does not give out parts, or gives others than were asked for: only the whole can be had of it. */
function withoutRanges(error: unknown): boolean {
  return isUnsupported(error) || (isAirgapError(error) && error.code === 'ERR_PROTOCOL' && error.status === 206);
}

/** Another repository may well have the same bytes. */
function isElsewhere(error: AirgapError): boolean {
  return error.code === 'ERR_NOT_FOUND' || error.code === 'ERR_DENIED' || error.code === 'ERR_UNAUTHORIZED';
}
