/** Run as a process of its own: writes images into an image cache, one after another, says which it has done, and waits to be killed. */
import { openImageCache } from '../../../src/store/image-cache/open.ts';
import { seedImage } from '../../support/seedImages.ts';

const [directory = '', form = 'flat'] = process.argv.slice(2);
const cache = await openImageCache(directory, { write: true, form: form === 'oci' ? 'oci' : 'flat' });
for (let count = 0; ; count += 1) {
  await seedImage(cache, `ghcr.io/killed/image-${count % 7}:v${count}`, {
    layers: [`layer ${count}`],
    layerBytes: 30_000,
  });
  process.stdout.write(`${count}\n`);
}
