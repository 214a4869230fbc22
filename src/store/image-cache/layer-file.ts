/** The layer of a cache's OCI form, read at any place: a plain tar, or one in a gzip file whose places can be computed. */
import { type FileHandle, open } from 'node:fs/promises';
import { fileSize, onDisk, readFlags } from '../layout/disk.ts';
import { type FilePart, readPart } from '../layout/read-part.ts';
import { beginsStored, insideStored, storedGzipContentSize, storedGzipEnd, storedGzipPosition } from './stored-gzip.ts';

/** First bytes that tell what a file is. */
const headBytes = 64;

export interface LayerFile {
  readonly path: string;
  /** Bytes of the tar. */
  readonly size: number;
  /** The file is a gzip file around it. */
  readonly isInGzip: boolean;
  /** A part of the tar. */
  content(part: FilePart): AsyncIterable<Uint8Array>;
}

/** Undefined for what has to be unpacked first. */
export async function openLayerFile(path: string): Promise<LayerFile | undefined> {
  const size = await fileSize(path);
  if (size === undefined) return undefined;
  const head = await firstBytes(path);
  if (head[0] !== 0x1f || head[1] !== 0x8b) {
    return { path, size, isInGzip: false, content: (part) => readPart(path, part) };
  }
  const inside = storedGzipContentSize(size);
  if (inside === undefined || !beginsStored(head, inside)) return undefined;
  return { path, size: inside, isInGzip: true, content: (part) => storedContent({ path, size: inside }, part) };
}

async function* storedContent(
  layer: { readonly path: string; readonly size: number },
  part: FilePart,
): AsyncGenerator<Uint8Array> {
  const { start, end } = part;
  if (start >= end) return;
  const file = readPart(layer.path, { ...part, start: storedGzipPosition(start), end: storedGzipEnd(end) });
  yield* insideStored(file, { start, end, ...layer });
}

async function firstBytes(path: string): Promise<Buffer> {
  const file: FileHandle = await onDisk(`read "${path}"`, open(path, readFlags));
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A small part whole. */
export async function layerBytes(layer: LayerFile, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.alloc(end - start);
  let position = 0;
  // What comes is copied at once, so that the same memory can be read into again: a layer has thousands of headers.
  for await (const chunk of layer.content({ start, end, signal: undefined, transient: true })) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  return bytes;
}
