/** The program as one CommonJS file, which is what a single executable takes. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { undiciParts } from './undici-parts.mjs';

/** CommonJS has no `import.meta`. */
const banner = "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;";

/** Writes the program to `file`; gives the names of the npm packages it has parts of, sorted. Commands stay unloaded until they run. */
export async function bundleProgram(root, { file, node }) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'src/cli/main.ts')],
    outfile: file,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: `node${node}`,
    keepNames: true,
    metafile: true,
    define: { 'import.meta.url': '__moduleUrl' },
    banner: { js: banner },
    plugins: [undiciParts],
    logLevel: 'warning',
  });
  const names = Object.keys(metafile.inputs).map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined).sort();
}
