/** Directories that may be written to as if they were new. */
import { readdir } from 'node:fs/promises';

/** True for a directory that is not there, or has nothing but the names in `leftovers` in it. */
export async function isAbsentOrEmpty(directory: string, leftovers: readonly string[] = []): Promise<boolean> {
  return readdir(directory).then(
    (names) => names.every((name) => leftovers.includes(name)),
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}
