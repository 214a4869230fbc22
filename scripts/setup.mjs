/** Runs before `npm test`: installs and builds when that is missing or out of date, and says nothing when all is well. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program quietly; what it printed is shown when it fails. */
function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status === 0) return;
  process.stderr.write(
    `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`,
  );
  process.exit(result.status ?? 1);
}

function changedAt(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestIn(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((newest, entry) => Math.max(newest, changedAt(join(entry.parentPath ?? entry.path, entry.name))), 0);
}

const installed = changedAt(join(root, 'node_modules/.package-lock.json'));
if (installed === 0 || installed < changedAt(join(root, 'package-lock.json')))
  run('npm', ['ci', '--no-audit', '--no-fund']);

const built = changedAt(join(root, 'dist/index.js'));
const sources = Math.max(
  newestIn(join(root, 'src')),
  ...['scripts/build.mjs', 'scripts/undici-parts.mjs', 'package-lock.json'].map((file) => changedAt(join(root, file))),
  changedAt(join(root, 'tsconfig.build.json')),
);
if (built < sources || !existsSync(join(root, 'dist/bin/airgap.js'))) run(process.execPath, ['scripts/build.mjs']);
