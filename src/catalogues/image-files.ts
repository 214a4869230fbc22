/** Files at the root of an image, read through any source: how a catalogue is looked at without a container runtime. */
import { AirgapError, isAirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type ImageManifest, parseManifest } from '../oci/manifest.ts';
import { isManifestType } from '../oci/media-type.ts';
import { printReference, type Reference } from '../oci/reference.ts';
import type { CallOptions, ReadableRepository, Source } from '../store/store.ts';
import { type LayerLimits, LayerProblem, ofImage, readLayerFiles } from './layer-files.ts';

export interface FileLimits extends LayerLimits {
  /** Largest layer in bytes that is fetched. */
  readonly packedBytes: number;
}

const mebibyte = 1024 * 1024;

/** Catalogue images are a few hundred kilobytes. */
const catalogueLimits: FileLimits = {
  fileBytes: 8 * mebibyte,
  layerBytes: 128 * mebibyte,
  packedBytes: 32 * mebibyte,
  entries: 100_000,
};
/** Indexes inside indexes. */
const deepest = 3;

export interface FilesWanted extends CallOptions {
  /** Paths at the root. */
  readonly wanted: readonly string[];
  /** Of linux. Default: any platform, amd64 where it is there. */
  readonly architecture?: string | undefined;
  /** Default: those of a catalogue. */
  readonly limits?: FileLimits | undefined;
}

/**
 * The wanted files that the image has, by name. Layers are read from the top down until every file is found. Throws what the source throws, named after the image,
 * and ERR_PROTOCOL, ERR_SIZE_MISMATCH or ERR_UNSUPPORTED for an image that cannot be read.
 */
export async function readImageFiles(
  source: Source,
  image: Reference,
  options: FilesWanted,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const name = printReference(image);
  const repository = source.repository(image);
  try {
    const manifest = await imageManifest(repository, { image, options });
    return await filesOf(repository, { manifest, options });
  } catch (error) {
    if (error instanceof LayerProblem) throw ofImage(error, name);
    if (!isAirgapError(error)) throw error;
    throw error.with({ reference: name, end: 'source' });
  }
}

async function imageManifest(
  repository: ReadableRepository,
  { image, options }: { readonly image: Reference; readonly options: FilesWanted },
): Promise<ImageManifest> {
  const root = image.digest ?? image.tag;
  if (root === undefined) throw new LayerProblem('ERR_PROTOCOL', 'it has neither a tag nor a digest');
  let content = await repository.manifest(root, options);
  for (let depth = 0; depth <= deepest; depth += 1) {
    const manifest = parseManifest(content.bytes, content.descriptor.mediaType);
    if (manifest.kind === 'image') return manifest;
    const child = childFor(manifest.manifests, options.architecture);
    if (child === undefined)
      throw new LayerProblem(
        'ERR_PROTOCOL',
        `its index names no image${options.architecture === undefined ? '' : ` for linux/${options.architecture}`}`,
      );
    content = await repository.manifest(child.digest, options);
  }
  throw new LayerProblem('ERR_PROTOCOL', `its indexes lie more than ${deepest} deep in each other`);
}

function childFor(children: readonly Descriptor[], architecture: string | undefined): Descriptor | undefined {
  const images = children.filter(
    ({ mediaType, platform }) => isManifestType(mediaType) && platform?.architecture !== 'unknown',
  );
  const asked = architecture ?? 'amd64';
  const found = images.find(({ platform }) => platform?.os === 'linux' && platform.architecture === asked);
  return found ?? (architecture === undefined ? images[0] : undefined);
}

async function filesOf(
  repository: ReadableRepository,
  read: { readonly manifest: ImageManifest; readonly options: FilesWanted },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { signal, wanted, limits = catalogueLimits } = read.options;
  const found = new Map<string, Uint8Array>();
  let open = [...wanted];
  for (const layer of [...read.manifest.layers].reverse()) {
    if (open.length === 0) break;
    if (layer.size > limits.packedBytes)
      throw new LayerProblem(
        'ERR_SIZE_MISMATCH',
        `a layer has ${layer.size} bytes, at most ${limits.packedBytes} are read of it`,
      );
    const content = await repository.fetch(layer, { signal });
    const { files, removed } = await readLayerFiles(layer, content, { wanted: open, limits, signal });
    for (const [path, bytes] of files) found.set(path, bytes);
    open = open.filter((path) => !files.has(path) && !removed.has(path));
  }
  return found;
}

/** One of the files as text. Throws ERR_PROTOCOL naming the image and the file where it is absent or no UTF-8. */
export function fileText(
  files: ReadonlyMap<string, Uint8Array>,
  of: { readonly image: Reference; readonly file: string },
): string {
  const bytes = files.get(of.file);
  if (bytes === undefined) throw catalogueError(of.image, `it has no file "${of.file}" at its root`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw catalogueError(of.image, `its file "${of.file}" is no UTF-8 text`);
  }
}

/** The refusal of a catalogue image. */
export function catalogueError(image: Reference, state: string): AirgapError {
  const name = printReference(image);
  return new AirgapError('ERR_PROTOCOL', `Cannot read catalogue "${name}": ${state}`, {
    reference: name,
    end: 'source',
    host: image.registry,
    hint: 'look whether the image is the one of the release: its makers publish it with each one',
  });
}
