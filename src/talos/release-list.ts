/** What talosctl of a release prints becomes an entry of the catalogue. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { parseReference, printReference } from '../oci/reference.ts';
import { kubernetesImageNames, kubernetesRange, printKubernetesRange } from './kubernetes.ts';
import type { ListedRelease, TalosCatalogue } from './releases.ts';
import { talosctlListArguments } from './talosctl.ts';
import { printPlain, printTalosVersion, readVersion, type TalosVersion } from './version.ts';

/** More images than any release lists. */
export const maxListedImages = 100;

/** What every list has beside Kubernetes, by the last part of the repository. */
const needed = ['flannel', 'coredns', 'etcd', 'pause'];

export interface ListOrigin {
  /** Kubernetes the list has to be of, without `v`. Default: that of its kubelet. */
  readonly kubernetes?: string | undefined;
  readonly source: string;
  readonly file?: string | undefined;
  readonly installImage?: string | undefined;
  /** For the Kubernetes range. Default: what is built in. */
  readonly catalogue?: TalosCatalogue | undefined;
}

/**
 * Checks the list of a release, in the order talosctl prints it, and reads its Kubernetes from the tag of the kubelet. A list
 * has exactly one of each image of Kubernetes, all with one tag, exactly one flannel, coredns, etcd and pause, tags and no
 * digests; the Kubernetes is one the release runs, and an installer among them has its tag. Throws ERR_INPUT_INVALID.
 */
export function listedRelease(version: TalosVersion, images: readonly string[], origin: ListOrigin): ListedRelease {
  const refuse = (state: string): AirgapError => refusal(version, { state, source: origin.source });
  if (images.length > maxListedImages)
    throw refuse(`it has ${images.length} images, and no release has more than ${maxListedImages}`);
  const printed = images.map((image) => taggedImage(image, refuse));
  const twice = printed.find((image, index) => printed.indexOf(image) !== index);
  if (twice !== undefined) throw refuse(`it names ${quoteText(twice)} twice`);
  const byName = (name: string): string[] => printed.filter((image) => nameOf(image) === name).map(tagOf);
  for (const name of [...needed, ...kubernetesImageNames]) {
    const { length } = byName(name);
    if (length !== 1) throw refuse(`it has ${length === 0 ? 'no' : length} ${name} images, and a list has one`);
  }
  const kubernetes = kubernetesOf(kubernetesImageNames.flatMap(byName), refuse);
  if (origin.kubernetes !== undefined && origin.kubernetes !== kubernetes)
    throw refuse(`its kubelet is of Kubernetes v${kubernetes}, not v${origin.kubernetes}`);
  const range = kubernetesRange(version, origin.catalogue);
  const { minor } = readVersion(kubernetes) ?? { minor: -1 };
  if (range !== undefined && (minor < range.min || minor > range.max))
    throw refuse(`Kubernetes v${kubernetes} is in it, and the release runs ${printKubernetesRange(range)}`);
  const installer = byName('installer').find((tag) => tag !== printTalosVersion(version));
  if (installer !== undefined) throw refuse(`its installer is of ${installer}`);
  const { source, file, installImage } = origin;
  return {
    version,
    kubernetes,
    images: printed,
    ...(installImage === undefined ? {} : { installImage: taggedImage(installImage, refuse) }),
    source,
    ...(file === undefined ? {} : { file }),
  };
}

function taggedImage(text: string, refuse: (state: string) => AirgapError): string {
  const read = readReference(text);
  if (read === undefined) throw refuse(`${quoteText(text)} is no image reference`);
  if (read.tag === undefined || read.digest !== undefined)
    throw refuse(`${quoteText(text)} is not named by a tag alone`);
  return printReference(read);
}

function readReference(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof AirgapError) return undefined;
    throw error;
  }
}

function kubernetesOf(tags: readonly string[], refuse: (state: string) => AirgapError): string {
  const [first = ''] = tags;
  const other = tags.find((tag) => tag !== first);
  if (other !== undefined) throw refuse(`its Kubernetes images have the tags ${first} and ${other}`);
  const version = first.startsWith('v') ? readVersion(first) : undefined;
  if (version === undefined) throw refuse(`the tag ${quoteText(first)} is no release of Kubernetes`);
  return printPlain(version);
}

function nameOf(image: string): string {
  return image.slice(image.lastIndexOf('/') + 1, image.lastIndexOf(':'));
}

function tagOf(image: string): string {
  return image.slice(image.lastIndexOf(':') + 1);
}

function refusal(version: TalosVersion, about: { readonly state: string; readonly source: string }): AirgapError {
  const name = printTalosVersion(version);
  const message = `Cannot take ${quoteText(about.source)} as the list of Talos "${name}": ${about.state}`;
  return new AirgapError('ERR_INPUT_INVALID', message, {
    hint: `give what "talosctl ${talosctlListArguments(name).join(' ')}" of ${name} prints`,
  });
}
