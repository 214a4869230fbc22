/**
 * What the program knows about itself. It runs in one of two forms: under a Node.js of the machine, from the npm package, or as the
 * single executable that `npm run package` makes (docs/one-file.md), which has its data inside and no files around it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { fileURLToPath } from 'node:url';

/** The path of the executable when the program is one; undefined when it runs under a Node.js of the machine. */
export function selfPath(): string | undefined {
  return isSea() ? process.execPath : undefined;
}

/** A text that was packed into the executable, by its name. Throws when the program is no executable or has no such text. */
export function packedText(name: string): string {
  return getAsset(name, 'utf8');
}

/** The version in `package.json`, or `unknown`. */
export function programVersion(): string {
  const text = isSea() ? packedText('package.json') : readFileSync(join(packageFolder(), 'package.json'), 'utf8');
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown';
}

/** The folder of the npm package this file came in: the nearest above it that has a `package.json`. Not for the executable, which has none. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}
