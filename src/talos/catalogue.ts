/** The images of each Talos release: what talosctl prints, and what a node needs beside it. */
import { AirgapError } from '../errors.ts';
import { checkKubernetes, kubernetesRange, withKubernetes } from './kubernetes.ts';
import { builtInCatalogue, isListed, type ListedRelease, listedReleases, type TalosCatalogue } from './releases.ts';
import { talosctlListArguments } from './talosctl.ts';
import { isSinceMinor, nearestTalosVersions, printTalosVersion, type TalosVersion } from './version.ts';

export interface TalosRelease {
  readonly version: TalosVersion;
  /** Default Kubernetes, without `v`. */
  readonly kubernetes: string;
  /** Where the list was taken from: repository, commit and files. */
  readonly source: string;
  /** A published output the list was compared with and is equal to. */
  readonly verifiedAgainst?: string;
}

/** Architecture of the nodes. */
export type NodeArchitecture = 'amd64' | 'arm64' | 'both';

export interface TalosImageOptions {
  /** `v1.36.3` or `1.36.3` in place of the release's default. */
  readonly kubernetes?: string | undefined;
  /** Matters up to Talos 1.7 only, where arm64 nodes run an etcd image of their own. */
  readonly arch?: NodeArchitecture | undefined;
  /** Default: what is built in. */
  readonly catalogue?: TalosCatalogue | undefined;
}

export interface TalosImages {
  readonly version: TalosVersion;
  /** Without `v`. */
  readonly kubernetes: string;
  /** In the order talosctl prints them. */
  readonly images: readonly string[];
  /** What a node installs unless its configuration names something else; from Talos 1.12 on not among `images`. */
  readonly installImage: string;
  /** What a reader of the list should know; one sentence each, without full stop. */
  readonly notes: readonly string[];
}

/** One image and why a node needs it. */
export interface TalosMirrorImage {
  readonly reference: string;
  readonly reason: string;
}

const releaseNotes: Readonly<Record<string, string>> = {
  'v1.13.1': 'v1.13.1 was withdrawn by its makers: use v1.13.2 or later',
  'v1.14.4': 'the list of v1.14.4 is taken from its release notes',
};

/** sha256 of `customization: {}\n`: the Image Factory's id of a schematic without changes (image-factory, schematic package). */
export const emptySchematic = '376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba';

/** All releases with a list, oldest first. Default: those built in. */
export function talosReleases(catalogue: TalosCatalogue = builtInCatalogue): TalosRelease[] {
  return listedReleases(catalogue).map(({ version, kubernetes, source, verifiedAgainst }) => ({
    version,
    kubernetes,
    source,
    ...(verifiedAgainst === undefined ? {} : { verifiedAgainst }),
  }));
}

/**
 * The list talosctl of this release prints, in its order; with `arch` arm64 as an arm64 talosctl prints it, with `both` the
 * arm64 images added after the amd64 ones. Default arch amd64.
 * Throws ERR_USAGE for a release without a list (naming the nearest ones) and for a Kubernetes release out of range.
 */
export function talosImages(version: TalosVersion, options: TalosImageOptions = {}): TalosImages {
  const { catalogue = builtInCatalogue, arch = 'amd64' } = options;
  const release = requireRelease(version, catalogue);
  const kubernetes =
    options.kubernetes === undefined
      ? release.kubernetes
      : checkKubernetes(options.kubernetes, { version, default: release.kubernetes, catalogue });
  const images = withKubernetes(release, kubernetes).flatMap((image) => forArchitecture(image, { version, arch }));
  return {
    version,
    kubernetes,
    images,
    installImage: release.installImage ?? defaultInstallImage(version),
    notes: notesFor(release, { kubernetes, arch, catalogue }),
  };
}

/**
 * Everything a node of this release needs by default, each with its reason: the list, the default install image, and for
 * Talos up to 1.7 the etcd image of arm64 nodes. Default arch both. Throws as talosImages().
 */
export function talosMirrorImages(version: TalosVersion, options: TalosImageOptions = {}): TalosMirrorImage[] {
  const { images, installImage } = talosImages(version, { ...options, arch: options.arch ?? 'both' });
  const reasonOf = (image: string): string => {
    if (image === installImage) return 'default install image';
    return isArm64Etcd(image) ? 'etcd of arm64 nodes' : 'default image of the release';
  };
  const all = images.includes(installImage) ? images : [...images, installImage];
  return all.map((reference) => ({ reference, reason: reasonOf(reference) }));
}

/**
 * What a node installs unless told otherwise: `ghcr.io/siderolabs/installer` up to 1.13, from 1.14 on the Image Factory's
 * installer without extensions (siderolabs/talos, pkg/images/list.go).
 */
