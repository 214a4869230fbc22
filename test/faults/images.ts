/** What the fault cases mirror: made once, read by all. */
import { parseReference, type Reference } from '../../src/oci/reference.ts';
import { openMemory } from '../../src/store/memory/open.ts';
import type { Target } from '../../src/store/store.ts';
import type { SeededImage } from '../support/pile.ts';
import { seedImage } from '../support/seedImages.ts';

export interface Seeded {
  readonly store: Target;
  readonly images: readonly SeededImage[];
  /** What is asked for; more than there is, where a case wants that. */
  readonly references: readonly Reference[];
}

/** Content of the one larger layer, in bytes. */
export const bigBytes = 1_500_000;

/** `big:1` has one layer of 1.5 MB; `one:1` (two platforms) and `two:1` share a layer. */
export const usualImages = once(async () => {
  const store = openMemory();
  const base = 'base {platform}';
  return seededOf(store, [
    await seedImage(store, 'ghcr.io/app/big:1', { layers: ['big'], layerBytes: bigBytes, compression: 'none' }),
    await seedImage(store, 'ghcr.io/app/one:1', {
      platforms: ['linux/amd64', 'linux/arm64'],
      layers: [base, 'one {platform}'],
      layerBytes: 20_000,
    }),
    await seedImage(store, 'ghcr.io/app/two:1', { layers: [base, 'two'], layerBytes: 20_000 }),
  ]);
});

/** Two images that share 14 layers of 1.2 MB each. */
export const sharedLayers = once(async () => {
  const store = openMemory();
  const layers = Array.from({ length: 14 }, (_, at) => `shared ${at}`);
  const options = { layers, layerBytes: 1_200_000, compression: 'none' } as const;
  return seededOf(store, [
    await seedImage(store, 'ghcr.io/app/left:1', options),
    await seedImage(store, 'ghcr.io/app/right:1', options),
  ]);
});

/** The usual ones, and one of a second registry that is asked for as well. */
export async function withAnother(reference: string): Promise<Seeded> {
  const usual = await usualImages();
  return { ...usual, references: [...usual.references, parseReference(reference)] };
}

/** The layer of `big:1`. */
export async function bigLayer(): Promise<string> {
  const { images } = await usualImages();
  const layer = images[0]?.blobs.find(({ size }) => size > bigBytes);
  if (layer === undefined) throw new Error('there is no large layer');
  return layer.digest;
}

function seededOf(store: Target, images: readonly SeededImage[]): Seeded {
  return { store, images, references: images.map(({ reference }) => reference) };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
