/** The entries of a tar, found by going from header to header. Only names and places are read: nothing is ever unpacked. */
import { throwIfAborted } from '../interruption.ts';
import { copyAgainHint, dockerArchiveHint, refused } from './refuse.ts';
import {
  blockSize,
  decodeHeader,
  decodeLongName,
  decodePax,
  type Override,
  type TarHeader,
  wrongChecksum,
} from './tar-fields.ts';
import { paddedSize } from './tar-header.ts';
import type { WindowedFile } from './windowed-file.ts';

export interface TarEntry {
  /** Below the root of the tar, without `./`: `blobs/sha256/…`. */
  readonly name: string;
  readonly kind: 'file' | 'directory';
  /** Where its content begins, in bytes. */
  readonly offset: number;
  /** Bytes of content. */
  readonly size: number;
}

/** Most headers that are read: a bundle has one for every blob and manifest. */
const mostHeaders = 1_000_000;
/** Largest header that says more about the next entry, in bytes. */
const extensionLimit = 1024 * 1024;
const nameLimit = 4096;
/** Most characters of all names together: what is kept of a tar is kept in memory. */
const allNamesLimit = 64 * 1024 * 1024;
/** Most zeros after the end that are looked at: tar programs fill their last record. */
const tailLimit = 16 * 1024 * 1024;

const forbidden: Readonly<Record<string, string>> = {
  '1': 'is a hard link',
  '2': 'is a symbolic link',
  '3': 'is a device',
  '4': 'is a device',
  '6': 'is a pipe',
  K: 'is a link',
  S: 'is a file with holes',
};

export interface TarReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called, in place of an error, when the file ends before its tar does; an entry it ends in is still given, with the size it should have. */
  readonly onCutShort?: (() => void) | undefined;
}

/**
 * Reads every header once. Throws ERR_INPUT_INVALID, naming file, entry and reason, for what is no tar, is cut short, has other
 * entries than files and directories, or names that lead elsewhere; ERR_UNREACHABLE when the disk fails.
 */
export async function* tarEntries(file: WindowedFile, options: TarReadOptions = {}): AsyncGenerator<TarEntry> {
  let position = 0;
  let override: Override = {};
  let characters = 0;
  for (let count = 0; ; count += 1) {
    throwIfAborted(options.signal);
    if (count === mostHeaders) throw refused(file.path, `it has more than ${mostHeaders} entries`);
    if (isCutAt(file, position, options)) return;
    const header = await headerAt(file, position);
    if (header === undefined) break;
    const size = override.size ?? header.size;
    const offset = position + blockSize;
    const name = override.path ?? header.name;
    refuseBeyondEnd(file, { name, offset, size, mayBeCut: mayBeCut(header, options) });
    position = offset + paddedSize(size);
    if (header.type === 'x' || header.type === 'L') {
      override = { ...override, ...(await extension(file, header, offset)) };
      continue;
    }
    if (header.type === 'g') continue;
    override = {};
    const kind = kindOf(file.path, { ...header, name, size });
    const plain = plainName(file.path, name);
    characters += plain.length;
    if (characters > allNamesLimit) throw refused(file.path, `its names have more than ${allNamesLimit} characters`);
    if (plain !== '') yield { name: plain, kind, offset, size };
    else if (kind === 'file') throw refused(file.path, 'has no name', { entry: name });
  }
  refuseOpenEnd(file, override);
  await checkTail(file, position);
}

/** Where cut files are let pass: tells whether there is neither an entry nor an end any more. What is too small to be a tar is not let pass. */
function isCutAt(file: WindowedFile, position: number, { onCutShort }: TarReadOptions): boolean {
  if (onCutShort === undefined || position === 0 || position + 2 * blockSize <= file.size) return false;
  onCutShort();
  return true;
}

function mayBeCut({ type }: TarHeader, { onCutShort }: TarReadOptions): boolean {
  return onCutShort !== undefined && (type === '0' || type === '7');
}

