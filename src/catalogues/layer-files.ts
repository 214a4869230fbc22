/** Files out of a layer as it streams by: its tar is never held, and nothing of it reaches a file system. */
import { type Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as zlib from 'node:zlib';
import { type Extract, extract } from 'tar-stream';
import { AirgapError, isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { quoteText } from '../oci/quote.ts';
import type { UnverifiedContent } from '../store/store.ts';
import { verifiedContent } from '../store/verified.ts';

/** What is wrong with a layer; whoever knows the image puts its name before it. */
export class LayerProblem extends Error {
  readonly code: 'ERR_PROTOCOL' | 'ERR_SIZE_MISMATCH' | 'ERR_UNSUPPORTED';

  constructor(code: LayerProblem['code'], state: string) {
    super(state);
    this.code = code;
  }
}

/** What a layer says of the wanted paths. */
export interface LayerFiles {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths that lower layers have no say in any more: taken away here. */
  readonly removed: ReadonlySet<string>;
}

export interface LayerLimits {
  /** Bytes of a file that is wanted. */
  readonly fileBytes: number;
  /** Bytes of the tar, unpacked. */
  readonly layerBytes: number;
  /** Entries of the tar. */
  readonly entries: number;
}

/**
 * Reads files at the root of a layer. The content is hashed as it flows and read to its end, so what comes back is what the
 * descriptor promised. Throws LayerProblem, and what verifiedContent() throws.
 */
export async function readLayerFiles(
  layer: Descriptor,
  content: UnverifiedContent,
  options: {
    readonly wanted: readonly string[];
    readonly limits: LayerLimits;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<LayerFiles> {
  const reading = new LayerReading(options.wanted, options.limits);
  const tar = extract();
  const taken = reading.takeAll(tar);
  // Who reads an entry of a tar that broke off waits without end; whether the bytes came is told by who feeds it.
  taken.catch(() => undefined);
  const source = Readable.from(verifiedContent(layer, content), { objectMode: false });
  const unpack = unpacker(layer.mediaType);
  let cause: unknown;
  const feed = (chunks: AsyncIterable<Uint8Array>): Promise<void> =>
    feedTar(tar, upTo(chunks, options.limits.layerBytes)).catch((error: unknown) => {
      cause = error;
      throw error;
    });
  const settings = { signal: options.signal ?? new AbortController().signal };
  try {
    if (unpack === undefined) await pipeline(source, feed, settings);
    else await pipeline(source, unpack, feed, settings);
    await taken;
  } catch (error) {
    options.signal?.throwIfAborted();
    const told = [error, cause].find(isOurs);
    throw told ?? reading.refusal ?? unreadable(cause ?? error);
  } finally {
    tar.destroy();
  }
  if (reading.refusal !== undefined) throw reading.refusal;
  return reading.result();
}

/** Node's own pipeline does not end when a tar of this library is aborted. */
async function feedTar(tar: Extract, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    tar.once('finish', resolve);
    tar.once('close', resolve);
    tar.on('error', reject);
  });
  ended.catch(() => undefined);
  for await (const chunk of chunks) {
    if (!tar.write(chunk)) await Promise.race([ended, new Promise<void>((resolve) => tar.once('drain', resolve))]);
  }
  tar.end(null);
  await ended;
}

function isOurs(error: unknown): boolean {
  return isAirgapError(error) || error instanceof LayerProblem;
}

function unreadable(error: unknown): LayerProblem {
  const state = error instanceof Error ? error.message : String(error);
  return new LayerProblem('ERR_PROTOCOL', `a layer cannot be unpacked (${quoteText(state, 80)})`);
}

class LayerReading {
  readonly #wanted: ReadonlySet<string>;
  readonly #limits: LayerLimits;
  readonly #files = new Map<string, Uint8Array>();
  readonly #removed = new Set<string>();
  #entries = 0;
  /** What the first bad entry is refused for. */
  refusal: unknown;

  constructor(wanted: readonly string[], limits: LayerLimits) {
    this.#wanted = new Set(wanted);
    this.#limits = limits;
  }

  /** A tar that is left early never ends: after a refusal the rest runs by, as far as the limits let it. */
  async takeAll(tar: Extract): Promise<void> {
    for await (const entry of tar) {
      const content = entry as AsyncIterable<Uint8Array> & typeof entry;
      if (this.refusal === undefined)
        await this.#take(entry.header, content).catch((error: unknown) => {
          this.refusal = isOurs(error) ? error : unreadable(error);
        });
      entry.resume();
    }
  }

  async #take(
    header: { readonly name: string; readonly type?: string | null; readonly size?: number | undefined },
    content: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    this.#entries += 1;
    if (this.#entries > this.#limits.entries)
      throw new LayerProblem('ERR_SIZE_MISMATCH', `a layer has more than ${this.#limits.entries} entries`);
    const path = header.name.replace(/^(?:\.?\/)+/, '');
    this.#noteWhiteout(path);
    if (!this.#wanted.has(path)) return;
    if (header.type !== 'file' && header.type !== 'contiguous-file')
      throw new LayerProblem(
        'ERR_PROTOCOL',
        `${quoteText(path)} is no file in it, but a ${header.type ?? 'thing unknown'}`,
      );
    const { fileBytes } = this.#limits;
    if ((header.size ?? 0) > fileBytes) {
      const state = `${quoteText(path)} in it has ${header.size} bytes, at most ${fileBytes} are read`;
      throw new LayerProblem('ERR_SIZE_MISMATCH', state);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    this.#files.set(path, Buffer.concat(chunks));
    this.#removed.delete(path);
  }

  result(): LayerFiles {
    return { files: this.#files, removed: this.#removed };
  }

  /** OCI image-spec v1.1, layer.md, "Whiteouts": they speak of lower layers alone. */
  #noteWhiteout(path: string): void {
    if (path === '.wh..wh..opq') for (const wanted of this.#wanted) this.#removed.add(wanted);
    else if (path.startsWith('.wh.')) this.#removed.add(path.slice('.wh.'.length));
  }
}

async function* upTo(source: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > most) throw new LayerProblem('ERR_SIZE_MISMATCH', `a layer unpacks to more than ${most} bytes`);
    yield chunk;
  }
}

/** Undefined for a bare tar. Throws LayerProblem for what this Node.js cannot unpack. */
function unpacker(mediaType: string): Duplex | undefined {
  if (/[.+]gzip$/.test(mediaType)) return zlib.createGunzip();
  if (/[.+]zstd$/.test(mediaType)) {
    if ('createZstdDecompress' in zlib && typeof zlib.createZstdDecompress === 'function')
      return zlib.createZstdDecompress() as Duplex;
    throw new LayerProblem(
      'ERR_UNSUPPORTED',
      `a layer is packed with zstd, which Node.js ${process.versions.node} cannot unpack (22.15 and later can)`,
    );
  }
  if (/(?:^|[.+/])tar$/.test(mediaType)) return undefined;
  throw new LayerProblem('ERR_UNSUPPORTED', `a layer has the type ${quoteText(mediaType)}`);
}

/** The problem as an error that names the image. */
export function ofImage(problem: LayerProblem, image: string): AirgapError {
  return new AirgapError(problem.code, `Cannot read image "${image}": ${problem.message}`, {
    cause: problem,
    reference: image,
    end: 'source',
  });
}
