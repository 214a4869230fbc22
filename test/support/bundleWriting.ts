/** What tests of writing bundles share: images pushed as the copier pushes them, with a list of what had to be fetched for it. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../src/oci/descriptor.ts';
import type { Digest } from '../../src/oci/digest.ts';
import type {
  BundlePlace,
  BundleReservation,
  BundleWriteOptions,
  BundleWriter,
} from '../../src/store/bundle/bundle.ts';
import { openBundleWriter } from '../../src/store/bundle/writer.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { ReopenableContent, UnverifiedContent } from '../../src/store/store.ts';
import { reopenable } from '../../src/store/verified.ts';
import { contentOf, contentsOf, type PackedSet } from './packedSet.ts';
import { seedImage } from './seedImages.ts';

/** Images and all their content. */
export type Seeded = Pick<PackedSet, 'images' | 'content'>;

/** One image with a layer of `bytes` bytes, and a small one. The same size gives the same bytes. */
export async function seedLarge(bytes: number): Promise<Seeded> {
  const store = openMemory();
  const images = [
    await seedImage(store, 'ghcr.io/a/large:v1', { layers: ['large'], layerBytes: bytes, compression: 'none' }),
    await seedImage(store, 'ghcr.io/a/small:v1', { layers: ['one', 'two', 'three'] }),
  ];
  return { images, content: await contentOf(store, images) };
}

export interface Fetched {
  readonly digest: Digest;
  /** Bytes that came from upstream. */
  bytes: number;
}

export interface WriteOptions extends BundleWriteOptions {
  /** Pushed in the other direction. */
  readonly reversed?: boolean;
  readonly lock?: string;
  /** Bytes of each chunk. Default 4096. */
  readonly chunk?: number;
  /** Called before each chunk. */
  readonly onChunk?: (digest: Digest, offset: number) => void | Promise<void>;
}

export interface Written {
  readonly reservation: BundleReservation;
  readonly fetched: readonly Fetched[];
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Reserves, pushes what is missing, finishes, closes. */
export async function writeBundle(place: BundlePlace, images: Seeded, options: WriteOptions = {}): Promise<Written> {
  const writer = await openBundleWriter(place, options);
  try {
    const { lock } = options;
    const reservation = await writer.reserve(contentsOf(images.images, lock === undefined ? {} : { lock }));
    const fetched = await pushImages(writer, images, options);
    return { reservation, fetched, ...(await writer.finish()) };
  } finally {
    await writer.close();
  }
}

/** Blobs side by side, then manifests, then tags; what is there is left alone. */
export async function pushImages(
  writer: BundleWriter,
  { images, content }: Seeded,
  options: WriteOptions = {},
): Promise<Fetched[]> {
  const fetched: Fetched[] = [];
  const inOrder = <T>(list: readonly T[]) => (options.reversed === true ? [...list].reverse() : list);
  for (const image of inOrder(images)) {
    const repository = writer.repository(image.reference);
    const pushes = inOrder(image.blobs).map(async (blob) => {
      if (await repository.exists(blob)) return;
      const bytes = content.get(blob.digest) ?? new Uint8Array();
      await repository.push(blob, watched(blob, { bytes, fetched, ...options }));
    });
    const failed = (await Promise.allSettled(pushes)).find((push) => push.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const { descriptor, bytes } of image.manifests) {
      const isRoot = descriptor.digest === image.root.digest;
      await repository.pushManifest(descriptor, bytes, { tag: isRoot ? image.reference.tag : undefined });
    }
  }
  return fetched;
}

function watched(
  blob: Descriptor,
  options: WriteOptions & { readonly bytes: Uint8Array; readonly fetched: Fetched[] },
): ReopenableContent {
  const { bytes, fetched, chunk = 4096, onChunk } = options;
  return reopenable(blob, (offset) =>
    (async function* (): UnverifiedContent & AsyncGenerator<Uint8Array> {
      const one: Fetched = { digest: blob.digest, bytes: 0 };
      fetched.push(one);
      for (let at = offset; at < bytes.length; at += chunk) {
        await onChunk?.(blob.digest, at);
        const part = bytes.subarray(at, at + chunk);
        one.bytes += part.length;
        yield part;
      }
    })(),
  );
}

/** sha256 of every file of a directory, by name. */
export async function hashesIn(directory: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const name of (await readdir(directory)).sort()) {
    hashes[name] = createHash('sha256')
      .update(await readFile(join(directory, name)))
      .digest('hex');
  }
  return hashes;
}
