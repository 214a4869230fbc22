/** A layout as a site has it: the images of a Talos release with signatures, and what goes wrong in practice. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hexOf } from '../../../src/oci/digest.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { talosMirrorImages } from '../../../src/talos/catalogue.ts';
import { parseTalosVersion } from '../../../src/talos/version.ts';
import { seedCosignTag, seedReferrer } from '../../support/seedAttached.ts';
import { seedImage } from '../../support/seedImages.ts';

const both = ['linux/amd64', 'linux/arm64'];

/** Image under this name has lost a layer. */
export const incompleteImage = 'ghcr.io/longhorn/longhorn-manager:v1.9.1';

/** Fills a new layout with the images of Talos 1.14.4, signed ones among them, and an incomplete one. Gives their references. */
export async function seedTalosLayout(directory: string): Promise<string[]> {
  const store = await openLayout(directory, { create: true });
  const references = talosMirrorImages(parseTalosVersion('v1.14.4')).map(({ reference }) => reference);
  for (const [number, reference] of references.entries()) {
    const platforms = reference.startsWith('registry.k8s.io/') ? [...both, 'linux/s390x', 'linux/arm/v7'] : both;
    const layers = ['base {platform}', `${reference} {platform}`];
    const layerBytes = 4_000 * (1 + ((number * number) % 37));
    const image = await seedImage(store, reference, { platforms, layers, layerBytes, attestations: number % 5 === 4 });
    if (!reference.startsWith('factory.')) await seedCosignTag(store, image);
    if (number % 4 === 3) await seedReferrer(store, image);
  }
  const broken = await seedImage(store, incompleteImage, { platforms: both });
  await store.close();
  const lost = broken.blobs.at(-1);
  if (lost === undefined) throw new Error('an image without blobs');
  await rm(join(directory, 'blobs', 'sha256', hexOf(lost.digest)));
  return [...references, incompleteImage];
}

/** Fills a new layout with so many images of some dozen repositories. */
export async function seedManyImages(directory: string, count: number): Promise<void> {
  const store = await openLayout(directory, { create: true });
  const names = talosMirrorImages(parseTalosVersion('v1.14.4')).map(({ reference }) =>
    reference.replace(/:[^:/]*$/, ''),
  );
  for (let number = 0; number < count; number += 1) {
    const name = names[number % names.length] ?? '';
    const reference = `${name}:v1.${Math.floor(number / names.length)}.${number % 7}`;
    await seedImage(store, reference, {
      platforms: both,
      layers: ['base {platform}', `${number} {platform}`],
      layerBytes: 500,
    });
  }
  await store.close();
}
