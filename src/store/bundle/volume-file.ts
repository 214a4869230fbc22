/** One file of a bundle while it is written: `NAME.partial` and its journal, until finish() gives it its name. */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Digest } from '../../oci/digest.ts';
import { onDisk, readFlags } from '../layout/disk.ts';
import { writeWhole } from '../layout/partial-file.ts';
import { Journal, type JournalRecord, journalHead, type ReadJournal, rangeKey } from './journal.ts';
import type { Segment, VolumeLayout } from './volume-layout.ts';

/** Bytes of a range that are written between two records of how far it is. */
const safeStep = 8 * 1024 * 1024;
/** Bytes after which the disk is set to work, so that making everything last in the end does not take as long again. */
const flushStep = 64 * 1024 * 1024;
/** Milliseconds that ranges wait for others to be made to last together. */
const syncDelayMs = 200;

const newFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export function partialOf(path: string): string {
  return `${path}.partial`;
}

export function journalOf(partial: string): string {
  return `${partial}.journal`;
}

interface Opened {
  readonly file: FileHandle;
  readonly journal: Journal;
}

/** What stands where the file will be. */
export type VolumeState =
  | { readonly kind: 'finished' }
  | { readonly kind: 'begun'; readonly journal: ReadJournal }
  | { readonly kind: 'new' };

export class VolumeFile {
  /** Its name when it is finished. */
  readonly path: string;
  readonly layout: VolumeLayout;
  readonly #setId: string;
  readonly #done = new Map<string, Digest>();
  readonly #safe = new Map<string, number>();
  #state: VolumeState['kind'];
  #opening: Promise<Opened> | undefined;
  #reading: Promise<FileHandle> | undefined;
  #unsynced: JournalRecord[] = [];
  #syncing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #unflushed = 0;
  #flushing: Promise<void> | undefined;

  constructor(
    path: string,
    about: { readonly layout: VolumeLayout; readonly setId: string; readonly state: VolumeState },
  ) {
    const { layout, setId, state } = about;
    this.path = path;
    this.layout = layout;
    this.#setId = setId;
    this.#state = state.kind;
    if (state.kind !== 'begun') return;
    for (const segment of layout.segments) {
      const checksum = state.journal.done.get(rangeKey(segment));
      if (checksum !== undefined) this.#done.set(rangeKey(segment), checksum);
      const bytes = state.journal.safe.get(rangeKey(segment)) ?? 0;
      if (bytes <= segment.size) this.#safe.set(rangeKey(segment), bytes);
    }
  }

  get isFinished(): boolean {
    return this.#state === 'finished';
  }

  /** Where its bytes are now. */
  get current(): string {
    return this.isFinished ? this.path : partialOf(this.path);
  }

  /** Bytes of blobs that are there. */
  get bytes(): number {
    return this.layout.segments.reduce((total, segment) => total + this.safe(segment), 0);
  }

  isDone(segment: Segment): boolean {
    return this.isFinished || this.#done.has(rangeKey(segment));
  }

  checksumOf(segment: Pick<Segment, 'digest' | 'start'>): Digest | undefined {
    return this.#done.get(rangeKey(segment));
  }

  /** Bytes of a range that should be there, from its first on. */
  safe(segment: Segment): number {
    return this.isDone(segment) ? segment.size : (this.#safe.get(rangeKey(segment)) ?? 0);
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const file = this.isFinished ? await this.#readable() : (await this.#opened()).file;
    return (await file.read(buffer, 0, buffer.length, position)).bytesRead;
  }

  /** Writes bytes of a range, from `at` in it on. What was written before of it is there. */
  async write(segment: Segment, options: { readonly bytes: Uint8Array; readonly at: number }): Promise<void> {
    const { file, journal } = await this.#opened();
    const { bytes, at } = options;
    await writeWhole(file, bytes, segment.offset + at);
    this.#flush(file, bytes.length);
    const end = at + bytes.length;
    if (end - this.safe(segment) >= safeStep || end === segment.size)
      await this.#note(journal, { segment, bytes: end });
  }

  /** Beside the writing. A failure stays until sync() meets it: the system tells it once. */
  #flush(file: FileHandle, bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed < flushStep || this.#flushing !== undefined) return;
    this.#unflushed = 0;
    const flushing = onDisk(`write "${this.current}"`, file.datasync());
    this.#flushing = flushing;
    flushing.then(
      () => {
        this.#flushing = undefined;
      },
      () => {},
    );
  }

