/** Run as a process of its own: pushes a blob into a layout, says how far it is, and waits to be killed. */

import { digestOf } from '../../../src/oci/digest.ts';
import { openLayout } from '../../../src/store/layout/open.ts';
import { randomBytes } from '../../support/layers.ts';

const [directory = '', size = '0', stopAt = '0'] = process.argv.slice(2);
const bytes = randomBytes('killed', Number(size));
const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
const layout = await openLayout(directory, { create: true });
await layout.repository({ registry: 'ghcr.io', repository: 'a/b' }).push(descriptor, {
  async *open(offset) {
    for (let at = offset; at < bytes.length; at += 65_536) {
      if (at >= Number(stopAt)) {
        process.stdout.write('waiting\n');
        await new Promise(() => setInterval(() => {}, 1_000));
      }
      yield bytes.subarray(at, at + 65_536);
    }
  },
});
