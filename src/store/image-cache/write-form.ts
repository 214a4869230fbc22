/** Writes the OCI form: the layer as a stream, then the documents around it, then the index that makes it the one that counts. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, digestFrom, hexOf } from '../../oci/digest.ts';
import { endSize, paddedSize } from '../bundle/tar-header.ts';
import { throwIfAborted } from '../interruption.ts';
import { partialDirectory } from '../layout/blob-files.ts';
import { onDisk, replaceFile, syncDirectory } from '../layout/disk.ts';
import { writeWhole } from '../layout/partial-file.ts';
import { verifiedContent } from '../verified.ts';
import { entryHeader, type TarredEntry, tarredEntries, tarSize } from './cache-tar.ts';
import { blobFolder, fileAt, manifestFolder } from './names.ts';
import { formBlobPath, ociLayoutText, printForm } from './oci-form.ts';
import { storedGzip } from './stored-gzip.ts';
import { type CacheTree, filesBelow } from './tree.ts';

/** Names of what is not whole yet. */
const layerName = 'layer';
const documentName = 'document';

/** Bytes gathered before they are written. */
const batchBytes = 1024 * 1024;

export interface FormToWrite {
  readonly tree: CacheTree;
  /** What the imager picks it by: `amd64`, `arm64`. */
  readonly architectures: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** Takes away what a writer that was killed left of a layer. To be called with the lock held. */
export async function removeUnfinished(directory: string): Promise<void> {
  for (const name of [layerName, documentName]) {
    const path = join(directory, partialDirectory, name);
    await onDisk(`remove "${path}"`, rm(path, { force: true }));
  }
}

/** Every file of a cache with its size. */
export async function cacheFiles(tree: CacheTree): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for (const folder of [blobFolder, manifestFolder]) {
    for await (const path of filesBelow(tree, folder)) {
      const size = fileAt(path) === undefined ? undefined : await tree.size(path);
      if (size !== undefined) files.set(path, size);
    }
  }
  return files;
}

/**
 * What was there before stays what readers see until the new form is whole and on disk; then it is removed. Content is hashed once more
 * on its way: ERR_DIGEST_MISMATCH rather than a layer with a damaged blob. The same content gives the same bytes.
 */
export async function writeForm(directory: string, form: FormToWrite): Promise<void> {
  const entries = tarredEntries(await cacheFiles(form.tree));
  const layer = await writeLayer(directory, { ...form, entries });
  const printed = printForm(layer, form.architectures);
  const temporary = join(directory, partialDirectory, documentName);
  for (const { digest, bytes } of [printed.config, printed.manifest]) {
    await replaceFile(formBlobPath(directory, digest), { bytes, temporary });
  }
  await replaceFile(join(directory, 'oci-layout'), { bytes: ociLayoutText, temporary });
  await replaceFile(join(directory, 'index.json'), { bytes: printed.index, temporary });
  await removeOthers(directory, [layer.digest, printed.config.digest, printed.manifest.digest]);
}

async function writeLayer(
  directory: string,
  { tree, entries, signal }: FormToWrite & { readonly entries: readonly TarredEntry[] },
) {
  const path = join(directory, partialDirectory, layerName);
  const diffHash = createHash('sha256');
  const hash = createHash('sha256');
  const tar = hashed(tarContent(tree, { entries, signal }), (chunk) => diffHash.update(chunk));
  await removeUnfinished(directory);
  const file = await onDisk(`create "${path}"`, open(path, 'wx', 0o644));
  let size = 0;
  try {
    for await (const batch of inBatches(storedGzip(tar, tarSize(entries)))) {
      hash.update(batch);
      await onDisk(`write "${path}"`, writeWhole(file, batch, size));
      size += batch.length;
    }
    await onDisk(`write "${path}"`, file.sync());
  } finally {
    await file.close();
  }
  const digest = digestFrom(hash, 'sha256');
  const blob = formBlobPath(directory, digest);
  await onDisk(`create "${dirname(blob)}"`, mkdir(dirname(blob), { recursive: true }));
  await onDisk(`write "${blob}"`, rename(path, blob));
  await onDisk(`write "${blob}"`, syncDirectory(dirname(blob)));
  return { digest, size, diffId: digestFrom(diffHash, 'sha256') };
}

async function* tarContent(
  tree: CacheTree,
  { entries, signal }: { readonly entries: readonly TarredEntry[]; readonly signal: AbortSignal | undefined },
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    throwIfAborted(signal);
    yield entryHeader(entry);
    const { path, size } = entry;
    if (size === undefined) continue;
    const content = tree.content(path, { start: 0, end: size, signal });
    const file = fileAt(path);
    yield* file?.kind === 'tag' || file === undefined
      ? content
      : verifiedContent({ mediaType: '', digest: file.digest, size }, content);
    if (paddedSize(size) > size) yield Buffer.alloc(paddedSize(size) - size);
  }
  yield Buffer.alloc(endSize);
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  update: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    update(chunk);
    yield chunk;
  }
}

async function* inBatches(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let batch: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of content) {
    batch.push(chunk);
    gathered += chunk.length;
    if (gathered < batchBytes) continue;
    yield Buffer.concat(batch);
    batch = [];
    gathered = 0;
  }
  if (gathered > 0) yield Buffer.concat(batch);
}

/** Blobs of an earlier form, and of one whose writer was killed. */
async function removeOthers(directory: string, digests: readonly Digest[]): Promise<void> {
  const folder = join(directory, 'blobs', 'sha256');
  const kept = new Set(digests.map(hexOf));
  for (const name of await onDisk(`read "${folder}"`, readdir(folder))) {
    if (/^[0-9a-f]{64}$/.test(name) && !kept.has(name)) await rm(join(folder, name), { force: true });
  }
}
