/** Who asked, as text. */
import { type Origin, printOrigin } from '../errors.ts';
import { readVersion, type TalosVersion } from '../talos/version.ts';

/** `images.txt:3`, or the document alone where it has no lines; each once, sorted. */
export function originTexts(origins: readonly Origin[]): string[] {
  return [...new Set(origins.map(printOrigin))].sort();
}

/** As the catalogue and talosctl's lists are named, with or without a line. */
const release = /^talos(?:ctl)? (v[0-9][0-9A-Za-z.+-]*)(?::[0-9]+)?$/;

/** The Talos releases among them, as `talos v1.14.4`, and no document or line of somebody's machine. Sorted. */
export function releaseOrigins(origins: readonly string[]): string[] {
  const releases = origins.flatMap((origin) => release.exec(origin)?.[1] ?? []);
  return [...new Set(releases)].sort().map((version) => `talos ${version}`);
}

/**
 * The one release that images were asked for by, of an upgrade the one it begins at, as nodes run that; undefined where there is
 * none, or several, or what is there is no release.
 */
export function releaseOf(images: readonly { readonly origins: readonly string[] }[]): TalosVersion | undefined {
  const found = new Set(images.flatMap(({ origins }) => releaseOrigins(origins)));
  const [only] = found;
  if (only === undefined || found.size > 1) return undefined;
  return readVersion(only.replace('talos ', '').replace(/\.\.v.*$/, ''));
}
