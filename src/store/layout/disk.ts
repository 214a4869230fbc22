/** Files as a layout needs them: errors with a code, writes that are there whole or not at all. */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AirgapError, isAirgapError } from '../../errors.ts';

/** Reading never follows a link and never waits for the other end of a pipe. */
export const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Runs an action on files and gives its failures a code. `action` completes `Cannot …`. */
export async function onDisk<T>(action: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw diskError(action, error);
  }
}

/**
 * ERR_NO_SPACE for a full disk or quota, ERR_UNSUPPORTED for a file larger than its file system has any, ERR_DENIED where the system
 * forbids it, else ERR_UNREACHABLE. Only a target is written to.
 */
export function diskError(action: string, error: unknown): AirgapError {
  if (isAirgapError(error)) return error;
  const code = codeOf(error);
  const end = /^(?:write|create|move|lock) /.test(action) ? 'target' : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AirgapError('ERR_NO_SPACE', `Cannot ${action}: no space is left`, {
      cause: error,
      end,
      hint: 'free some space and run again: what has arrived is kept and the run goes on from there',
    });
  }
  if (code === 'EFBIG') {
    return new AirgapError('ERR_UNSUPPORTED', `Cannot ${action}: its file system holds no file that large`, {
      cause: error,
      end,
      hint: 'FAT32 ends at 4 GiB: use exFAT or another file system, or volumes: --to bundle:DIR/ --volume-size fat32',
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const state = code === 'EROFS' ? 'the file system is read-only' : 'permission denied';
    return new AirgapError('ERR_DENIED', `Cannot ${action}: ${state}`, { cause: error, end });
  }
  const state = error instanceof Error ? (code ?? error.message) : String(error);
  return new AirgapError('ERR_UNREACHABLE', `Cannot ${action}: ${state}`, { cause: error, end });
}

export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** Bytes of a regular file; undefined when there is none, or something else stands there (a link, a directory). */
export async function fileSize(path: string): Promise<number | undefined> {
  const stats = await statsOf(path);
  return stats?.isFile() === true ? stats.size : undefined;
}

/** A text that differs whenever a regular file may have changed; undefined when there is none. */
export async function fileStamp(path: string): Promise<string | undefined> {
  const stats = await statsOf(path);
  return stats?.isFile() === true ? `${stats.ino}-${stats.size}-${stats.mtimeMs}-${stats.ctimeMs}` : undefined;
}

export async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw diskError(`look at "${path}"`, error);
  }
}

/** A regular file of at most `limit` bytes; undefined when there is none or it is larger. */
export async function readSmall(path: string, limit: number): Promise<Buffer | undefined> {
  const size = await fileSize(path);
  if (size === undefined || size > limit) return undefined;
  return onDisk(
    `read "${path}"`,
    withFile(path, readFlags, (file) => readAll(file, size)),
  );
}

/** In one call to the system where the file has the size it had a moment ago: manifests are read by the thousand. */
async function readAll(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(size + 1);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytesRead === size ? bytes.subarray(0, size) : file.readFile();
}

/** Writes a file so that after a crash it is there whole or not at all: a temporary file beside it, fsync, rename, fsync of the directory. */
export async function replaceFile(
  path: string,
  options: { readonly bytes: Uint8Array | string; readonly temporary: string },
): Promise<void> {
  const { bytes, temporary } = options;
  try {
    // A new file, never what stands there: that may be a link to somewhere else.
    await rm(temporary, { force: true });
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(bytes);
      await file.sync();
    });
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw diskError(`write "${path}"`, error);
  }
}

/** Makes renames in a directory last, where the file system can do that. */
export async function syncDirectory(path: string): Promise<void> {
  await withFile(path, constants.O_RDONLY, async (directory) => {
    await directory.sync().catch((error: unknown) => {
      if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EPERM') throw error;
    });
  });
}

export async function withFile<T>(
  path: string,
  flags: string | number,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, 0o644);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
