/** Which files a path means: one, or the tars in a directory. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, onDisk } from '../layout/disk.ts';
import { refused } from './refuse.ts';

/** The end of the names of files that are still being written. */
const unfinished = '.partial';

/** Files of a directory that count as volumes. Disks may spell names in capitals; `._x.tar` is what macOS keeps beside `x.tar` on disks of other systems. */
export const volumeName = /^[^.].*\.tar$/i;

/**
 * A file itself, or everything in a directory whose name ends in `.tar`, sorted. Links in a directory are not followed.
 * Throws ERR_INPUT_INVALID when there is nothing to read.
 */
export async function findVolumes(path: string): Promise<string[]> {
  const stats = await onDisk(`open bundle "${path}"`, stat(path).catch(absent));
  if (stats === undefined) throw await missing(path);
  if (!stats.isDirectory()) {
    if (path.endsWith(unfinished)) throw notFinished(path);
    return [path];
  }
  const entries = await onDisk(`open bundle "${path}"`, readdir(path, { withFileTypes: true }));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const tars = files.filter((name) => volumeName.test(name)).sort();
  if (tars.length > 0) return tars.map((name) => join(path, name));
  if (files.some((name) => name.endsWith(unfinished))) throw notFinished(path);
  if (files.includes('oci-layout')) {
    throw refused(path, 'it is an OCI layout, no bundle', { hint: `write oci:${path}` });
  }
  throw refused(path, 'the directory has no file that ends in .tar', {
    hint: 'name a bundle, or the directory of its volumes',
  });
}

function absent(error: unknown): undefined {
  const code = codeOf(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}

async function missing(path: string) {
  const partial = await stat(`${path}${unfinished}`).catch(() => undefined);
  return partial === undefined ? refused(path, 'it does not exist') : notFinished(path);
}

function notFinished(path: string) {
  return refused(path, 'it was not finished', {
    hint: 'run the mirror that writes it again: it goes on where it ended',
  });
}
