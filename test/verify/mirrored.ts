/** A small mirror as it stands after a copy, with its lock; parts of it can be left out. */
import type { Lock, LockedImage } from '../../src/lock/lock.ts';
import { type MirrorRule, mirrorsOf, placeRepository } from '../../src/mirror/rule.ts';
import { parseReference } from '../../src/oci/reference.ts';
import { resolveImages } from '../../src/resolve/resolve.ts';
import type { PlatformWish, ResolvedImage } from '../../src/resolve/resolved.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Source, Target } from '../../src/store/store.ts';
import { contentOfBytes } from '../../src/store/verified.ts';
import { everything } from '../resolve/builders.ts';

export const endpoint = 'http://registry.internal:6000';

export interface MirroredOptions {
  readonly rule?: Partial<MirrorRule>;
  readonly wish?: PlatformWish;
  /** Digests and tags that do not arrive. */
  readonly lost?: (image: ResolvedImage) => readonly string[];
  readonly signatures?: boolean;
}

export interface Mirrored {
  readonly lock: Lock;
  readonly target: Target;
  readonly images: readonly ResolvedImage[];
}

export async function mirrored(
  source: Source,
  asked: readonly string[],
  options: MirroredOptions = {},
): Promise<Mirrored> {
  const rule: MirrorRule = { naming: 'replace-host', registry: 'registry.internal:6000', prefix: '', ...options.rule };
  const requests = asked.map((text) => {
    const reference = parseReference(text);
    return { reference, target: { ...reference, ...placeRepository(rule, reference) }, origins: [] };
  });
  const { wish = everything, signatures = true } = options;
  const { images, failures } = await resolveImages(requests, { source, wish, signatures });
  if (failures[0] !== undefined) throw failures[0].error;
  const target = openMemory();
  for (const image of images) await copy(image, { source, target, lost: options.lost?.(image) ?? [] });
  const registries = images.map((image) => image.reference.registry);
  const mirrors = mirrorsOf(rule, endpoint, { registries });
  const lock: Lock = { version: 1, rule, mirrors, images: images.map(locked), contacts: [] };
  return { lock, target, images };
}

async function copy(
  image: ResolvedImage,
  { source, target, lost }: { source: Source; target: Target; lost: readonly string[] },
): Promise<void> {
  const to = target.repository(image.target);
  for (const blob of image.blobs) {
    if (lost.includes(blob.digest)) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of await source.repository(image.reference).fetch(blob)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const actual = { ...blob, size: bytes.length };
    await to.push(actual, contentOfBytes(actual, bytes));
  }
  for (const { descriptor, bytes } of image.manifests) {
    if (lost.includes(descriptor.digest)) continue;
    await to.pushManifest(descriptor, bytes);
    for (const { tag, digest } of image.tags) {
      if (digest === descriptor.digest && !lost.includes(tag)) await to.pushManifest(descriptor, bytes, { tag });
    }
  }
}

function locked(image: ResolvedImage): LockedImage {
  return {
    source: image.reference,
    target: image.target,
    digest: image.root.digest,
    mediaType: image.root.mediaType,
    size: image.root.size,
    totalSize: 0,
    tags: image.tags,
    signatures: 'none',
    manifests: image.manifests.map((document) => document.descriptor.digest).sort(),
    omitted: image.omitted.map((child) => child.digest).sort(),
    ...(image.narrowedFrom === undefined ? {} : { narrowedFrom: image.narrowedFrom }),
    origins: [],
  };
}
