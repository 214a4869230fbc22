/** Runs one TypeScript file as a process of its own: `node run.mjs FILE [ARGUMENT…]`. */
import { build } from 'esbuild';

const [, , file = '', ...rest] = process.argv;
const built = await build({
  entryPoints: [file],
  write: false,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
});
process.argv = [process.execPath, file, ...rest];
await import(`data:text/javascript;base64,${Buffer.from(built.outputFiles[0].contents).toString('base64')}`);
