/** Run as a process of its own: serves a layout for writing, or collects its garbage, until it is killed. */
import { serveStore } from '../../../src/serve/open.ts';
import { collectGarbage } from '../../../src/store/layout/gc.ts';
import { openLayout } from '../../../src/store/layout/open.ts';

const [directory = '', task = 'serve'] = process.argv.slice(2);
if (task === 'gc') {
  process.stdout.write('collecting\n');
  await collectGarbage(directory, { untagged: true, remove: true });
} else {
  const layout = await openLayout(directory, { create: true });
  const server = await serveStore(layout, { writable: true });
  process.stdout.write(`${server.url}\n`);
}
