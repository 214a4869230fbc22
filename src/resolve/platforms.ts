/** Which children of an index are wanted, told by their platforms. */
import { AirgapError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { childrenOf, type ManifestDocument } from '../oci/manifest.ts';
import { isImageConfigType, isImageManifestType, isIndexType } from '../oci/media-type.ts';
import {
  isUnknownPlatform,
  type Platform,
  platformInConfigBytes,
  platformMatches,
  printPlatform,
} from '../oci/platform.ts';
import type { ReadableRepository } from '../store/store.ts';
import { readVerified } from '../store/verified.ts';
import { walkLimits } from './walk.ts';

/** Largest config that is read to learn a platform, in bytes. */
const configLimit = 4 * 1024 * 1024;

/** BuildKit's attestation manifests say in this annotation which child they are about. */
const attestationOf = 'vnd.docker.reference.digest';

export interface Selection {
  /** Children of a wanted platform, in the order of the index. */
  readonly chosen: readonly Descriptor[];
  /** Children to leave out. Empty when none of the wanted platforms is there: half an index that runs nowhere helps nobody. */
  readonly omitted: readonly Descriptor[];
  /** Wanted platforms that no child has. */
  readonly missing: readonly Platform[];
  /** Platforms that are there, printed and sorted. */
  readonly available: readonly string[];
}

export interface SelectOptions {
  readonly platforms: readonly Platform[];
  readonly repository: ReadableRepository;
  readonly read: (child: Descriptor) => Promise<ManifestDocument>;
  readonly signal?: AbortSignal | undefined;
}

interface Leaf {
  readonly descriptor: Descriptor;
  readonly platform: Platform | undefined;
}

/** Looks at an index, also at indexes inside it, or at a single image. Reads a config only where nothing else tells the platform. */
export async function selectPlatforms(root: ManifestDocument, options: SelectOptions): Promise<Selection> {
  if (root.manifest.kind === 'image') {
    const platform = await platformOf(root, options);
    return select([{ descriptor: root.descriptor, platform }], options.platforms);
  }
  const search = { ...options, read: bounded(root, options.read), met: new Set([root.descriptor.digest]) };
  return select(await leavesOf(root, { ...search, depth: 0 }), options.platforms);
}

/** Reads no more manifests and bytes than a walk would. Throws ERR_PROTOCOL past that. */
function bounded(root: ManifestDocument, read: SelectOptions['read']): SelectOptions['read'] {
  let manifests = 0;
  let bytes = 0;
  return (child) => {
    manifests += 1;
    bytes += child.size;
    if (manifests <= walkLimits.manifests && bytes <= walkLimits.bytes) return read(child);
    const { digest } = root.descriptor;
    throw new AirgapError(
      'ERR_PROTOCOL',
      `Cannot tell the platforms of "${digest}": too many manifests hang together`,
      {
        digest,
      },
    );
  };
}

/** The platform an image's config names. Undefined for an artifact, for a config that is too large or that is no JSON. */
export async function platformOf(
  document: ManifestDocument,
  options: Pick<SelectOptions, 'repository' | 'signal'>,
): Promise<Platform | undefined> {
  if (document.manifest.kind !== 'image') return undefined;
  const { config } = document.manifest;
  if (!isImageConfigType(config.mediaType) || config.size > configLimit) return undefined;
  const bytes = await readVerified(options.repository, config, { signal: options.signal, limit: configLimit });
  return platformInConfigBytes(bytes);
}

interface Search extends SelectOptions {
  readonly depth: number;
  /** What was met without a platform: it is looked into once, or a few indexes that list each other many times would never end. */
  readonly met: Set<Digest>;
}

async function leavesOf(index: ManifestDocument, options: Search): Promise<Leaf[]> {
  if (options.depth >= walkLimits.depth) return [];
  const leaves = await Promise.all(childrenOf(index.manifest).map((child) => leavesAt(child, options)));
  return leaves.flat();
}

async function leavesAt(child: Descriptor, options: Search): Promise<Leaf[]> {
  if (child.platform !== undefined) return [{ descriptor: child, platform: child.platform }];
  if (options.met.has(child.digest)) return [];
  options.met.add(child.digest);
  if (isIndexType(child.mediaType)) {
    return leavesOf(await options.read(child), { ...options, depth: options.depth + 1 });
  }
  if (!isImageManifestType(child.mediaType) || child.artifactType !== undefined) {
    return [{ descriptor: child, platform: undefined }];
  }
  return [{ descriptor: child, platform: await platformOf(await options.read(child), options) }];
}

function select(leaves: readonly Leaf[], wanted: readonly Platform[]): Selection {
  const runnable = leaves.filter((leaf) => leaf.platform !== undefined && !isUnknownPlatform(leaf.platform));
  const offers = (leaf: Leaf, platform: Platform): boolean =>
    leaf.platform !== undefined && platformMatches(platform, leaf.platform);
  const chosen = runnable.filter((leaf) => wanted.some((platform) => offers(leaf, platform)));
  const kept = new Set(chosen.map((leaf) => leaf.descriptor.digest));
  for (const leaf of leaves) if (isCompanion(leaf, kept)) kept.add(leaf.descriptor.digest);
  const left = leaves.filter((leaf) => !kept.has(leaf.descriptor.digest)).map((leaf) => leaf.descriptor);
  return {
    chosen: chosen.map((leaf) => leaf.descriptor),
    omitted: chosen.length === 0 ? [] : onceEach(left),
    missing: runnable.length === 0 ? [] : wanted.filter((platform) => !runnable.some((leaf) => offers(leaf, platform))),
    available: [
      ...new Set(runnable.map((leaf) => printPlatform(leaf.platform ?? { os: '', architecture: '' }))),
    ].sort(),
  };
}

/** Content that belongs to no platform, or an attestation about a child that is kept. */
function isCompanion(leaf: Leaf, kept: ReadonlySet<Digest>): boolean {
  if (leaf.platform === undefined) return true;
  if (!isUnknownPlatform(leaf.platform)) return false;
  const about = leaf.descriptor.annotations?.[attestationOf];
  return about === undefined || kept.has(about as Digest);
}

function onceEach(descriptors: readonly Descriptor[]): Descriptor[] {
  return [...new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor])).values()];
}
