/** Which Kubernetes releases a Talos release runs. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { builtInCatalogue, type ListedRelease, type TalosCatalogue } from './releases.ts';
import { printPlain, printTalosVersion, readVersion, type TalosVersion } from './version.ts';

/** Minor versions of Kubernetes 1, both ends included. */
export interface KubernetesRange {
  readonly min: number;
  readonly max: number;
  /** `code`: what Talos itself checks. `documentation`: what its support matrix says. `catalogue`: what a catalogue file says. */
  readonly from: 'code' | 'documentation' | 'catalogue';
}

/**
 * Talos 1.MINOR to Kubernetes minors. From 1.5 on: pkg/machinery/compatibility/talos1NN/talos1NN.go. Before, Talos had no
 * such check: the "Kubernetes" row of the support matrix in website/content/v1.N (1.4 as corrected in the page of v1.5).
 */
const ranges: ReadonlyMap<number, readonly [min: number, max: number]> = new Map([
  [0, [21, 23]],
  [1, [22, 24]],
  [2, [23, 25]],
  [3, [24, 26]],
  [4, [25, 27]],
  [5, [26, 28]],
  [6, [24, 29]],
  [7, [25, 30]],
  [8, [26, 31]],
  [9, [27, 32]],
  [10, [28, 33]],
  [11, [29, 34]],
  [12, [30, 35]],
  [13, [31, 36]],
  [14, [32, 37]],
]);

/** What Talos pulls under the version of Kubernetes (siderolabs/talos, pkg/images/list.go). */
export const kubernetesImageNames: readonly string[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
];

/** Undefined where no range is known. What a catalogue file says of the minor wins. */
export function kubernetesRange(
  version: TalosVersion,
  catalogue: TalosCatalogue = builtInCatalogue,
): KubernetesRange | undefined {
  if (version.major !== 1) return undefined;
  const own = catalogue.minors.get(version.minor)?.kubernetes;
  if (own !== undefined) return { ...own, from: 'catalogue' };
  const range = ranges.get(version.minor);
  if (range === undefined) return undefined;
  return { min: range[0], max: range[1], from: version.minor >= 5 ? 'code' : 'documentation' };
}

/** The list of a release with another Kubernetes, given without `v`: its five images get this tag, the others stay. */
export function withKubernetes(release: Pick<ListedRelease, 'images'>, kubernetes: string): string[] {
  return release.images.map((image) => {
    const colon = image.lastIndexOf(':');
    const name = image.slice(image.lastIndexOf('/') + 1, colon);
    return kubernetesImageNames.includes(name) ? `${image.slice(0, colon)}:v${kubernetes}` : image;
  });
}

/** `1.31-1.36`. */
export function printKubernetesRange(range: KubernetesRange): string {
  return `1.${range.min}-1.${range.max}`;
}

/**
 * Reads `v1.36.3` or `1.36.3` and gives it without `v`. Throws ERR_USAGE when it is no version, or when it is neither in
 * the range of this Talos release nor its default.
 */
export function checkKubernetes(
  text: string,
  talos: { readonly version: TalosVersion; readonly default: string; readonly catalogue?: TalosCatalogue },
): string {
  const kubernetes = readVersion(text);
  if (kubernetes === undefined) {
    throw new AirgapError('ERR_USAGE', `Cannot read Kubernetes version ${quoteText(text, 80)}: not MAJOR.MINOR.PATCH`, {
      hint: `write it with all three numbers, for example v${talos.default}`,
    });
  }
  const plain = printPlain(kubernetes);
  const range = kubernetesRange(talos.version, talos.catalogue);
  if (plain === talos.default || (range !== undefined && isInRange(kubernetes, range))) return plain;
  const state =
    range === undefined
      ? `its range is not known, only its default v${talos.default} is accepted`
      : `it supports ${printKubernetesRange(range)}`;
  throw new AirgapError(
    'ERR_USAGE',
    `Cannot use Kubernetes "v${plain}" with Talos "${printTalosVersion(talos.version)}": ${state}`,
    {
      hint: `the default of this release is v${talos.default}`,
    },
  );
}

function isInRange(kubernetes: TalosVersion, range: KubernetesRange): boolean {
  return kubernetes.major === 1 && kubernetes.minor >= range.min && kubernetes.minor <= range.max;
}
