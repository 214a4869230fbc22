/**
 * Builds `dist/`: the library with its types (tsc) and the program in one piece per command (esbuild).
 * `--bundle` builds the program alone, without asking the type checker.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { undiciParts } from './undici-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const entry = join(root, 'src/cli/main.ts');

/** Bundled CommonJS packages ask for Node's own modules through `require`, which ES modules do not have. */
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

async function buildProgram(folder) {
  await build({
    entryPoints: { airgap: entry },
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    splitting: true,
    chunkNames: 'parts/[name]-[hash]',
    keepNames: true,
    banner: { js: banner },
    plugins: [undiciParts],
    logLevel: 'warning',
  });
  const program = join(folder, 'airgap.js');
  const text = readFileSync(program, 'utf8');
  if (!text.startsWith('#!')) writeFileSync(program, `#!/usr/bin/env node\n${text}`);
  chmodSync(program, 0o755);
}

function buildLibrary(folder) {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', folder], {
    cwd: root,
    stdio: 'inherit',
  });
}

/** Builds beside `dist/` and then swaps, so that nobody ever runs half a build. */
async function main() {
  const bundleOnly = process.argv.includes('--bundle');
  const work = join(root, '.cache', `build-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    if (bundleOnly && existsSync(join(root, 'dist'))) cpSync(join(root, 'dist'), work, { recursive: true });
    if (existsSync(entry)) {
      rmSync(join(work, 'bin'), { recursive: true, force: true });
      await buildProgram(join(work, 'bin'));
    } else {
      console.error('There is no src/cli/main.ts: only the library is built');
    }
    if (!bundleOnly) buildLibrary(work);
    rmSync(join(root, 'dist'), { recursive: true, force: true });
    renameSync(work, join(root, 'dist'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

main().catch((error) => {
  // The compilers have already said what is wrong.
  if (error?.status === undefined && error?.errors === undefined) console.error(error);
  process.exitCode = 1;
});
