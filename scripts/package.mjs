/**
 * `npm run package`: the program and its Node.js in one file, `build/airgap-linux-x64`, with checksum, SBOM and licences. The same sources
 * and the same lock file give the same bytes. `--into FOLDER` writes elsewhere.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inject } from 'postject';
import { bundleProgram } from './package-bundle.mjs';
import { requiredVersions, withoutSymbols } from './package-elf.mjs';
import { pinnedNode, release } from './package-node.mjs';
import { printLicenses, printSbom, runtimePackages } from './package-parts.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const name = 'airgap-linux-x64';
const sbomName = `${name}.cdx.json`;
const licensesName = `${name}.licenses.txt`;

/** Node.js looks for this to see whether something was put into it. */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/** What Node.js puts into an executable: the program, compiled in advance, and its texts. Names are relative, as they are kept inside. */
function writeBlob(work, node) {
  const configuration = {
    main: 'airgap.cjs',
    output: 'airgap.blob',
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    assets: { 'package.json': 'package.json', [sbomName]: sbomName, [licensesName]: licensesName },
  };
  writeFileSync(join(work, 'sea.json'), JSON.stringify(configuration));
  // Compiled code has hashes in it that are seeded by chance, unless a seed is given. The executable takes its own again.
  execFileSync(node.path, ['--random-seed=1', '--experimental-sea-config', 'sea.json'], {
    cwd: work,
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return readFileSync(join(work, 'airgap.blob'));
}

/** LIEF, inside postject, warns on standard output about sections it does not name. */
async function quietly(action) {
  const { warn, log } = console;
  Object.assign(console, { warn: () => {}, log: () => {} });
  try {
    await action();
  } finally {
    Object.assign(console, { warn, log });
  }
}

/** Everything, in `work`. */
async function make(work) {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const node = pinnedNode(join(root, '.cache'));
  const packages = runtimePackages(root);
  const bundled = await bundleProgram(root, { file: join(work, 'airgap.cjs'), node: release.version });
  const unknown = bundled.filter((part) => !packages.some((entry) => entry.name === part));
  if (unknown.length > 0)
    throw new Error(`The program has parts of packages that are for development: ${unknown.join(', ')}`);

  const binary = readFileSync(node.path);
  const needs = requiredVersions(binary);
  writeFileSync(join(work, 'package.json'), JSON.stringify({ name: own.name, version: own.version }));
  writeFileSync(join(work, sbomName), printSbom({ own, packages, node, needs }));
  writeFileSync(join(work, licensesName), printLicenses(root, { own, packages, node }));

  const executable = join(work, name);
  writeFileSync(executable, withoutSymbols(binary));
  const blob = writeBlob(work, node);
  await quietly(() => inject(executable, 'NODE_SEA_BLOB', blob, { sentinelFuse: fuse }));
  chmodSync(executable, 0o755);
  const sha256 = createHash('sha256').update(readFileSync(executable)).digest('hex');
  writeFileSync(`${executable}.sha256`, `${sha256}  ${name}\n`);
  const told = execFileSync(executable, ['--version'], { encoding: 'utf8', env: {} }).trim();
  if (told !== own.version) throw new Error(`The executable says it is ${told}, not ${own.version}`);
  return { sha256, needs, version: own.version };
}

/** Into place one by one; the checksum goes first and comes last, so that it never vouches for half of a set. */
function putInPlace(work, folder) {
  mkdirSync(folder, { recursive: true });
  rmSync(join(folder, `${name}.sha256`), { force: true });
  for (const file of [name, sbomName, licensesName, `${name}.sha256`]) renameSync(join(work, file), join(folder, file));
}

async function main() {
  const { values } = parseArgs({ options: { into: { type: 'string', default: join(root, 'build') } } });
  const folder = resolve(values.into);
  mkdirSync(join(root, '.cache'), { recursive: true });
  mkdirSync(folder, { recursive: true });
  // On the same disk, for the renames.
  const work = mkdtempSync(join(folder, '.package-'));
  try {
    const { sha256, needs, version } = await make(work);
    putInPlace(work, folder);
    const size = readFileSync(join(folder, name)).length;
    console.log(
      `${relative(process.cwd(), join(folder, name))}: airgap ${version}, ${(size / 1e6).toFixed(1)} MB, sha256 ${sha256}`,
    );
    console.log(
      `Runs on Linux x64 with glibc ${needs.GLIBC} or later and libstdc++ with GLIBCXX_${needs.GLIBCXX} or later`,
    );
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(
    error?.errors === undefined ? `Cannot make the executable: ${error.message}` : 'Cannot make the executable',
  );
  process.exitCode = 1;
});
