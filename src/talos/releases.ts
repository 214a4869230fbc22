/** The releases a run knows: those built in, and what a catalogue file adds to them or corrects. */
import { imageShapes, type ReleaseRow, releaseRows } from './data/releases.ts';
import { compareTalosVersions, isSinceMinor, parseTalosVersion, type TalosVersion } from './version.ts';

/** One release: with a list, or only known to exist. */
export interface KnownRelease {
  readonly version: TalosVersion;
  /** Default Kubernetes, without `v`. Undefined where the list is not known. */
  readonly kubernetes: string | undefined;
  /** What talosctl of the release prints, in its order. Undefined where it was published but its list is not known. */
  readonly images: readonly string[] | undefined;
  /** In place of the default install image of its minor. */
  readonly installImage?: string | undefined;
  /** Where the list was taken from. */
  readonly source: string;
  readonly verifiedAgainst?: string | undefined;
  /** The catalogue file it comes from; undefined for what is built in. */
  readonly file?: string | undefined;
}

/** What is known of a minor, in place of what is built in. */
export interface MinorRule {
  /** Kubernetes minors, both ends included. */
  readonly kubernetes?: { readonly min: number; readonly max: number } | undefined;
  /** Oldest release that may be upgraded to this minor. */
  readonly upgradeFrom?: TalosVersion | undefined;
}

export interface TalosCatalogue {
  /** By printed version, `v1.14.4`. */
  readonly releases: ReadonlyMap<string, KnownRelease>;
  /** By minor of Talos 1. */
  readonly minors: ReadonlyMap<number, MinorRule>;
  /** Kubernetes releases known beside the defaults, without `v`. */
  readonly kubernetes: readonly string[];
}

/** Releases that were published but whose list is not in the data. */
const knownWithoutList = ['v1.12.12', 'v1.13.10', 'v1.14.0', 'v1.14.2', 'v1.14.3'];

/** What this version of the program knows by itself. */
export const builtInCatalogue: TalosCatalogue = {
  releases: new Map([
    ...releaseRows.map((row): [string, KnownRelease] => [row.version, releaseOfRow(row)]),
    ...knownWithoutList.map((name): [string, KnownRelease] => [name, publishedOnly(name)]),
  ]),
  minors: new Map(),
  kubernetes: [],
};

/** What `over` says wins; a release it knows without a list does not take one away. */
export function withOverlay(base: TalosCatalogue, over: TalosCatalogue): TalosCatalogue {
  const releases = new Map(base.releases);
  for (const [name, release] of over.releases) {
    if (release.images !== undefined || releases.get(name)?.images === undefined) releases.set(name, release);
  }
  const minors = new Map(base.minors);
  for (const [minor, rule] of over.minors) minors.set(minor, { ...minors.get(minor), ...definedIn(rule) });
  return { releases, minors, kubernetes: [...new Set([...base.kubernetes, ...over.kubernetes])] };
}

/** Oldest first, those without a list among them. */
export function releasesOf(catalogue: TalosCatalogue): KnownRelease[] {
  return [...catalogue.releases.values()].sort((a, b) => compareTalosVersions(a.version, b.version));
}

/** Releases with a list, oldest first. */
export function listedReleases(catalogue: TalosCatalogue): ListedRelease[] {
  return releasesOf(catalogue).filter(isListed);
}

/** A release whose list is known. */
export interface ListedRelease extends KnownRelease {
  readonly kubernetes: string;
  readonly images: readonly string[];
}

/** Whether the list of a release is known. */
export function isListed(release: KnownRelease): release is ListedRelease {
  return release.images !== undefined && release.kubernetes !== undefined;
}

function definedIn(rule: MinorRule): MinorRule {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined));
}

function publishedOnly(name: string): KnownRelease {
  return {
    version: parseTalosVersion(name),
    kubernetes: undefined,
    images: undefined,
    source: `github.com/siderolabs/talos/releases/tag/${name}`,
  };
}

function releaseOfRow(row: ReleaseRow): KnownRelease {
  const release = {
    version: parseTalosVersion(row.version),
    kubernetes: row.kubernetes,
    images: expand(row),
    source: sourceOfRow(row),
  };
  return row.verifiedAgainst === undefined ? release : { ...release, verifiedAgainst: row.verifiedAgainst };
}

function sourceOfRow(row: ReleaseRow): string {
  if (row.source !== undefined) return row.source;
  const command = isSinceMinor(parseTalosVersion(row.version), 5) ? 'image.go' : 'images.go';
  const files = `pkg/machinery/constants/constants.go, pkg/images/list.go, cmd/talosctl/cmd/talos/${command}`;
  const pause =
    row.containerd === undefined
      ? 'pkg/images/list.go DefaultSandboxImage'
      : `containerd/containerd@${row.containerd} pkg/cri/config`;
  const cni = row.installCni === undefined ? '' : '; install-cni tag = EXTRAS in Makefile';
  return `siderolabs/talos@${row.version} (${row.commit ?? ''}): ${files}; pause from ${pause}${cni}`;
}

function expand(row: ReleaseRow): string[] {
  const values: Readonly<Record<string, string | undefined>> = {
    talos: row.version,
    kubernetes: row.kubernetes,
    flannel: row.flannel,
    installCni: row.installCni,
    coredns: row.coredns,
    etcd: row.etcd,
    pause: row.pause,
    networkPolicies: row.networkPolicies,
  };
  const shape = imageShapes[row.shape] ?? [];
  return shape.map((template) => template.replace(/\{(\w+)\}/, (_, field: string) => values[field] ?? ''));
}
