/** Writing the flat form: folders and files that are there whole or not at all, and last. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyedMutex } from '../../async/keyed-mutex.ts';
import { AirgapError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import { BlobFiles, partialDirectory } from '../layout/blob-files.ts';
import { codeOf, diskError, onDisk, replaceFile, statsOf, syncDirectory } from '../layout/disk.ts';
import {
  blobFolder,
  blobPath,
  digestFolder,
  manifestFolder,
  manifestPath,
  refuseLostTag,
  repositoryPath,
  tagFolder,
  tagPath,
} from './names.ts';
import type { CacheTree } from './tree.ts';

export interface ManifestToWrite {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly tag: Tag | undefined;
}

export class CacheFiles {
  readonly blobs: BlobFiles;
  readonly #root: string;
  readonly #made = new Set<string>();
  readonly #writing = new KeyedMutex<string>();
  #temporary = 0;

  /** Below `root` are `blob` and `manifests`. */
  constructor(root: string) {
    this.#root = root;
    this.blobs = new BlobFiles(root, { what: 'image cache', folders: [blobFolder, manifestFolder], path: blobPath });
  }

  /** Makes the two folders that a node expects, and takes away what dead writers left. To be called with the lock held. */
  async prepare(): Promise<void> {
    await this.blobs.check();
    for (const folder of [partialDirectory, blobFolder, manifestFolder]) await this.#make(folder);
    await this.blobs.sweep();
  }

  /** By digest first, under its tag when all that came before lasts. `tree` tells the tags that are there. Throws as tagPath() and refuseLostTag(). */
  writeManifest(name: RepositoryName, manifest: ManifestToWrite, tree: CacheTree): Promise<void> {
    const { digest, bytes, tag } = manifest;
    const folder = repositoryPath(name);
    const work = async () => {
      if (tag !== undefined) refuseLostTag(name, tag, await filesIn(tree, `${folder}/${tagFolder}`));
      await this.#write(manifestPath(name, digest), bytes, tree);
      if (tag === undefined) return;
      await this.blobs.sync();
      await this.#write(tagPath(name, tag), bytes, tree);
    };
    return this.#writing.run(folder, { work, signal: undefined });
  }

  /** Nothing where the tree has these very bytes. Else the repository has both its folders afterwards: a node asks for the one with tags first. */
  async #write(path: string, bytes: Uint8Array, tree: CacheTree): Promise<void> {
    if ((await tree.read(path, bytes.length))?.equals(bytes) === true) return;
    this.#temporary += 1;
    const temporary = join(this.#root, partialDirectory, `upload-manifest-${this.#temporary}`);
    const repository = dirname(dirname(path));
    for (const folder of [partialDirectory, `${repository}/${digestFolder}`, `${repository}/${tagFolder}`])
      await this.#make(folder);
    await replaceFile(join(this.#root, path), { bytes, temporary }).catch((error: unknown) => {
      throw isDirectory(error) ? this.#inTheWay(path) : error;
    });
  }

  /** A folder and those above it, each of them lasting. Throws ERR_INPUT_INVALID where a link or a file is in the way. */
  async #make(path: string): Promise<void> {
    if (this.#made.has(path)) return;
    const parent = dirname(path);
    if (parent !== '.') await this.#make(parent);
    const absolute = join(this.#root, path);
    try {
      await mkdir(absolute);
      await onDisk(`write "${absolute}"`, syncDirectory(dirname(absolute)));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw diskError(`create "${absolute}"`, error);
      if ((await statsOf(absolute))?.isDirectory() !== true) throw this.#inTheWay(path);
    }
    this.#made.add(path);
  }

  #inTheWay(path: string): AirgapError {
    const state = `"${path}" is something else there`;
    return new AirgapError('ERR_INPUT_INVALID', `Cannot write to image cache "${this.#root}": ${state}`, {
      end: 'target',
      hint: 'two repositories can be in each other’s way where one is named like a folder of the cache: use another directory for one of them',
    });
  }
}

async function filesIn(tree: CacheTree, folder: string): Promise<string[]> {
  return (await tree.entries(folder)).filter(({ kind }) => kind === 'file').map(({ name }) => name);
}

function isDirectory(error: unknown): boolean {
  return error instanceof AirgapError && ['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error.cause) ?? '');
}
