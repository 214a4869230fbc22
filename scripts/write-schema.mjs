/**
 * Writes what comes from the description in src/spec: schema/airgap.schema.json, and the keys in docs/airgap-yaml.md.
 * `--check` writes nothing and fails when one of them is stale.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = 'docs/airgap-yaml.md';

/** A module of src/spec, which needs no other package. */
async function load(name) {
  const options = { bundle: true, format: 'esm', platform: 'node', write: false };
  const { outputFiles } = await build({ entryPoints: [join(root, 'src/spec', name)], ...options });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

function read(file) {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '';
}

async function wanted() {
  const { printSpecSchema } = await load('schema.ts');
  const { printSpecTables } = await load('page.ts');
  const keys = `<!-- keys -->\n\n${printSpecTables()}\n<!-- /keys -->`;
  return [
    ['schema/airgap.schema.json', printSpecSchema()],
    [page, read(page).replace(/<!-- keys -->.*<!-- \/keys -->/s, () => keys)],
  ];
}

async function main() {
  for (const [file, text] of await wanted()) {
    if (read(file) === text) continue;
    if (process.argv.includes('--check')) {
      console.error(`${file} is not what src/spec says: run node scripts/write-schema.mjs`);
      process.exitCode = 1;
      continue;
    }
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    console.log(`wrote ${file}`);
  }
}

main();
