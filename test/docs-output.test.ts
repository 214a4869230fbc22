/** Output and programs on the pages are real: the quick start prints what the README shows, and the library's example runs. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseLock } from '../src/lock/parse.ts';
import { serveStore } from '../src/serve/open.ts';
import { openMemory } from '../src/store/memory/open.ts';
import { missingInOrder } from './support/missingInOrder.ts';
import { seedImage } from './support/seedImages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const node = promisify(execFile);

describe('README.md', () => {
  it('shows lines of the quick start in the order in which it prints them', { timeout: 120_000 }, async () => {
    const block = /<!-- quickstart -->\n```text\n(.*?)^```/ms.exec(read('README.md'))?.[1] ?? '';
    const shown = linesOf(block).filter((line) => line !== '…');
    expect(shown.length).toBeGreaterThan(20);
    const { stdout } = await node(process.execPath, ['scripts/quickstart.mjs'], { cwd: root });
    expect(missingInOrder(shown, linesOf(stdout))).toEqual([]);
  });
});

describe('docs/library.md', () => {
  it('has an example that mirrors, verifies and prints', { timeout: 60_000 }, async () => {
    const [store, internal] = [openMemory(), openMemory()];
    for (const name of ['registry.k8s.io/pause:3.10', 'nginx:1.29']) await seedImage(store, name);
    const upstream = await serveStore(store);
    const target = await serveStore(internal, { writable: true });
    try {
      const { stdout, stderr } = await runExample([upstream.url, target.url]);
      const lock = stdout.slice(0, stdout.indexOf('\n}\n') + 3);
      expect(parseLock(lock, 'printed').images.map((image) => image.target.repository)).toEqual([
        'library/nginx',
        'pause',
      ]);
      expect(stdout).toContain(`    - url: ${target.url}\n`);
      expect(linesOf(stderr).sort()).toEqual([
        'copied docker.io/library/nginx:1.29',
        'copied registry.k8s.io/pause:3.10',
      ]);
    } finally {
      await Promise.all([upstream.close(), target.close()]);
    }
  });
});

/** Below the repository, so that the package's own name resolves to what was built. */
async function runExample(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const code = /^```js\n(.*?)^```/ms.exec(read('docs/library.md'))?.[1] ?? '';
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'example-'));
  try {
    writeFileSync(join(folder, 'example.mjs'), code);
    return await node(process.execPath, [join(folder, 'example.mjs'), ...args]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Ports and times differ from run to run. */
function linesOf(text: string): string[] {
  const lines = text.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT').replaceAll(/\d+\.\d s\b/g, 'TIME');
  return lines.split('\n').filter((line) => line !== '');
}
