/** Files the program reads and writes for its user: lists, locks, patches. */
import { randomBytes } from 'node:crypto';
import { constants, openSync } from 'node:fs';
import { access, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { AirgapError } from '../errors.ts';
import { throwIfAborted } from '../store/interruption.ts';

/** Larger than any list or lock; a layer given by mistake is refused before it fills the memory. */
const readLimit = 64 * 1024 * 1024;

/** A whole text file, or what comes through a pipe. Throws ERR_INPUT_INVALID when it cannot be read or is larger than 64 MiB, and the signal's reason when it is aborted meanwhile. */
export async function readInputFile(
  path: string,
  shown: string,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Uint8Array> {
  try {
    if ((await stat(path)).isFIFO()) return await collect(pipeAt(path), { shown, ...options });
    const handle = await open(path, 'r');
    try {
      return await collect(handle.createReadStream({ autoClose: false }), { shown });
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readError(error, shown);
  }
}

/** Opening a pipe to which nobody writes waits in a thread that no signal ends, and reading it would too. */
function pipeAt(path: string): Readable {
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

/** Everything a stream has, up to 64 MiB. Throws ERR_INPUT_INVALID beyond, and the signal's reason when it is aborted meanwhile. */
export async function collect(
  stream: Readable,
  options: { readonly shown: string; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  const { shown, signal } = options;
  const stop = (): void => void stream.destroy();
  signal?.addEventListener('abort', stop, { once: true });
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of stream as AsyncIterable<Uint8Array | string>) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      size += bytes.length;
      if (size > readLimit) throw tooLarge(shown);
      parts.push(bytes);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    throwIfAborted(signal);
  }
  return Buffer.concat(parts);
}

function tooLarge(shown: string): AirgapError {
  return new AirgapError(
    'ERR_INPUT_INVALID',
    `Cannot read "${shown}": larger than 64 MiB, so it is no list of images and no lock`,
  );
}

/** A text file; undefined where there is none. Throws what Node.js throws otherwise. */
export async function readWhereThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes beside the file, flushes, and renames: readers see the old text or the new one. Missing folders are made. `mode` (default 0644) is that of the file, without what the umask takes. A link is replaced, not followed. Throws ERR_USAGE, also for a device or a pipe, which a rename would take away, and ERR_NO_SPACE. */
export async function writeFileAtomic(
  path: string,
  text: string,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    await refuseSpecial(path);
    const handle = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw writeError(error, path);
  }
}

/** Whether a file could be written there, told before hours of copying. Throws ERR_USAGE when it could not. */
export async function checkWritable(path: string): Promise<void> {
  try {
    await refuseSpecial(path);
    await access(await existingFolder(dirname(path)), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw writeError(error, path);
  }
}

/**
 * `/dev/stdout` is a link to a pipe or a terminal: what it names counts. Where it names a file, the rename would put that in place of the
 * link, for every program of the machine.
 */
async function refuseSpecial(path: string): Promise<void> {
  const folder = await realpath(dirname(path)).catch(() => '');
  const found = await stat(path).catch(() => undefined);
  const isOfSystem = /^\/(?:dev|proc|sys)(?:\/|$)/.test(folder) && !/^\/dev\/shm(?:\/|$)/.test(folder);
  if (!isOfSystem && (found === undefined || found.isFile())) return;
  throw Object.assign(new Error('it is no regular file'), found?.isDirectory() === true ? { code: 'EISDIR' } : {});
}

/** The folder itself, or the nearest above it that is there. */
async function existingFolder(folder: string): Promise<string> {
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return existingFolder(dirname(folder));
  if (!found.isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
  return folder;
}

const states: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EEXIST: 'a part of its path is not a folder',
  ENOSPC: 'no space left on the disk',
  EROFS: 'the file system is read-only',
};

function stateOf(error: unknown): { readonly code: string; readonly state: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return { code, state: states[code] ?? (error instanceof Error ? error.message : String(error)) };
}

/** What a failed read means to the user: ERR_INPUT_INVALID, with the name. An AirgapError stays what it is. */
export function readError(error: unknown, shown: string): AirgapError {
  if (error instanceof AirgapError) return error;
  return new AirgapError('ERR_INPUT_INVALID', `Cannot read "${shown}": ${stateOf(error).state}`, { cause: error });
}

/** What a failed write means to the user: ERR_NO_SPACE or ERR_USAGE, with the path. */
export function writeError(error: unknown, path: string): AirgapError {
  const { code, state } = stateOf(error);
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new AirgapError(full ? 'ERR_NO_SPACE' : 'ERR_USAGE', `Cannot write "${path}": ${state}`, {
    cause: error,
    end: 'target',
  });
}
