/** The tree inside a layer: where each file is, found by going from header to header once. Nothing is unpacked. */
import { AirgapError } from '../../errors.ts';
import { quoteText } from '../../oci/quote.ts';
import { blockSize, decodeHeader, decodeLongName, decodePax, type Override } from '../bundle/tar-fields.ts';
import { paddedSize } from '../bundle/tar-header.ts';
import { throwIfAborted } from '../interruption.ts';
import type { FilePart } from '../layout/read-part.ts';
import { type LayerFile, layerBytes } from './layer-file.ts';
import { fileAt } from './names.ts';
import { byNameOrder, type CacheEntry, type CacheTree } from './tree.ts';

interface Place {
  readonly offset: number;
  readonly size: number;
}

/** Most headers that are read: a cache has one for every blob and two for most manifests. */
const mostHeaders = 1_000_000;
/** Largest header that says more about the next entry, in bytes. */
const extensionLimit = 64 * 1024;
/** Bytes that are read at once in search of headers. */
const windowBytes = 32 * 1024;

export class ArchiveTree implements CacheTree {
  readonly #layer: LayerFile;
  readonly #files: ReadonlyMap<string, Place>;
  readonly #folders = new Map<string, CacheEntry[]>();
  readonly #release: () => Promise<void>;

  constructor(layer: LayerFile, files: ReadonlyMap<string, Place>, release: () => Promise<void> = async () => {}) {
    this.#layer = layer;
    this.#files = files;
    this.#release = release;
    for (const path of files.keys()) this.#list(path, 'file');
    for (const entries of this.#folders.values()) entries.sort(byNameOrder);
  }

  async size(path: string): Promise<number | undefined> {
    return this.#files.get(path)?.size;
  }

  async read(path: string, limit: number): Promise<Buffer | undefined> {
    const place = this.#files.get(path);
    if (place === undefined || place.size > limit) return undefined;
    return layerBytes(this.#layer, place.offset, place.offset + place.size);
  }

  async *content(path: string, part: FilePart): AsyncGenerator<Uint8Array> {
    const place = this.#files.get(path);
    if (place === undefined) return;
    const { offset, size } = place;
    yield* this.#layer.content({ ...part, start: offset + part.start, end: offset + Math.min(part.end, size) });
  }

  async entries(folder: string): Promise<readonly CacheEntry[]> {
    return this.#folders.get(folder) ?? [];
  }

  /** The layer never changes while it is open: another one has another name. */
  async stamp(path: string): Promise<string | undefined> {
    const place = this.#files.get(path);
    return place && `${this.#layer.path} ${place.offset} ${place.size}`;
  }

  close(): Promise<void> {
    return this.#release();
  }

  #list(path: string, kind: CacheEntry['kind']): void {
    const slash = path.lastIndexOf('/');
    if (slash < 0) return;
    const folder = path.slice(0, slash);
    const siblings = this.#folders.get(folder);
    const entry: CacheEntry = { name: path.slice(slash + 1), kind };
    if (siblings === undefined) {
      this.#folders.set(folder, [entry]);
      this.#list(folder, 'folder');
    } else siblings.push(entry);
  }
}

/** Where the files of a cache are in its layer; what is none of a cache's is passed over. Throws ERR_INPUT_INVALID for what is no tar, is cut short, or has no cache in it. */
export async function indexLayer(
  layer: LayerFile,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ReadonlyMap<string, Place>> {
  const files = new Map<string, Place>();
  const window = new HeaderWindow(layer);
  let override: Override = {};
  let position = 0;
  for (let count = 0; ; count += 1) {
    throwIfAborted(options.signal);
    if (count === mostHeaders) throw refused(layer, `it has more than ${mostHeaders} entries`);
    const header = await headerAt(window, position);
    if (header === undefined) break;
    const size = override.size ?? header.size;
    const offset = position + blockSize;
    if (size > layer.size - offset) throw refused(layer, 'its tar is cut short');
    position = offset + paddedSize(size);
    if (header.type === 'x' || header.type === 'L') {
      override = { ...override, ...(await extension(layer, { type: header.type, offset, size })) };
      continue;
    }
    const name = plainName(override.path ?? header.name);
    override = {};
    if (header.type !== '0' && header.type !== '7') continue;
    if (fileAt(name) !== undefined) files.set(name, { offset, size });
  }
  if (files.size === 0) throw refused(layer, 'there is no image in it');
  refuseClashes(layer, files);
  return files;
}

/** Headers of small files lie close together: one read for many of them. */
class HeaderWindow {
  readonly layer: LayerFile;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(layer: LayerFile) {
    this.layer = layer;
  }

  /** A block that is there. */
  async block(position: number): Promise<Buffer> {
    if (position < this.#start || position + blockSize > this.#start + this.#bytes.length) {
      this.#bytes = await layerBytes(this.layer, position, Math.min(position + windowBytes, this.layer.size));
      this.#start = position;
    }
    return this.#bytes.subarray(position - this.#start, position - this.#start + blockSize);
  }
}

async function headerAt(window: HeaderWindow, position: number) {
  const { layer } = window;
  if (position + blockSize > layer.size) throw refused(layer, 'its tar is cut short');
  const header = decodeHeader(await window.block(position));
  if (typeof header === 'string') throw refused(layer, `at byte ${position} its tar ${header}`);
  return header;
}

async function extension(
  layer: LayerFile,
  { type, offset, size }: Place & { readonly type: string },
): Promise<Override> {
  if (size > extensionLimit) throw refused(layer, 'a header of its tar is too large');
  const content = await layerBytes(layer, offset, offset + size);
  const override = type === 'x' ? decodePax(content) : decodeLongName(content);
  if (override === undefined) throw refused(layer, 'a header of its tar cannot be read');
  return override;
}

function plainName(name: string): string {
  return name.replace(/^(?:\.\/)+/, '').replace(/(?<!\/)\/+$/, '');
}

/** A path that is both a file and a folder would be one thing here and another when it is unpacked. */
function refuseClashes(layer: LayerFile, files: ReadonlyMap<string, Place>): void {
  for (const path of files.keys()) {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash);
      if (files.has(folder)) throw refused(layer, `${quoteText(folder)} is a file and a folder in it`);
    }
  }
}

function refused({ path }: LayerFile, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read image cache layer "${path}": ${state}`, {
    hint: 'copy it again from where it was written, or build the image cache again',
  });
}
