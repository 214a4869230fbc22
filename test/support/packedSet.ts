/** Bundles put together entry by entry from the plan of one, so that a test can change each before it is written. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import type { BundleContents } from '../../src/store/bundle/bundle.ts';
import { planBundle } from '../../src/store/bundle/bundle-plan.ts';
import { printSet } from '../../src/store/bundle/print-set.ts';
import { type BundleSet, entryNames } from '../../src/store/bundle/set.ts';
import { layOutVolume, volumeFileName, volumeText } from '../../src/store/bundle/volume-layout.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import type { SeededImage } from './pile.ts';
import { seedImage } from './seedImages.ts';
import { type CraftedEntry, tarOf } from './tars.ts';

export interface PackedVolume {
  readonly number: number;
  readonly fileName: string;
  readonly entries: readonly (CraftedEntry & { readonly bytes: Uint8Array })[];
}

export interface PackedSet {
  readonly set: BundleSet;
  readonly images: readonly SeededImage[];
  /** Every blob and manifest. */
  readonly content: ReadonlyMap<Digest, Uint8Array>;
  readonly volumes: readonly PackedVolume[];
}

export interface PackOptions {
  readonly volumeSize?: number;
  readonly sign?: (bytes: Uint8Array) => Uint8Array;
  /** Makes another set of it. Default `lock`. */
  readonly lock?: string;
  /** Bytes of each layer. Default 20 000. */
  readonly layerBytes?: number;
}

/** Two images: an index of two platforms, and a plain one. */
export async function packSet(options: PackOptions = {}): Promise<PackedSet> {
  const store = openMemory();
  const { layerBytes = 20_000 } = options;
  const images = [
    await seedImage(store, 'ghcr.io/a/b:v1', { platforms: ['linux/amd64', 'linux/arm64'], layerBytes }),
    await seedImage(store, 'registry.k8s.io/pause:3.10', { layerBytes, layers: ['pause'] }),
  ];
  const content = await contentOf(store, images);
  const { set, files } = planBundle(contentsOf(images, options), {
    volumeSize: options.volumeSize,
    signed: options.sign !== undefined,
  });
  const bytesOf = new Map([...files, [entryNames.set, Buffer.from(printSet(set))] as const]);
  const volumes = Array.from({ length: set.volumes }, (_, at) =>
    packVolume(set, { number: at + 1, content, files: bytesOf, sign: options.sign }),
  );
  return { set, images, content, volumes };
}

/** Bytes of every manifest and blob. */
export async function contentOf(store: Target, images: readonly SeededImage[]): Promise<Map<Digest, Uint8Array>> {
  const content = new Map<Digest, Uint8Array>();
  for (const image of images) {
    const repository = store.repository(image.reference);
    for (const { descriptor, bytes } of image.manifests) content.set(descriptor.digest, bytes);
    for (const blob of image.blobs) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of await repository.fetch(blob)) chunks.push(chunk);
      content.set(blob.digest, Buffer.concat(chunks));
    }
  }
  return content;
}

/** What a bundle of these images is planned from. */
export function contentsOf(images: readonly SeededImage[], options: PackOptions = {}): BundleContents {
  return {
    images: images.map((image) => ({
      name: image.reference,
      manifests: image.manifests.map(({ descriptor, bytes }) => ({
        descriptor,
        children: (JSON.parse(Buffer.from(bytes).toString()).manifests ?? []).map(
          (child: { digest: Digest }) => child.digest,
        ),
      })),
      tags: image.reference.tag === undefined ? [] : [{ tag: image.reference.tag, digest: image.root.digest }],
    })),
    blobs: images.flatMap((image) => image.blobs),
    files: [{ name: 'airgap.lock', bytes: Buffer.from(options.lock ?? 'lock') }],
    base: [],
    known: [],
  };
}

function packVolume(
  set: BundleSet,
  from: {
    readonly number: number;
    readonly content: ReadonlyMap<Digest, Uint8Array>;
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly sign: PackOptions['sign'];
  },
): PackedVolume {
  const { number, content, files, sign } = from;
  const slice = (digest: Digest, start: number, length: number) =>
    content.get(digest)?.subarray(start, start + length) ?? new Uint8Array();
  const rangeOf = (digest: Digest, start: number) => {
    const part = set.blobs.find((blob) => blob.digest === digest)?.parts.find((one) => one.start === start);
    return digestOf(slice(digest, start, part?.length ?? 0));
  };
  const layout = layOutVolume(set, { number, signed: sign !== undefined });
  const setBytes = files.get(entryNames.set) ?? new Uint8Array();
  const head = layout.head.map(({ name }) => {
    if (name === entryNames.volume)
      return { name, bytes: Buffer.from(volumeText(set, { number, checksumOf: rangeOf })) };
    if (name === entryNames.signature) return { name, bytes: sign?.(setBytes) ?? new Uint8Array() };
    const bytes = files.get(name) ?? content.get(name.replace('blobs/', '').replace('/', ':') as Digest);
    return { name, bytes: bytes ?? new Uint8Array() };
  });
  const segments = layout.segments.map(({ name, digest, start, size }) => ({
    name,
    bytes: slice(digest, start, size),
  }));
  return { number, fileName: volumeFileName(set, number), entries: [...head, ...segments] };
}

/** Writes volumes into a directory, all of them unless numbers are given; returns the paths. */
export async function writeVolumes(
  directory: string,
  volumes: readonly PackedVolume[],
  numbers: readonly number[] = volumes.map((volume) => volume.number),
): Promise<string[]> {
  const paths: string[] = [];
  for (const volume of volumes) {
    if (!numbers.includes(volume.number)) continue;
    const path = join(directory, volume.fileName);
    await writeFile(path, tarOf(volume.entries));
    paths.push(path);
  }
  return paths;
}
