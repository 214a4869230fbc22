/** What an earlier run already did: images whose tag stands for the same digest at both ends need no work. */
import { limitTo } from '../async/limit.ts';
import { toAirgapError } from '../errors.ts';
import type { RequestedImage, RequestedReference } from '../input/requested.ts';
import { algorithmOf, type Digest } from '../oci/digest.ts';
import { childrenOf, documentOf, type ImageIndex, type ImageManifest } from '../oci/manifest.ts';
import { isIndexType } from '../oci/media-type.ts';
import { isUnknownPlatform, type Platform, platformMatches } from '../oci/platform.ts';
import { formatRepository, type Reference, type RepositoryName } from '../oci/reference.ts';
import { printAsked } from '../oci/retag.ts';
import type { ReadableRepository, Source } from '../store/store.ts';
import { platformOf } from './platforms.ts';
import type { PlatformWish, UnchangedImage } from './resolved.ts';

/** What is known of an image from an earlier run; a locked image is one. */
export interface KnownImage {
  readonly source: Reference;
  readonly target: RepositoryName;
  /** Its own place, where it was asked for with one. */
  readonly retag?: NonNullable<RequestedReference['retag']>;
  /** What the tag stands for at the target. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly signatures: 'found' | 'none' | 'unknown' | 'not-asked';
  readonly omitted: readonly Digest[];
  /** What the tag stood for upstream, where narrowing made that differ. */
  readonly narrowedFrom?: Digest;
}

export interface UnchangedOptions {
  /** By `knownKey()`. */
  readonly known: ReadonlyMap<string, KnownImage>;
  readonly source: Source;
  readonly target: Source;
  /** What this run wants: an earlier run that left out more does not count. */
  readonly wish: PlatformWish;
  readonly signatures: boolean;
  /** Images at once. Default 32. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface UnchangedResult {
  readonly unchanged: readonly UnchangedImage[];
  /** In the order of the requests: what has to be resolved. */
  readonly changed: readonly RequestedImage[];
}

/** The key of an image: what was asked for, and the repository it lives in. */
export function knownKey({ source, target, retag }: Pick<KnownImage, 'source' | 'target' | 'retag'>): string {
  return `${printAsked({ reference: source, retag })} ${formatRepository(target)}`;
}

/**
 * Compares what is known with both ends, with HEAD requests: one for each tag to the source (none for a reference with a
 * digest), one for each image to the target. Only where platforms were left out does it read more: the target's manifest in
 * place of the HEAD, and with narrowing its config. An image that cannot be compared has to be resolved: nothing is thrown
 * but ERR_INTERRUPTED, or the error that `signal` was aborted with.
 */
export async function findUnchanged(
  requests: readonly RequestedImage[],
  options: UnchangedOptions,
): Promise<UnchangedResult> {
  const slots = limitTo(options.concurrency ?? 32);
  const compared = await Promise.all(requests.map((request) => slots(() => compare(request, options))));
  const { signal } = options;
  if (signal?.aborted === true)
    throw toAirgapError(signal.reason, 'ERR_INTERRUPTED', 'Cannot compare with the earlier run');
  return {
    unchanged: compared.filter((image) => image !== undefined),
    changed: requests.filter((_, at) => compared[at] === undefined),
  };
}

async function compare(request: RequestedImage, options: UnchangedOptions): Promise<UnchangedImage | undefined> {
  const known = options.known.get(knownKey({ ...request, source: request.reference }));
  if (known === undefined || options.signal?.aborted === true || !coversWish(known, options)) return undefined;
  try {
    const [upstream, placed] = await Promise.all([
      upstreamDigest(request.reference, options),
      askTarget(known, options),
    ]);
    if (upstream !== (known.narrowedFrom ?? known.digest) || !placed) return undefined;
  } catch {
    return undefined;
  }
  return { ...request, root: { mediaType: known.mediaType, digest: known.digest, size: known.size } };
}

/** What can be told without asking anybody. */
function coversWish(known: KnownImage, { wish, signatures }: UnchangedOptions): boolean {
  if (signatures && (known.signatures === 'not-asked' || known.signatures === 'unknown')) return false;
  if (wish.platforms.length === 0) return known.omitted.length === 0 && known.narrowedFrom === undefined;
  if (wish.require) return false;
  if (known.narrowedFrom !== undefined) return wish.narrow;
  return !wish.narrow || !isIndexType(known.mediaType) || known.source.digest !== undefined;
}

async function upstreamDigest(
  { digest, tag, ...name }: Reference,
  options: UnchangedOptions,
): Promise<Digest | undefined> {
  if (digest !== undefined || tag === undefined) return digest;
  const { signal } = options;
  return (await options.source.repository(name).resolve(tag, { signal })).digest;
}

/** Whether the target's tag stands for the known digest, and for all that is wanted of it now. */
async function askTarget(known: KnownImage, options: UnchangedOptions): Promise<boolean> {
  const { signal } = options;
  const repository = options.target.repository(known.target);
  const wanted = (known.retag ?? known.source).tag ?? known.digest;
  if (known.omitted.length === 0 && known.narrowedFrom === undefined) {
    return (await repository.resolve(wanted, { signal })).digest === known.digest;
  }
  const { bytes, descriptor } = await repository.manifest(wanted, { signal });
  const document = documentOf(bytes, descriptor.mediaType, { algorithm: algorithmOf(known.digest) });
  if (document.descriptor.digest !== known.digest) return false;
  const wants = (platform: Platform): boolean => options.wish.platforms.some((wish) => platformMatches(wish, platform));
  if (known.narrowedFrom === undefined) return omitsNone(document.manifest, { omitted: known.omitted, wants });
  return runsOn(document, { repository, wants, signal });
}

/** True when every omitted digest is a child whose platform is not wanted now either. One inside a nested index cannot be told. */
function omitsNone(
  manifest: ImageManifest | ImageIndex,
  { omitted, wants }: { readonly omitted: readonly Digest[]; readonly wants: (platform: Platform) => boolean },
): boolean {
  const platforms = new Map(childrenOf(manifest).map((child) => [child.digest, child.platform]));
  return omitted.every((digest) => {
    const platform = platforms.get(digest);
    return platform !== undefined && (isUnknownPlatform(platform) || !wants(platform));
  });
}

async function runsOn(
  document: ReturnType<typeof documentOf>,
  options: {
    readonly repository: ReadableRepository;
    readonly wants: (platform: Platform) => boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<boolean> {
  const platform = await platformOf(document, options);
  return platform !== undefined && options.wants(platform);
}