function refuseOpenEnd(file: WindowedFile, { path, size }: Override): void {
  if (path === undefined && size === undefined) return;
  throw refused(file.path, 'it ends where an entry should be', { hint: copyAgainHint });
}

/** Undefined at the two blocks of zeros that end a tar. */
async function headerAt(file: WindowedFile, position: number): Promise<TarHeader | undefined> {
  if (position + blockSize > file.size) {
    const state = position === 0 ? 'it is no tar: it is too small' : 'it is cut short: the end of the tar is missing';
    throw refused(file.path, state, { hint: copyAgainHint });
  }
  const header = decodeHeader(await file.bytes(position, blockSize));
  if (typeof header === 'string') {
    if (position === 0 && header === wrongChecksum)
      throw refused(file.path, 'it is no tar', { hint: 'name a bundle or a tar of an OCI layout' });
    throw refused(file.path, `at byte ${position} it ${header}`, { hint: copyAgainHint });
  }
  if (header !== undefined) return header;
  const isEnd =
    position + 2 * blockSize <= file.size &&
    decodeHeader(await file.bytes(position + blockSize, blockSize)) === undefined;
  if (isEnd) return undefined;
  throw refused(file.path, `at byte ${position} there is a block of zeros where an entry should be`, {
    hint: copyAgainHint,
  });
}

function refuseBeyondEnd(
  file: WindowedFile,
  entry: { name: string; offset: number; size: number; mayBeCut: boolean },
): void {
  if (entry.mayBeCut || entry.size <= file.size - entry.offset) return;
  const state = `should have ${entry.size} bytes, and the file ends after ${file.size - entry.offset} of them`;
  throw refused(file.path, state, { entry: entry.name, hint: copyAgainHint });
}

async function extension(file: WindowedFile, header: TarHeader, offset: number): Promise<Override> {
  const state = 'is a header that is too large';
  if (header.size > extensionLimit) throw refused(file.path, state, { entry: header.name });
  const content = await file.bytes(offset, header.size);
  const override = header.type === 'x' ? decodePax(content) : decodeLongName(content);
  if (override !== undefined) return override;
  throw refused(file.path, 'is a header that cannot be read', { entry: header.name });
}

function kindOf(path: string, header: TarHeader): TarEntry['kind'] {
  const { type, name, size } = header;
  const isDirectory = type === '5' || ((type === '0' || type === '7') && name.endsWith('/'));
  if (isDirectory && size === 0) return 'directory';
  if (isDirectory) throw refused(path, `is a directory with ${size} bytes of content`, { entry: name });
  if (type === '0' || type === '7') return 'file';
  const state = forbidden[type] ?? `is of type ${JSON.stringify(type)}, which is not known`;
  const hint = state.endsWith('link') ? dockerArchiveHint : undefined;
  throw refused(path, `${state}: a bundle has files alone`, { entry: name, hint });
}

/** The name without `./` and without slashes at its end. */
function plainName(path: string, name: string): string {
  const refuse = (state: string) => refused(path, state, { entry: name });
  if (name.length > nameLimit) throw refuse(`has a name of more than ${nameLimit} characters`);
  if (name.includes('\0')) throw refuse('has a NUL in its name');
  if (name.includes('\\')) throw refuse('has a backslash in its name');
  if (name.startsWith('/')) throw refuse('has an absolute name');
  const steps = name.split('/').filter((step) => step !== '' && step !== '.');
  if (steps.includes('..')) throw refuse('leads out of the bundle');
  return steps.join('/');
}

/** After its end a tar has zeros or nothing: other bytes would be seen by some programs and not by others. */
async function checkTail(file: WindowedFile, end: number): Promise<void> {
  const state = 'it goes on after the end of the tar';
  if (file.size - end > tailLimit) throw refused(file.path, state);
  for (let position = end; position < file.size; ) {
    const length = Math.min(blockSize, file.size - position);
    const bytes = await file.bytes(position, length);
    if (bytes.some((byte) => byte !== 0)) throw refused(file.path, state);
    position += length;
  }
}
