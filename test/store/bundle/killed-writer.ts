/** Run as a process of its own: writes a bundle until so many bytes have come, says so, and waits to be killed; or until it is finished. */
import type { BundlePlace } from '../../../src/store/bundle/bundle.ts';
import { seedLarge, writeBundle } from '../../support/bundleWriting.ts';

const [kind = '', path = '', layerBytes = '0', volumeSize = '', stopAt = ''] = process.argv.slice(2);
const place: BundlePlace = kind === 'file' ? { kind, file: path } : { kind: 'volumes', directory: path };
let came = 0;
await writeBundle(place, await seedLarge(Number(layerBytes)), {
  ...(kind === 'file' ? {} : { volumeSize: Number(volumeSize) }),
  chunk: 65_536,
  async onChunk() {
    came += 65_536;
    if (stopAt !== '' && came > Number(stopAt)) {
      process.stdout.write('waiting\n');
      await new Promise(() => setInterval(() => {}, 1_000));
    }
    await new Promise((resolve) => setImmediate(resolve));
  },
});
process.stdout.write('finished\n');
