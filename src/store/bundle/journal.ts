/**
 * What a file that is being written has already: a text beside it that only grows. Its first line says what the file will hold and
 * where, each other one what of that is there. A last line that was cut off counts for nothing.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { onDisk, readSmall } from '../layout/disk.ts';
import type { VolumeLayout } from './volume-layout.ts';

/** Largest journal that is read, in bytes. */
const journalLimit = 256 * 1024 * 1024;

/** A range of a blob and where it is in the file. */
export interface JournalEntry {
  readonly digest: Digest;
  readonly blobSize: number;
  readonly start: number;
  readonly length: number;
  readonly offset: number;
}

export type JournalRecord =
  /** The range is whole, checked and on disk. */
  | { readonly kind: 'done'; readonly digest: Digest; readonly start: number; readonly checksum: Digest }
  /** That many bytes of the range were written; unless the power failed they are there. */
  | { readonly kind: 'safe'; readonly digest: Digest; readonly start: number; readonly bytes: number }
  /** What an earlier file had of this blob turned out to be wrong. */
  | { readonly kind: 'bad'; readonly digest: Digest };

export interface ReadJournal {
  /** The first line: the same for the same layout. */
  readonly head: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly entries: readonly JournalEntry[];
  /** Checksums of ranges that are whole, by `rangeKey`. */
  readonly done: ReadonlyMap<string, Digest>;
  readonly safe: ReadonlyMap<string, number>;
  readonly bad: ReadonlySet<Digest>;
}

export function rangeKey(range: { readonly digest: Digest; readonly start: number }): string {
  return `${range.digest}.${range.start}`;
}

/** The first line of a journal, without its end. */
export function journalHead(layout: VolumeLayout, setId: string): string {
  const { number, size } = layout;
  const where = createHash('sha256')
    .update(JSON.stringify([setId, layout.head]))
    .digest('hex');
  const entries = layout.segments.map((one) => [one.digest, one.blobSize, one.start, one.size, one.offset]);
  return JSON.stringify({ journal: 'airgap bundle', version: 1, set: setId, number, size, layout: where, entries });
}

/** Undefined when there is none, or it is not one of ours. */
export async function readJournal(path: string): Promise<ReadJournal | undefined> {
  const text = (await readSmall(path, journalLimit))?.toString('utf8');
  const end = text?.indexOf('\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const head = text.slice(0, end);
  const known = parseHead(head);
  if (known === undefined) return undefined;
  const done = new Map<string, Digest>();
  const safe = new Map<string, number>();
  const bad = new Set<Digest>();
  for (const line of text.slice(end + 1, text.lastIndexOf('\n') + 1).split('\n')) {
    const record = parseRecord(line);
    if (record?.kind === 'done') done.set(rangeKey(record), record.checksum);
    if (record?.kind === 'safe') safe.set(rangeKey(record), record.bytes);
    if (record?.kind === 'bad') bad.add(record.digest);
  }
  return { head, ...known, done, safe, bad };
}

function parseHead(line: string): Pick<ReadJournal, 'size' | 'entries'> | undefined {
  const head = parseJson(line);
  if (typeof head !== 'object' || head === null || Array.isArray(head)) return undefined;
  const { journal, version, size, entries } = head as Record<string, unknown>;
  if (journal !== 'airgap bundle' || version !== 1 || !isCount(size) || !Array.isArray(entries)) return undefined;
  const read = entries.map((entry: unknown) => parseEntry(entry, size));
  const known = read.filter((entry) => entry !== undefined);
  return known.length === read.length ? { size, entries: known } : undefined;
}

function parseEntry(entry: unknown, fileSize: number): JournalEntry | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [digest, blobSize, start, length, offset] = entry as readonly unknown[];
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (!isCount(blobSize) || !isCount(start) || !isCount(length) || !isCount(offset)) return undefined;
  const isInside = start + length <= blobSize && offset + length <= fileSize;
  return isInside ? { digest, blobSize, start, length, offset } : undefined;
}

function parseRecord(line: string): JournalRecord | undefined {
  const record = parseJson(line);
  if (!Array.isArray(record)) return undefined;
  const [kind, digest, start, value] = record as readonly unknown[];
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (kind === 'bad') return { kind, digest };
  if (!isCount(start)) return undefined;
  if (kind === 'safe' && isCount(value)) return { kind, digest, start, bytes: value };
  if (kind === 'done' && typeof value === 'string' && isDigest(value)) return { kind, digest, start, checksum: value };
  return undefined;
}

function printRecord(record: JournalRecord): string {
  if (record.kind === 'bad') return JSON.stringify([record.kind, record.digest]);
  const value = record.kind === 'done' ? record.checksum : record.bytes;
  return JSON.stringify([record.kind, record.digest, record.start, value]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const writeFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;

/** Adds to a journal. Records are in the file in the order they were added. */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  #tail: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Begins a journal; there must be none. */
  static async create(path: string, head: string): Promise<Journal> {
    const flags = writeFlags | constants.O_CREAT | constants.O_EXCL;
    const journal = new Journal(path, await onDisk(`write "${path}"`, open(path, flags, 0o644)));
    await journal.#write(`${head}\n`);
    return journal;
  }

  /** Goes on with a journal. An empty line ends what may have been cut off. */
  static async goOn(path: string): Promise<Journal> {
    const journal = new Journal(path, await onDisk(`write "${path}"`, open(path, writeFlags)));
    await journal.#write('\n');
    return journal;
  }

  /** Resolves when the records are written: they outlive the process, not a power failure. */
  add(records: readonly JournalRecord[]): Promise<void> {
    return this.#write(records.map((record) => `${printRecord(record)}\n`).join(''));
  }

  async sync(): Promise<void> {
    await this.#tail;
    await onDisk(`write "${this.#path}"`, this.#file.datasync());
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => {});
    await this.#file.close();
  }

  #write(text: string): Promise<void> {
    const write = () => onDisk(`write "${this.#path}"`, this.#file.appendFile(text));
    this.#tail = this.#tail.then(write, write);
    this.#tail.catch(() => {});
    return this.#tail;
  }
}
