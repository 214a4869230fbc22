/** The images of what was selected: of one release, of it with several Kubernetes, or of a whole upgrade. */
import { requireRelease, type TalosMirrorImage, talosImages, talosMirrorImages } from '../../talos/catalogue.ts';
import { isListed, releasesOf, type TalosCatalogue } from '../../talos/releases.ts';
import { type UpgradePath, upgradeImages, upgradePath } from '../../talos/upgrade.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { nodeArchitecture, type ReleaseSelection } from './selection.ts';

export interface SelectedImages {
  /** As origins name it: `talos v1.14.4`, `talos v1.13.9..v1.14.4`. */
  readonly name: string;
  readonly images: readonly TalosMirrorImage[];
  /** What a reader of the list should know; one sentence each, without full stop. */
  readonly notes: readonly string[];
  /** Of an upgrade. */
  readonly path: UpgradePath | undefined;
  /** Release nodes run when they first see the mirror: where an upgrade begins. */
  readonly runs: TalosVersion;
  /** Every release there is something of, in the order of an upgrade. */
  readonly releases: readonly TalosVersion[];
}

/** Every image a cluster needs of the selection, each once. Default architecture both. Throws ERR_USAGE as talosImages() and upgradePath(). */
export function selectedImages(selection: ReleaseSelection & { readonly talos: TalosVersion }): SelectedImages {
  const { talos, upgradeFrom, kubernetes, catalogue } = selection;
  const options = { catalogue, arch: nodeArchitecture(selection) };
  const to = printTalosVersion(talos);
  if (upgradeFrom !== undefined) {
    const path = upgradePath(upgradeFrom, talos, { catalogue, kubernetes });
    const releases = path.stays.map((stay) => stay.talos);
    return {
      name: `talos ${printTalosVersion(upgradeFrom)}..${to}`,
      images: upgradeImages(path, options),
      notes: [
        ...releases.flatMap((version) => talosImages(version, { ...options, arch: 'both' }).notes),
        ...passedBy(newestOfMinors(releases.slice(0, -1)), catalogue),
      ],
      path,
      runs: upgradeFrom,
      releases,
    };
  }
  const own = requireRelease(talos, catalogue).kubernetes;
  const versions = kubernetes.length === 0 ? [own] : kubernetes;
  const byName = new Map(
    versions
      .flatMap((version) => talosMirrorImages(talos, { ...options, kubernetes: version }))
      .map((image) => [image.reference, image]),
  );
  const notes = versions.flatMap(
    (version) => talosImages(talos, { ...options, arch: 'both', kubernetes: version }).notes,
  );
  return {
    name: `talos ${to}`,
    images: [...byName.values()],
    notes: [...new Set(notes)],
    path: undefined,
    runs: talos,
    releases: [talos],
  };
}

/** The way leaves a minor from its newest release. */
function newestOfMinors(releases: readonly TalosVersion[]): TalosVersion[] {
  return releases.filter((version, index) => releases[index + 1]?.minor !== version.minor);
}

/** The way takes the newest release with a list: a newer one without a list is told. */
function passedBy(releases: readonly TalosVersion[], catalogue: TalosCatalogue): string[] {
  return releases.flatMap((version) => {
    const newer = releasesOf(catalogue).findLast(
      (other) =>
        other.version.major === version.major &&
        other.version.minor === version.minor &&
        other.version.prerelease === '',
    );
    if (newer === undefined || isListed(newer)) return [];
    const name = printTalosVersion(newer.version);
    return [
      `${name} is newer than ${printTalosVersion(version)}, but its list is not known: airgap catalogue add --talos ${name} --list FILE`,
    ];
  });
}
