/** The copy room: a plan becomes a receipt. Blobs, then manifests children first, then referrers, then tags. */
import { type EventSink, noEvents } from '../events.ts';
import { printAsked } from '../oci/retag.ts';
import type { Plan } from '../plan/plan.ts';
import type { Source, Target } from '../store/store.ts';
import { BlobCopier } from './blobs.ts';
import { type CopyContext, Hopeless } from './context.ts';
import { ImageCopier } from './images.ts';
import { Meters } from './meter.ts';
import { ExtraStreams } from './ranges.ts';
import type { CopyTotals, ImageReceipt, Receipt } from './receipt.ts';
import { type CopySettings, defaultCopySettings, noUploadMemory, type UploadMemory } from './settings.ts';
import type { SurveyAnswers } from './survey.ts';
import type { Work } from './work.ts';

export interface CopyOptions {
  readonly source: Source;
  readonly target: Target;
  readonly survey: SurveyAnswers;
  readonly work: Work;
  readonly settings?: Partial<CopySettings>;
  readonly uploads?: UploadMemory | undefined;
  readonly events?: EventSink;
  readonly signal?: AbortSignal | undefined;
  /** Called for each image as soon as it is complete or failed. */
  readonly onImage?: (receipt: ImageReceipt) => void;
}

/** Copies what is missing. One failing image does not stop the others; nothing is thrown but defects. */
export async function copyPlan(plan: Plan, options: CopyOptions): Promise<Receipt> {
  const context = contextOf(options);
  const { totals } = options.work;
  context.events({ type: 'copy:start', images: plan.images.length, blobs: totals.moveBlobs, bytes: totals.moveBytes });
  const blobs = new BlobCopier(options.work, { context, imageOf: firstImages(plan) });
  const images = new ImageCopier({ context, board: blobs.board, survey: options.survey });
  const copying = blobs.run();
  const receipts = await Promise.all(
    plan.images.map(async (image) => {
      const receipt = await images.copy(image);
      options.onImage?.(receipt);
      return receipt;
    }),
  );
  await copying;
  const known = { work: options.work, manifests: images.manifests, fetchedBytes: context.meters.bytes };
  return { images: receipts, totals: await totalsOf(blobs, known) };
}

function contextOf(options: CopyOptions): CopyContext {
  const settings = { ...defaultCopySettings, ...options.settings };
  return {
    source: options.source,
    target: options.target,
    settings,
    uploads: options.uploads ?? noUploadMemory,
    meters: new Meters(),
    extra: new ExtraStreams(settings.rangeStreams),
    events: options.events ?? noEvents,
    signal: options.signal,
    hopeless: new Hopeless(),
  };
}

/** The first image that needs each blob, for messages. */
function firstImages(plan: Plan): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const image of plan.images) {
    for (const { digest } of image.blobs) if (!first.has(digest)) first.set(digest, printAsked(image));
  }
  return first;
}

async function totalsOf(
  blobs: BlobCopier,
  known: { readonly work: Work; readonly manifests: number; readonly fetchedBytes: number },
): Promise<CopyTotals> {
  const sums = { copiedBlobs: 0, copiedBytes: 0, mountedBlobs: 0, mountedBytes: 0, presentBlobs: 0, presentBytes: 0 };
  for (const { descriptor, present, missing } of known.work.blobs) {
    for (const repository of [...present, ...missing]) {
      const outcome = await blobs.board.outcome(repository, descriptor.digest).catch(() => undefined);
      if (outcome === undefined) continue;
      sums[`${outcome}Blobs`] += 1;
      sums[`${outcome}Bytes`] += descriptor.size;
    }
  }
  return { ...sums, manifests: known.manifests, fetchedBytes: known.fetchedBytes };
}
