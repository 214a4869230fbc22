/** The flat form of an image cache: the tree itself, as files. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, diskError, fileSize, fileStamp, readSmall } from '../layout/disk.ts';
import { type FilePart, readPart } from '../layout/read-part.ts';
import { byNameOrder, type CacheEntry, type CacheTree } from './tree.ts';

export class DiskTree implements CacheTree {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  size(path: string): Promise<number | undefined> {
    return fileSize(join(this.#root, path));
  }

  read(path: string, limit: number): Promise<Buffer | undefined> {
    return readSmall(join(this.#root, path), limit);
  }

  content(path: string, part: FilePart): AsyncGenerator<Uint8Array> {
    return readPart(join(this.#root, path), part);
  }

  /** Links and what else is neither a file nor a folder of its own are not there: they could lead anywhere. */
  async entries(folder: string): Promise<readonly CacheEntry[]> {
    const path = join(this.#root, folder);
    try {
      const found = await readdir(path, { withFileTypes: true });
      return found
        .filter((entry) => entry.isFile() || entry.isDirectory())
        .map((entry): CacheEntry => ({ name: entry.name, kind: entry.isFile() ? 'file' : 'folder' }))
        .sort(byNameOrder);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
      throw diskError(`read "${path}"`, error);
    }
  }

  stamp(path: string): Promise<string | undefined> {
    return fileStamp(join(this.#root, path));
  }

  async close(): Promise<void> {}
}
