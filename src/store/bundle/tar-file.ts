/** One tar, its headers read once: where every entry is. Content is read where it lies. */
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { AirgapError } from '../../errors.ts';
import { throwIfAborted } from '../interruption.ts';
import { onDisk, readFlags, statsOf } from '../layout/disk.ts';
import { type FilePart, readPart } from '../layout/read-part.ts';
import type { CallOptions } from '../store.ts';
import { refused } from './refuse.ts';
import { type TarReadOptions, tarEntries } from './tar-entries.ts';
import { WindowedFile } from './windowed-file.ts';

/** Where an entry's content is in its tar. */
export interface EntryPlace {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** What compressed files begin with, and what unpacks them. */
const compressions: readonly (readonly [bytes: readonly number[], program: string])[] = [
  [[0x1f, 0x8b], 'gunzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'unzstd'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'unxz'],
  [[0x42, 0x5a, 0x68], 'bunzip2'],
];

export interface TarOpenOptions extends CallOptions {
  /** Take a file that ends before its tar does for what it has. Default false. */
  readonly cutShort?: boolean | undefined;
}

/**
 * Reads the headers of a tar; a link to it is followed. Throws ERR_INPUT_INVALID for what is missing, no tar, damaged, or has an entry
 * twice, and ERR_DENIED or ERR_UNREACHABLE when it cannot be read.
 */
export async function openTar(path: string, options: TarOpenOptions = {}): Promise<TarFile> {
  const real = await onDisk(`open bundle "${path}"`, realpath(path));
  const handle = await onDisk(`open bundle "${path}"`, open(real, readFlags));
  try {
    const stats = await onDisk(`open bundle "${path}"`, handle.stat());
    if (!stats.isFile()) throw refused(path, 'it is no file');
    if (stats.size === 0) throw refused(path, 'it is empty');
    await refuseCompressed(path, handle);
    let isCutShort = false;
    const noteCut = (): void => {
      isCutShort = true;
    };
    const onCutShort = options.cutShort === true ? noteCut : undefined;
    const file = new WindowedFile(handle, { path, size: stats.size });
    const entries = await entriesOf(file, { signal: options.signal, onCutShort });
    return new TarFile(entries, { path, real, size: stats.size, mtimeMs: stats.mtimeMs, isCutShort });
  } finally {
    await handle.close();
  }
}

async function refuseCompressed(path: string, handle: FileHandle): Promise<void> {
  const start = Buffer.alloc(6);
  await onDisk(`read "${path}"`, handle.read(start, 0, start.length, 0));
  const found = compressions.find(([bytes]) => bytes.every((byte, at) => start[at] === byte));
  if (found === undefined) return;
  throw refused(path, 'it is compressed', {
    hint: `unpack it with ${found[1]} first: layers are compressed already, and a plain tar is read in place`,
  });
}

async function entriesOf(file: WindowedFile, options: TarReadOptions): Promise<Map<string, EntryPlace>> {
  const entries = new Map<string, EntryPlace>();
  const directories = new Set<string>();
  for await (const { name, kind, offset, size } of tarEntries(file, options)) {
    const isTwice = entries.has(name) || (kind === 'file' && directories.has(name));
    if (isTwice) throw refused(file.path, 'is there twice', { entry: name });
    if (kind === 'directory') directories.add(name);
    else entries.set(name, { offset, size });
  }
  return entries;
}

export class TarFile {
  /** As its user named it. */
  readonly path: string;
  readonly entries: ReadonlyMap<string, EntryPlace>;
  /** The file ends before its tar does; only where that was asked for, as it is refused otherwise. */
  readonly isCutShort: boolean;
  readonly #opened: { readonly real: string; readonly size: number; readonly mtimeMs: number };

  constructor(
    entries: ReadonlyMap<string, EntryPlace>,
    opened: {
      readonly path: string;
      readonly real: string;
      readonly size: number;
      readonly mtimeMs: number;
      readonly isCutShort?: boolean;
    },
  ) {
    this.path = opened.path;
    this.entries = entries;
    this.isCutShort = opened.isCutShort === true;
    this.#opened = opened;
  }

  /** A small entry whole; undefined when there is none. Throws ERR_INPUT_INVALID when it has more than `limit` bytes. */
  async read(name: string, limit: number): Promise<Buffer | undefined> {
    const place = this.entries.get(name);
    if (place === undefined) return undefined;
    if (place.size > limit) {
      throw refused(this.path, `has ${place.size} bytes, at most ${limit} are read`, { entry: name });
    }
    const chunks: Uint8Array[] = [];
    const part = { start: place.offset, end: place.offset + place.size, signal: undefined };
    for await (const chunk of this.bytes(part)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Bytes of the file from `start` to `end`. Throws ERR_UNREACHABLE when the file is gone, or another one stands in its place. */
  async *bytes(part: FilePart): AsyncGenerator<Uint8Array> {
    throwIfAborted(part.signal);
    if ((await this.stamp()) === undefined) throw this.#gone();
    const reader = readPart(this.#opened.real, part);
    try {
      for (;;) {
        const next = await onDisk(`read bundle "${this.path}"`, reader.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await reader.return(undefined);
    }
  }

  /**
   * A text that differs whenever the file may have been written to; undefined when it is not the one that was opened.
   * Inode numbers are left out: those of FAT and exFAT, as on most USB disks, change while nothing else does.
   */
  async stamp(): Promise<string | undefined> {
    const { real, size, mtimeMs } = this.#opened;
    const stats = await statsOf(real);
    if (stats?.isFile() !== true || stats.size !== size || stats.mtimeMs !== mtimeMs) return undefined;
    return `${size}-${mtimeMs}-${stats.ctimeMs}`;
  }

  #gone(): AirgapError {
    return new AirgapError('ERR_UNREACHABLE', `Cannot read bundle "${this.path}": it is gone, or was replaced`, {
      hint: 'see that its disk is there, and start again',
    });
  }
}
