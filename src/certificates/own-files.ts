/** Files for one user's eyes that appear whole or not at all. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AirgapError } from '../errors.ts';

/** Largest file of certificates and keys that is read. */
const longestFile = 1024 * 1024;

/** Makes a directory that nobody else may look into. One that is there stays as it is. Throws ERR_USAGE. */
export async function makeOwnDirectory(directory: string): Promise<void> {
  await onFile(`write "${directory}"`, mkdir(directory, { recursive: true, mode: 0o700 }));
}

/** Throws ERR_USAGE, or ERR_INPUT_INVALID for what is too large; undefined where there is no such file. */
export async function readOwnFile(path: string): Promise<string | undefined> {
  const found = await onFile(`read "${path}"`, ifThere(stat(path)));
  if (found === undefined) return undefined;
  if (found.size > longestFile) throw new AirgapError('ERR_INPUT_INVALID', `Cannot read "${path}": larger than 1 MiB`);
  return onFile(`read "${path}"`, ifThere(readFile(path, 'utf8')));
}

/** True when others than its owner may read a file. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  const found = await onFile(`read "${path}"`, ifThere(stat(path)));
  return found !== undefined && (found.mode & 0o077) !== 0;
}

/** Writes beside the file, flushes, and renames. Mode 0600. */
export async function replaceOwnFile(path: string, text: string): Promise<void> {
  await throughTemporary(path, { text, place: (temporary) => rename(temporary, path) });
}

/** The same where no file is yet: whoever comes second leaves the first one's. Gives false then. */
export async function createOwnFile(path: string, text: string): Promise<boolean> {
  let isOurs = true;
  const place = async (temporary: string): Promise<void> => {
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') return rename(temporary, path);
      isOurs = false;
    });
  };
  await throughTemporary(path, { text, place });
  return isOurs;
}

async function throughTemporary(
  path: string,
  { text, place }: { readonly text: string; readonly place: (temporary: string) => Promise<void> },
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const written = async (): Promise<void> => {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(temporary);
  };
  try {
    await onFile(`write "${path}"`, written());
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
}

function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function onFile<T>(action: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    const states: Record<string, string> = {
      EACCES: 'permission denied',
      EPERM: 'operation not permitted',
      EISDIR: 'it is a folder',
      ENOTDIR: 'a part of its path is not a folder',
      EEXIST: 'something else is in its place',
      ENOSPC: 'no space left on the disk',
      EROFS: 'the file system is read-only',
    };
    const state = states[code] ?? (cause instanceof Error ? cause.message : String(cause));
    throw new AirgapError(code === 'ENOSPC' ? 'ERR_NO_SPACE' : 'ERR_USAGE', `Cannot ${action}: ${state}`, { cause });
  }
}
