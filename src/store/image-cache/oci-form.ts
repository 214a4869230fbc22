/**
 * The OCI form of an image cache: a layout directory with one image, whose single layer is a tar of the tree (siderolabs/talos v1.13.9,
 * pkg/imager/cache/cache.go, Generate). The imager picks it by the machine's architecture (pkg/imager/profile/input.go, pullFromOCI).
 */
import { join } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { type Digest, digestOf, hexOf, isDigest } from '../../oci/digest.ts';
import { mediaTypes } from '../../oci/media-type.ts';
import { readSmall } from '../layout/disk.ts';
import { checkLayoutFile } from '../layout/index-file.ts';

/** Largest document that is read, in bytes: index, manifest, config. */
const documentLimit = 1024 * 1024;

export interface LayerDescriptor {
  readonly digest: Digest;
  /** Bytes of the file in `blobs`. */
  readonly size: number;
}

/** What a form that is there says. */
export interface OciForm {
  readonly layer: LayerDescriptor;
  readonly layerPath: string;
  /** Architectures whose imager takes it. */
  readonly architectures: readonly string[];
}

/** The text of `oci-layout`, as talosctl writes it. */
export const ociLayoutText = `{\n    "imageLayoutVersion": "1.0.0"\n}`;

export interface PrintedForm {
  readonly config: { readonly digest: Digest; readonly bytes: Buffer };
  readonly manifest: { readonly digest: Digest; readonly bytes: Buffer };
  readonly index: string;
}

/** The documents around a layer, as talosctl writes them but for the time: that is always the first second of 1970, so that the same content is the same bytes. */
export function printForm(
  layer: LayerDescriptor & { readonly diffId: Digest },
  architectures: readonly string[],
): PrintedForm {
  const config = documentBytes({
    architecture: '',
    created: '1970-01-01T00:00:00Z',
    history: [{ created: '0001-01-01T00:00:00Z' }],
    os: '',
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    config: {},
  });
  const manifest = documentBytes({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, size: config.bytes.length, digest: config.digest },
    layers: [{ mediaType: mediaTypes.ociLayerGzip, size: layer.size, digest: layer.digest }],
  });
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: architectures.map((architecture) => ({
      mediaType: mediaTypes.ociManifest,
      size: manifest.bytes.length,
      digest: manifest.digest,
      platform: { architecture, os: 'linux' },
      artifactType: mediaTypes.ociConfig,
    })),
  };
  return { config, manifest, index: JSON.stringify(index, null, 3) };
}

function documentBytes(document: object): { digest: Digest; bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify(document));
  return { digest: digestOf(bytes), bytes };
}

/** Where the file of a blob is. */
export function formBlobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', digest.slice(0, digest.indexOf(':')), hexOf(digest));
}

/** Reads the documents of a form. Throws ERR_INPUT_INVALID for a directory that is no layout, or a layout that is no image cache. */
export async function readForm(directory: string): Promise<OciForm> {
  const layoutFile = await readSmall(join(directory, 'oci-layout'), documentLimit);
  checkLayoutFile(layoutFile?.toString('utf8') ?? '', join(directory, 'oci-layout'));
  const index = parse(await readSmall(join(directory, 'index.json'), documentLimit));
  const descriptors = list(index.manifests).map(object);
  const digests = new Set(descriptors.map(({ digest }) => digest));
  const [digest] = digests;
  if (digests.size !== 1 || typeof digest !== 'string' || !isDigest(digest)) {
    throw noCache(directory, `it has ${digests.size} images where an image cache has one`);
  }
  const bytes = await readSmall(formBlobPath(directory, digest), documentLimit);
  if (bytes === undefined || digestOf(bytes) !== digest) throw noCache(directory, 'its manifest is missing or damaged');
  const layers = list(parse(bytes).layers).map(object);
  const [layer] = layers;
  const isLayer = typeof layer?.digest === 'string' && isDigest(layer.digest) && Number.isSafeInteger(layer.size);
  if (layers.length !== 1 || !isLayer) {
    throw noCache(directory, `its image has ${layers.length} layers where an image cache has one`);
  }
  const found = { digest: layer?.digest as Digest, size: Number(layer?.size) };
  const architectures = descriptors.map(({ platform }) => object(platform).architecture);
  return {
    layer: found,
    layerPath: formBlobPath(directory, found.digest),
    architectures: architectures.filter((name) => typeof name === 'string'),
  };
}

type JsonObject = Readonly<Record<string, unknown>>;

/** An empty object for what is no JSON object: nothing is found in it. */
function parse(bytes: Buffer | undefined): JsonObject {
  try {
    return object(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch {
    return {};
  }
}

function object(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function noCache(directory: string, state: string): AirgapError {
  return new AirgapError('ERR_INPUT_INVALID', `Cannot open image cache "${directory}": ${state}`, {
    hint: `a layout directory with images in it is written oci:${/^[\x21-\x7e]{1,200}$/.test(directory) ? directory : 'DIR'}`,
  });
}
