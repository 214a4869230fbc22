/** Who asked, as text. */
import { type Origin, printOrigin } from '../errors.ts';

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

/** The one release that images were asked for by; undefined where there is none, or several. */
export function releaseOf(images: readonly { readonly origins: readonly string[] }[]): string | undefined {
  const found = new Set(images.flatMap(({ origins }) => releaseOrigins(origins)));
  const [only] = found;
  return found.size === 1 ? only?.replace('talos ', '') : undefined;
}