  /** What is there of a range is worth nothing. */
  async forget(segment: Segment): Promise<void> {
    if (this.safe(segment) > 0) await this.#note((await this.#opened()).journal, { segment, bytes: 0 });
  }

  /** A range is whole and checked. It is made to last within 200 ms, or with the next sync(). */
  done(segment: Segment, checksum: Digest): void {
    this.#done.set(rangeKey(segment), checksum);
    this.#unsynced.push({ kind: 'done', digest: segment.digest, start: segment.start, checksum });
    this.#timer ??= setTimeout(() => void this.sync().catch(() => {}), syncDelayMs);
  }

  /** What an earlier file had of a blob is wrong: nobody should take it from there again. */
  async noteBad(digest: Digest): Promise<void> {
    await (await this.#opened()).journal.add([{ kind: 'bad', digest }]);
  }

  /** Makes everything written so far last, and says so in the journal. */
  sync(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#syncing = this.#syncing.catch(() => {}).then(() => this.#syncNow());
    this.#syncing.catch(() => {});
    return this.#syncing;
  }

  async #syncNow(): Promise<void> {
    const records = this.#unsynced;
    if (records.length === 0) return;
    this.#unsynced = [];
    try {
      const { file, journal } = await this.#opened();
      await this.#flushing;
      await onDisk(`write "${this.current}"`, file.datasync());
      await journal.add(records);
      await journal.sync();
    } catch (error) {
      this.#unsynced = [...records, ...this.#unsynced];
      throw error;
    }
  }

  /** Writes everything that is no blob, each at its offset, and makes the file last. */
  async complete(heads: AsyncIterable<{ readonly bytes: Uint8Array; readonly offset: number }>): Promise<void> {
    await this.sync();
    await this.#flushing;
    const { file } = await this.#opened();
    for await (const { bytes, offset } of heads) {
      await onDisk(`write "${this.current}"`, writeWhole(file, bytes, offset));
    }
    await onDisk(`write "${this.current}"`, file.sync());
  }

  /** The file has its name now. */
  renamed(): void {
    this.#state = 'finished';
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#flushing?.catch(() => {});
    const opened = await this.#opening?.catch(() => undefined);
    try {
      if (opened !== undefined) await this.sync();
    } finally {
      await opened?.journal.close();
      await opened?.file.close();
      await (await this.#reading?.catch(() => undefined))?.close();
      this.#opening = undefined;
      this.#reading = undefined;
    }
  }

  async #note(journal: Journal, { segment, bytes }: { segment: Segment; bytes: number }): Promise<void> {
    this.#safe.set(rangeKey(segment), bytes);
    await journal.add([{ kind: 'safe', digest: segment.digest, start: segment.start, bytes }]);
  }

  #opened(): Promise<Opened> {
    if (this.#opening !== undefined) return this.#opening;
    const opening = this.#state === 'begun' ? this.#goOn() : this.#begin();
    this.#opening = opening;
    opening.catch(() => {
      this.#opening = undefined;
    });
    return opening;
  }

  async #goOn(): Promise<Opened> {
    const path = partialOf(this.path);
    const file = await onDisk(`write "${path}"`, open(path, constants.O_RDWR | constants.O_NOFOLLOW));
    return { file, journal: await Journal.goOn(journalOf(path)) };
  }

  /** A file without journal tells nothing: it is made anew, in its whole size, so that every range has its place. */
  async #begin(): Promise<Opened> {
    const path = partialOf(this.path);
    await onDisk(`write "${path}"`, rm(path, { force: true }));
    await onDisk(`write "${path}"`, rm(journalOf(path), { force: true }));
    const file = await onDisk(`write "${path}"`, open(path, newFlags, 0o644));
    try {
      await onDisk(`write "${path}"`, file.truncate(this.layout.size));
    } catch (error) {
      await file.close();
      await rm(path, { force: true });
      throw error;
    }
    return { file, journal: await Journal.create(journalOf(path), journalHead(this.layout, this.#setId)) };
  }

  #readable(): Promise<FileHandle> {
    this.#reading ??= onDisk(`read "${this.path}"`, open(this.path, readFlags));
    return this.#reading;
  }
}
