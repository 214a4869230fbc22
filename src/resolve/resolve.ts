/** The second room: requested images become resolved ones. Every image is tried; what fails is told beside what did not. */
import { limitTo } from '../async/limit.ts';
import { type AirgapError, printOrigin, toAirgapError } from '../errors.ts';
import type { EventSink } from '../events.ts';
import type { RequestedImage } from '../input/requested.ts';
import { printAsked } from '../oci/retag.ts';
import type { Source } from '../store/store.ts';
import type { SparseQuestion } from './choice.ts';
import { type ImageOptions, resolveImage } from './image.ts';
import { ManifestReader } from './manifests.ts';
import type { PlatformWish, ResolvedImage } from './resolved.ts';
import { SignatureFinder } from './signatures.ts';

export interface ResolveOptions {
  readonly source: Source;
  /** No platforms means everything. */
  readonly wish: PlatformWish;
  /** Whether signatures and referrers are looked for. */
  readonly signatures: boolean;
  /** Whether foreign layers are taken from the registry. Default false. */
  readonly includeForeign?: boolean;
  /** Images at once. Default 16; requests are limited at the transport. */
  readonly concurrency?: number;
  /** Asked when platforms leave something out. Default: every target takes it. */
  readonly sparse?: SparseQuestion | undefined;
  /** Called as soon as an image is known, in no order. */
  readonly onResolved?: ((image: ResolvedImage) => void) | undefined;
  /** Tags of a repository that are listed in search of signatures. Default 100 000. */
  readonly tagLimit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly events?: EventSink | undefined;
}

export interface ResolveResult {
  /** In the order they were asked for. */
  readonly images: readonly ResolvedImage[];
  /** In the order they were asked for; each error names the image and who asked. */
  readonly failures: readonly { readonly image: RequestedImage; readonly error: AirgapError }[];
}

type Outcome = { readonly resolved: ResolvedImage } | { readonly image: RequestedImage; readonly error: AirgapError };

/**
 * Reads what the source has for these images: every manifest once per run, one request for each tag, none for blobs but
 * configs that must tell a platform. Throws only when `signal` ends it (ERR_INTERRUPTED, or the error it was aborted with).
 */
export async function resolveImages(
  requests: readonly RequestedImage[],
  options: ResolveOptions,
): Promise<ResolveResult> {
  const { events, signal } = options;
  const image = imageOptions(options);
  const slots = limitTo(options.concurrency ?? 16);
  const aborted = (): boolean => signal?.aborted === true;
  let done = 0;
  const one = async (request: RequestedImage): Promise<Outcome | undefined> => {
    if (aborted()) return undefined;
    const outcome = await attempt(request, image);
    if (aborted()) return undefined;
    done += 1;
    if ('error' in outcome) {
      const { code, message } = outcome.error;
      events?.({ type: 'resolve:failed', image: printAsked(request), code, message });
    } else {
      options.onResolved?.(outcome.resolved);
    }
    events?.({ type: 'resolve:progress', done, total: requests.length });
    return outcome;
  };
  const outcomes = await Promise.all(requests.map((request) => slots(() => one(request))));
  if (aborted()) throw toAirgapError(signal?.reason, 'ERR_INTERRUPTED', 'Cannot resolve images');
  return sorted(outcomes);
}

function imageOptions(options: ResolveOptions): ImageOptions {
  const { source, signal, wish, sparse, tagLimit } = options;
  const reader = new ManifestReader({ source, signal });
  const signatures = options.signatures ? new SignatureFinder({ source, reader, signal, tagLimit }) : undefined;
  return { source, reader, signatures, wish, sparse, signal, includeForeign: options.includeForeign ?? false };
}

async function attempt(request: RequestedImage, options: ImageOptions): Promise<Outcome> {
  try {
    return { resolved: await resolveImage(request, options) };
  } catch (thrown) {
    const reference = printAsked(request);
    const error = toAirgapError(thrown, 'ERR_PROTOCOL', `Cannot resolve "${reference}"`);
    return {
      image: request,
      error: error.with({ end: 'source' }).forImage(reference, request.origins.map(printOrigin)),
    };
  }
}

function sorted(outcomes: readonly (Outcome | undefined)[]): ResolveResult {
  const images: ResolvedImage[] = [];
  const failures: { image: RequestedImage; error: AirgapError }[] = [];
  for (const outcome of outcomes) {
    if (outcome === undefined) continue;
    if ('resolved' in outcome) images.push(outcome.resolved);
    else failures.push(outcome);
  }
  return { images, failures };
}
