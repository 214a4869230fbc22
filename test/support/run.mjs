/** Runs one TypeScript file as a process of its own: `node run.mjs FILE [ARGUMENT…]`. */
import { resolve } from 'node:path';
import { build } from 'esbuild';

const [, , file = '', ...rest] = process.argv;
const built = await build({
  entryPoints: [file],
  write: false,
  bundle: true,
  platform: 'node',
  format: 'esm',
  // What CommonJS packages ask for Node's own modules with: a data: URL has none.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(process.argv[1]);",
  },
  logLevel: 'error',
});
process.argv = [process.execPath, resolve(file), ...rest];
await import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString('base64')}`);