export function defaultInstallImage(version: TalosVersion): string {
  const tag = printTalosVersion(version);
  return isSinceMinor(version, 14)
    ? `factory.talos.dev/metal-installer/${emptySchematic}:${tag}`
    : `ghcr.io/siderolabs/installer:${tag}`;
}

/**
 * The core images an Image Factory or imager needs for a release, as `talosctl image talos-bundle` prints them first. What
 * the two catalogues, overlays and extensions, name inside is not among them. Any release from 1.0 on; throws ERR_USAGE before.
 */
export function talosBundle(version: TalosVersion): string[] {
  if (version.major < 1) {
    throw new AirgapError(
      'ERR_USAGE',
      `Cannot list the bundle of Talos "${printTalosVersion(version)}": only 1.0 and later are known`,
    );
  }
  const parts: [name: string, published: boolean][] = [
    ['installer', !isSinceMinor(version, 14)],
    ['installer-base', isSinceMinor(version, 10)],
    ['imager', true],
    ['talos', true],
    ['talosctl-all', isSinceMinor(version, 11)],
    // Image Factory asks for overlays from 1.7 on (image-factory, SupportsOverlays).
    ['overlays', isSinceMinor(version, 7)],
    ['extensions', true],
  ];
  return parts
    .filter(([, published]) => published)
    .map(([name]) => `ghcr.io/siderolabs/${name}:${printTalosVersion(version)}`);
}

/** The release and its list. Throws ERR_USAGE for one without a list, naming the nearest ones. */
export function requireRelease(version: TalosVersion, catalogue: TalosCatalogue = builtInCatalogue): ListedRelease {
  const text = printTalosVersion(version);
  const release = catalogue.releases.get(text);
  if (release !== undefined && isListed(release)) return release;
  const published = release !== undefined;
  const listed = listedReleases(catalogue).map((known) => known.version);
  const nearest = nearestTalosVersions(version, listed);
  const state = published
    ? 'it was published, but its list is not in the catalogue'
    : 'the catalogue does not know this release';
  const others = published ? '' : nearbyWithoutList(version, catalogue);
  throw new AirgapError('ERR_USAGE', `Cannot list the images of Talos "${text}": ${state}`, {
    hint: `nearest releases with a list: ${nearest.map(printTalosVersion).join(', ')}${others}; or give the list that talosctl ${text} prints${commandHint(text)}: airgap catalogue add --talos ${text} --list FILE`,
  });
}

function nearbyWithoutList(version: TalosVersion, catalogue: TalosCatalogue): string {
  const same = [...catalogue.releases.entries()].filter(
    ([, known]) => !isListed(known) && known.version.minor === version.minor && known.version.major === version.major,
  );
  return same.length === 0 ? '' : ` (published without a list here: ${same.map(([name]) => name).join(', ')})`;
}

function commandHint(version: string): string {
  try {
    return ` with "talosctl ${talosctlListArguments(version).join(' ')}"`;
  } catch {
    return '';
  }
}

/** Up to 1.7 Talos appends `-arm64` to the default etcd tag on arm64 (pkg/machinery/config/types/v1alpha1/v1alpha1_etcdconfig.go). */
function forArchitecture(
  image: string,
  node: { readonly version: TalosVersion; readonly arch: NodeArchitecture },
): string[] {
  if (node.arch === 'amd64' || isSinceMinor(node.version, 8) || !image.startsWith('gcr.io/etcd-development/etcd:'))
    return [image];
  return node.arch === 'arm64' ? [`${image}-arm64`] : [image, `${image}-arm64`];
}

function isArm64Etcd(image: string): boolean {
  return image.startsWith('gcr.io/etcd-development/etcd:') && image.endsWith('-arm64');
}

function notesFor(
  release: ListedRelease,
  asked: { readonly kubernetes: string; readonly arch: NodeArchitecture; readonly catalogue: TalosCatalogue },
): string[] {
  const notes: string[] = [];
  const name = printTalosVersion(release.version);
  const own = releaseNotes[name];
  if (release.file !== undefined) notes.push(`the list of ${name} is taken from ${release.file}`);
  else if (own !== undefined) notes.push(own);
  if (release.version.prerelease !== '') notes.push(`${name} is a pre-release`);
  if (asked.kubernetes !== release.kubernetes) {
    const documented =
      kubernetesRange(release.version, asked.catalogue)?.from === 'documentation'
        ? '; the range is that of the support matrix'
        : '';
    notes.push(`Kubernetes v${asked.kubernetes} takes the place of the default v${release.kubernetes}${documented}`);
  }
  if (asked.arch === 'amd64' && !isSinceMinor(release.version, 8)) {
    notes.push('arm64 nodes of this release need the etcd tag with -arm64 at its end as well');
  }
  return notes;
}
