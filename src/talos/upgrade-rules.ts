/** Which Talos release may be upgraded to which. */
import { AirgapError } from '../errors.ts';
import { builtInCatalogue, listedReleases, type TalosCatalogue } from './releases.ts';
import {
  compareTalosVersions,
  isSinceMinor,
  parseTalosVersion,
  printTalosVersion,
  type TalosVersion,
} from './version.ts';

/**
 * Oldest minor of Talos 1 that may be upgraded to a minor: MinimumHostUpgradeVersion of siderolabs/talos,
 * pkg/machinery/compatibility/talos1NN/talos1NN.go, checked by the installer. Talos checks from 1.2 on.
 */
const oldestHosts: ReadonlyMap<number, number> = new Map([
  [2, 0],
  [3, 0],
  [4, 0],
  [5, 2],
  [6, 3],
  [7, 4],
  [8, 5],
  [9, 8],
  [10, 8],
  [11, 9],
  [12, 10],
  [13, 11],
  [14, 12],
]);

/** Oldest release that Talos lets upgrade to `version`; undefined where Talos has no such rule, or it is not known. */
export function oldestHost(
  version: TalosVersion,
  catalogue: TalosCatalogue = builtInCatalogue,
): TalosVersion | undefined {
  if (version.major !== 1) return undefined;
  const own = catalogue.minors.get(version.minor)?.upgradeFrom;
  if (own !== undefined) return own;
  const minor = oldestHosts.get(version.minor);
  return minor === undefined ? undefined : parseTalosVersion(`1.${minor}.0`);
}

/**
 * The releases on the way, both ends included: the newest patch of the minor one begins at and of every minor between, as the
 * upgrade guide has it (docs.siderolabs.com, "Upgrading Talos Linux": always from the latest patch of each minor in turn).
 * Throws ERR_USAGE naming the rule: the same release, a downgrade, another major, a host that is too old, a minor of which no
 * release is known.
 */
export function talosSteps(
  from: TalosVersion,
  to: TalosVersion,
  catalogue: TalosCatalogue = builtInCatalogue,
): TalosVersion[] {
  refuseDirection(from, to);
  const steps = [from];
  for (let minor = from.minor; minor < to.minor; minor += 1) {
    const newest = newestPatch(minor, catalogue) ?? (minor === from.minor ? from : undefined);
    if (newest === undefined)
      throw refusal(from, to, `no release of Talos 1.${minor} is known, and each minor is a step`);
    if (compareTalosVersions(newest, steps.at(-1) ?? from) > 0) steps.push(newest);
  }
  steps.push(to);
  for (const [index, step] of steps.entries()) checkHost(steps[index - 1], step, catalogue);
  return steps;
}

function newestPatch(minor: number, catalogue: TalosCatalogue): TalosVersion | undefined {
  return listedReleases(catalogue)
    .map(({ version }) => version)
    .findLast((version) => version.major === 1 && version.minor === minor && version.prerelease === '');
}

function refuseDirection(from: TalosVersion, to: TalosVersion): void {
  if (from.major !== to.major) throw refusal(from, to, 'an upgrade across major versions is not known');
  const order = compareTalosVersions(from, to);
  if (order === 0) throw refusal(from, to, 'it is the same release', `write --talos ${printTalosVersion(to)}`);
  if (order > 0) {
    const turned = `${printTalosVersion(to)}..${printTalosVersion(from)}`;
    throw refusal(from, to, 'it is older, and a downgrade is no upgrade', `write the older one first: ${turned}`);
  }
}

/** Talos compares numbers alone: a pre-release counts as its release. */
function checkHost(host: TalosVersion | undefined, to: TalosVersion, catalogue: TalosCatalogue): void {
  if (host === undefined || host.minor === to.minor) return;
  const oldest = oldestHost(to, catalogue);
  if (oldest === undefined) {
    if (!isSinceMinor(to, 2)) return;
    throw refusal(host, to, `from which release 1.${to.minor} may be upgraded to is not known`, minorHint(to));
  }
  if (compareTalosVersions({ ...host, prerelease: '' }, oldest) >= 0) return;
  throw refusal(host, to, `Talos 1.${to.minor} is upgraded to from ${printTalosVersion(oldest)} or later`);
}

function minorHint(version: TalosVersion): string {
  return `say it in the catalogue file: airgap catalogue add --talos ${printTalosVersion(version)} --list FILE --upgrade-from VERSION --kubernetes-range 1.MIN-1.MAX`;
}

function refusal(from: TalosVersion, to: TalosVersion, rule: string, hint?: string): AirgapError {
  const message = `Cannot upgrade Talos "${printTalosVersion(from)}" to "${printTalosVersion(to)}": ${rule}`;
  return new AirgapError('ERR_USAGE', message, hint === undefined ? {} : { hint });
}
