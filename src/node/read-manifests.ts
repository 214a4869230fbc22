/** What a configuration carries for Kubernetes: inline manifests and static pods, and the images their containers are made of. */
import { isAirgapError, type Origin } from '../errors.ts';
import type { ConfigDocument, ConfigText } from './documents.ts';
import { patchedDocuments } from './documents.ts';
import { at, isEmpty, listing, textOf } from './fields.ts';
import { type ConfigNode, type MapNode, readDocuments } from './tree.ts';

export interface CarriedManifest {
  readonly what: 'inline manifest' | 'static pod';
  /** Empty where it has none. */
  readonly name: string;
  /** Where its content is written. */
  readonly origin: Origin;
  /** Undefined where the content is no YAML. */
  readonly images: CarriedImages | undefined;
}

/** As written, each once, in order. */
export interface CarriedImages {
  /** Of containers and image volumes: the kubelet pulls them. */
  readonly pulled: readonly string[];
  /** Texts under a key `image` elsewhere, as custom resources have them: what they are is up to who reads those. */
  readonly other: readonly string[];
}

/** Lists of containers in a pod (Kubernetes API v1, PodSpec). */
const containerLists: readonly string[] = ['containers', 'initContainers', 'ephemeralContainers'];

/**
 * The manifests of a configuration with its patches laid over it: `cluster.inlineManifests`, `machine.pods`, and from Talos 1.14
 * on `KubeInlineManifestConfig` and `KubeStaticPodConfig` (siderolabs/talos, pkg/machinery/config/types). Throws ERR_INPUT_INVALID
 * for a configuration that Talos refuses; not for a manifest that Kubernetes would.
 */
export function readManifests(texts: readonly ConfigText[]): CarriedManifest[] {
  return patchedDocuments(texts).flatMap((document) => manifestsOf(document));
}

function manifestsOf({ kind, name, root }: ConfigDocument): CarriedManifest[] {
  if (kind === 'KubeInlineManifestConfig') return inlineManifest(name, at(root, 'manifest'));
  if (kind === 'KubeStaticPodConfig') return staticPod(at(root, 'pod'), name);
  if (kind !== '') return [];
  const inline = listing(at(root, 'cluster', 'inlineManifests'), 'cluster.inlineManifests');
  const pods = listing(at(root, 'machine', 'pods'), 'machine.pods');
  return [
    ...inline.flatMap((item) => inlineManifest(textOf(at(item, 'name'), 'name') ?? '', at(item, 'contents'))),
    ...pods.flatMap((pod) => staticPod(pod)),
  ];
}

function inlineManifest(name: string, content: ConfigNode | undefined): CarriedManifest[] {
  const text = textOf(content, 'contents');
  if (content === undefined || text === undefined) return [];
  const { origin } = content;
  return [{ what: 'inline manifest', name, origin, images: imagesInText(text, origin) }];
}

function imagesInText(text: string, origin: Origin): CarriedImages | undefined {
  try {
    return imagesIn(readDocuments(origin.document, text));
  } catch (error) {
    if (isAirgapError(error)) return undefined;
    throw error;
  }
}

function staticPod(pod: ConfigNode | undefined, name?: string): CarriedManifest[] {
  if (pod === undefined || isEmpty(pod)) return [];
  const own = pod.kind === 'map' ? child(child(pod, 'metadata'), 'name') : undefined;
  const called = name ?? (own?.kind === 'scalar' ? own.text : '');
  return [{ what: 'static pod', name: called, origin: pod.origin, images: imagesIn([pod]) }];
}

function imagesIn(roots: readonly ConfigNode[]): CarriedImages {
  const pulled = new Set<string>();
  const other = new Set<string>();
  const look = (node: ConfigNode): void => {
    if (node.kind === 'list') node.items.forEach(look);
    if (node.kind !== 'map') return;
    for (const image of podImages(node)) pulled.add(image);
    for (const image of textIn(child(node, 'image'))) other.add(image);
    node.entries.forEach(look);
  };
  roots.forEach(look);
  return { pulled: [...pulled], other: [...other].filter((image) => !pulled.has(image)) };
}

/** Of the containers and the image volumes below a pod's keys (Kubernetes API v1, Container.image, ImageVolumeSource.reference). */
function podImages(spec: MapNode): string[] {
  const containers = containerLists.flatMap((key) => itemsOf(child(spec, key)).map((item) => child(item, 'image')));
  const volumes = itemsOf(child(spec, 'volumes')).map((item) => child(child(item, 'image'), 'reference'));
  return [...containers, ...volumes].flatMap(textIn);
}

function textIn(node: ConfigNode | undefined): string[] {
  return node?.kind === 'scalar' && node.text !== '' && !isEmpty(node) ? [node.text] : [];
}

function itemsOf(node: ConfigNode | undefined): readonly ConfigNode[] {
  return node?.kind === 'list' ? node.items : [];
}

/** Unlike at(), nothing is refused: manifests are Kubernetes' own. */
function child(node: ConfigNode | undefined, key: string): ConfigNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key) : undefined;
}
