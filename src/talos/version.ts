/** Talos versions: `v1.14.4`, `v1.14.0-rc.1`; order after Semantic Versioning 2.0.0, section 11. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';

export interface TalosVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** `rc.1`; empty for a release. */
  readonly prerelease: string;
}

const number = '(0|[1-9][0-9]{0,5})';
const identifier = '(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)';
const pattern = new RegExp(`^v?${number}\\.${number}\\.${number}(?:-(${identifier}(?:\\.${identifier})*))?$`);

/** Reads `v1.14.4`, `1.14.4` or `v1.14.0-rc.1`. Throws ERR_USAGE. */
export function parseTalosVersion(text: string): TalosVersion {
  const version = readVersion(text);
  if (version !== undefined) return version;
  throw new AirgapError('ERR_USAGE', `Cannot read Talos version ${quoteText(text, 80)}: not MAJOR.MINOR.PATCH`, {
    hint: 'write it with all three numbers, for example v1.14.4 or v1.14.0-rc.1',
  });
}

/** The same for any `MAJOR.MINOR.PATCH[-PRERELEASE]`; undefined where the text is none. */
export function readVersion(text: string): TalosVersion | undefined {
  const match = text.length > 128 ? null : pattern.exec(text.trim());
  if (match === null) return undefined;
  const [, major, minor, patch, prerelease = ''] = match;
  return { major: Number(major), minor: Number(minor), patch: Number(patch), prerelease };
}

/** `v1.14.4`. */
export function printTalosVersion(version: TalosVersion): string {
  return `v${printPlain(version)}`;
}

/** `1.14.4`. */
export function printPlain(version: TalosVersion): string {
  const base = `${version.major}.${version.minor}.${version.patch}`;
  return version.prerelease === '' ? base : `${base}-${version.prerelease}`;
}

/** Below 0 when `a` is older, 0 when they are the same, above 0 when `a` is newer. A pre-release is older than its release. */
export function compareTalosVersions(a: TalosVersion, b: TalosVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePrereleases(a.prerelease, b.prerelease);
}

/** True from `since` on. Pre-releases of `since` are before it, as what a release brings may come late in its pre-releases. */
export function isSince(version: TalosVersion, since: string): boolean {
  return compareTalosVersions(version, parseTalosVersion(since)) >= 0;
}

/** True from `1.MINOR` on, pre-releases of `1.MINOR.0` included. */
export function isSinceMinor(version: TalosVersion, minor: number): boolean {
  return version.major > 1 || (version.major === 1 && version.minor >= minor);
}

/** The newest of `known` before `version` and the oldest after it, in this order; `version` itself where it is known. */
export function nearestTalosVersions(version: TalosVersion, known: readonly TalosVersion[]): TalosVersion[] {
  const sorted = [...known].sort(compareTalosVersions);
  const before = sorted.findLast((candidate) => compareTalosVersions(candidate, version) <= 0);
  if (before !== undefined && compareTalosVersions(before, version) === 0) return [before];
  const after = sorted.find((candidate) => compareTalosVersions(candidate, version) > 0);
  return [before, after].filter((candidate) => candidate !== undefined);
}

function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? 1 : -1;
  const left = a.split('.');
  const right = b.split('.');
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part !== other) return compareIdentifiers(part, other);
  }
  return -1;
}

function compareIdentifiers(a: string, b: string): number {
  const numeric = /^[0-9]+$/;
  if (numeric.test(a) && numeric.test(b)) return a.length - b.length || (a < b ? -1 : 1);
  if (numeric.test(a) !== numeric.test(b)) return numeric.test(a) ? -1 : 1;
  return a < b ? -1 : 1;
}
