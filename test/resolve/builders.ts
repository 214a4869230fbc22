/** Requests, and manifests of shapes no tool would make. */
import type { RequestedImage } from '../../src/input/requested.ts';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import { digestOf } from '../../src/oci/digest.ts';
import { mediaTypes } from '../../src/oci/media-type.ts';
import { parsePlatform } from '../../src/oci/platform.ts';
import { parseReference, type Reference } from '../../src/oci/reference.ts';
import type { PlatformWish } from '../../src/resolve/resolved.ts';
import type { WritableRepository } from '../../src/store/store.ts';

export const everything: PlatformWish = { platforms: [], narrow: false, require: false };

export function wishFor(platforms: readonly string[], more: Partial<PlatformWish> = {}): PlatformWish {
  return { platforms: platforms.map(parsePlatform), narrow: false, require: false, ...more };
}

/** Asked for on line 1 of a list, to live under `registry.internal:6000`. */
export function request(asked: string | Reference): RequestedImage {
  const reference = typeof asked === 'string' ? parseReference(asked) : asked;
  const target = { ...reference, registry: 'registry.internal:6000' };
  return { reference, target, origins: [{ document: 'images.txt', line: 1 }] };
}

/** Stores a document as it is; the store looks at nothing but its digest. */
export async function put(
  repository: WritableRepository,
  document: object,
  options: { readonly tag?: string; readonly mediaType?: string } = {},
): Promise<Descriptor> {
  const mediaType = options.mediaType ?? ('manifests' in document ? mediaTypes.ociIndex : mediaTypes.ociManifest);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...document }));
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  const tag = options.tag === undefined ? undefined : parseReference(`a.example/b:${options.tag}`).tag;
  await repository.pushManifest(descriptor, bytes, { tag });
  return descriptor;
}

/** A blob nobody stored. */
export function blob(text: string, more: Partial<Descriptor> = {}): Descriptor {
  const bytes = Buffer.from(text);
  return { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(bytes), size: bytes.length, ...more };
}

/** An image of blobs nobody stored. */
export function imageOf(text: string, layers: readonly Descriptor[] = [blob(`layer of ${text}`)]): object {
  return { config: blob(`config of ${text}`, { mediaType: mediaTypes.ociConfig }), layers };
}
