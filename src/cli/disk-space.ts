/** A layout that will not fit is better known before the first byte than after the last free one. */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AirgapError } from '../errors.ts';
import { sizeText } from './report/text.ts';

/** Room that file systems need besides the bytes themselves: blocks, directories, the index. */
const margin = 1024 * 1024;

/**
 * Throws ERR_NO_SPACE when the file system of a layout directory, which need not be there yet, has less room than `bytes`. What an
 * interrupted run left of them is there already; room that cannot be told is taken to be enough.
 */
export async function checkRoom(directory: string, bytes: number): Promise<void> {
  await checkFree(directory, {
    bytes: bytes - (await partialBytes(directory)),
    hint: 'free some space, choose another directory with --to oci:DIR, or copy less with --platform',
  });
}

/** The same for `bytes` that are not there in any part, at a file or directory that need not be there yet. */
export async function checkFree(
  place: string,
  { bytes, hint }: { readonly bytes: number; readonly hint: string },
): Promise<void> {
  const free = await freeBytes(resolve(place));
  if (bytes <= 0 || free === undefined || free >= bytes + margin) return;
  const state = `${sizeText(bytes)} have to be written, with ${sizeText(margin)} to spare, and ${sizeText(free)} are free`;
  throw new AirgapError('ERR_NO_SPACE', `Cannot mirror into "${place}": ${state}`, { end: 'target', hint });
}

/** Free bytes for this user where the directory is, or will be. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch {
    const parent = dirname(directory);
    return parent === directory ? undefined : freeBytes(parent);
  }
}

/** Bytes that an interrupted run left in a directory. */
export async function partialBytes(directory: string): Promise<number> {
  const partials = join(directory, '.airgap-partial');
  try {
    const sizes = (await readdir(partials)).map(async (name) => (await lstat(join(partials, name))).size);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}
