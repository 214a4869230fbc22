/** Writes schema/airgap.schema.json from its description in src/spec. `--check` writes nothing and fails when the file is stale. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'schema/airgap.schema.json');

async function printed() {
  const entry = join(root, 'src/spec/schema.ts');
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
  });
  const code = Buffer.from(outputFiles[0].contents).toString('base64');
  const { printSpecSchema } = await import(`data:text/javascript;base64,${code}`);
  return printSpecSchema();
}

async function main() {
  const text = await printed();
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (process.argv.includes('--check')) {
    console.error('schema/airgap.schema.json is not what src/spec says: run node scripts/write-schema.mjs');
    process.exitCode = 1;
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log('wrote schema/airgap.schema.json');
}

main();
