/** Releases that are newer than this program. Pure. */
import { talosReleases } from '../../talos/catalogue.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';

/** What to say of a release of a minor that was not there when this program was made; undefined for others. A catalogue file tells images, not what nodes read. */
export function beyondKnown(version: TalosVersion): string | undefined {
  const newest = talosReleases().at(-1)?.version;
  if (newest === undefined || version.major < newest.major) return undefined;
  if (version.major === newest.major && version.minor <= newest.minor) return undefined;
  const known = `${newest.major}.${newest.minor}`;
  return `what a node reads and does is known up to Talos ${known}: ${printTalosVersion(version)} is taken to be the same`;
}
