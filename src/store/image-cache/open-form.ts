/** Opens the OCI form of a cache for reading at any place. What another program compressed is unpacked first, once, beside what we stage. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { AirgapError, isAirgapError } from '../../errors.ts';
import { algorithmOf, digestFrom, hasherFor } from '../../oci/digest.ts';
import { throwIfAborted } from '../interruption.ts';
import { fileSize, onDisk } from '../layout/disk.ts';
import { writeWhole } from '../layout/partial-file.ts';
import { readPart } from '../layout/read-part.ts';
import { digestMismatch } from '../verified.ts';
import { ArchiveTree, indexLayer } from './archive-tree.ts';
import { type LayerFile, openLayerFile } from './layer-file.ts';
import { type OciForm, readForm } from './oci-form.ts';

/** How much larger than its file a layer may be: images are compressed already, and what is not is small. */
const mostExpansion = 100;
const expansionFloor = 256 * 1024 * 1024;

export interface OpenFormOptions {
  /** Existing directory for what has to be unpacked. Default: the system's for temporary files. */
  readonly staging?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface OpenedForm extends OciForm {
  /** Its close() removes what was unpacked. */
  readonly tree: ArchiveTree;
}

/** Throws ERR_INPUT_INVALID for what is no image cache or is damaged, ERR_NO_SPACE where there is no room to unpack. */
export async function openForm(directory: string, options: OpenFormOptions = {}): Promise<OpenedForm> {
  const form = await readForm(directory);
  const size = await fileSize(form.layerPath);
  if (size !== form.layer.size) {
    const state = size === undefined ? 'its layer is missing' : `its layer has ${size} of ${form.layer.size} bytes`;
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot open image cache "${directory}": ${state}`, {
      hint: 'copy it again from where it was written',
    });
  }
  const placed = await openLayerFile(form.layerPath);
  const indexed = placed && (await indexPlaced(placed, options));
  if (placed !== undefined && indexed !== undefined) return { ...form, tree: new ArchiveTree(placed, indexed) };
  return { ...form, tree: await unpackedTree(form, options) };
}

/** Undefined where only the beginning of a gzip file was like one of ours. */
async function indexPlaced(layer: LayerFile, { signal }: OpenFormOptions) {
  try {
    return await indexLayer(layer, { signal });
  } catch (error) {
    if (isAirgapError(error) && error.code === 'ERR_INPUT_INVALID' && layer.isInGzip) return undefined;
    throw error;
  }
}

async function unpackedTree(form: OciForm, options: OpenFormOptions): Promise<ArchiveTree> {
  const folder = await onDisk(
    'create a temporary directory',
    mkdtemp(join(options.staging ?? tmpdir(), 'airgap-cache-')),
  );
  const release = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, 'layer.tar');
    await unpack(form, path, options.signal);
    const layer = await openLayerFile(path);
    if (layer === undefined || layer.isInGzip) throw damaged(form.layerPath, 'it is packed twice');
    return new ArchiveTree(layer, await indexLayer(layer, options), release);
  } catch (error) {
    await release();
    throw error;
  }
}

/** The whole layer, its digest checked. */
async function unpack({ layer, layerPath }: OciForm, path: string, signal: AbortSignal | undefined): Promise<void> {
  const hash = hasherFor(layer.digest);
  const limit = Math.max(expansionFloor, layer.size * mostExpansion);
  const packed = async function* () {
    for await (const chunk of readPart(layerPath, { start: 0, end: layer.size, signal })) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const file = await onDisk(`create "${path}"`, open(path, 'wx', 0o600));
  try {
    await pipeline(packed, createGunzip({ chunkSize: 1024 * 1024 }), async (unpacked: AsyncIterable<Buffer>) => {
      let position = 0;
      for await (const chunk of unpacked) {
        throwIfAborted(signal);
        if (position + chunk.length > limit) throw damaged(layerPath, 'it unpacks to far more than its size');
        await onDisk(`write "${path}"`, writeWhole(file, chunk, position));
        position += chunk.length;
      }
    });
  } catch (error) {
    if (isAirgapError(error)) throw error;
    throwIfAborted(signal);
    throw damaged(layerPath, 'it is no gzip file or a damaged one', error);
  } finally {
    await file.close();
  }
  const actual = digestFrom(hash, algorithmOf(layer.digest));
  if (actual !== layer.digest) throw digestMismatch(layer.digest, actual);
}

function damaged(path: string, state: string, cause?: unknown): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot unpack image cache layer "${path}": ${state}`, {
    hint: 'copy it again from where it was written',
    cause,
  });
}
