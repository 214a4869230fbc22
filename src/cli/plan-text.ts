/** A plan as its readers see it: a table, or JSON. Pure. */
import { contentKey, tagKey } from '../copy/survey.ts';
import type { Prepared, ResolveFailure } from '../corridor.ts';
import { printOrigin } from '../input/requested.ts';
import { isUnknownPlatform, printPlatform } from '../oci/platform.ts';
import { printReference } from '../oci/reference.ts';
import { summarise } from '../plan/summary.ts';
import type { ResolvedImage } from '../resolve/resolved.ts';
import { errorFields } from './error-text.ts';
import { counted, printable, sizeText, tableLines } from './report/text.ts';

/** What the target has of an image. `unchanged`: an earlier lock vouches for it and both ends confirm. */
export type ImageState = 'new' | 'partial' | 'present' | 'unchanged';

export function imageState(image: ResolvedImage, prepared: Pick<Prepared, 'survey'>): ImageState {
  const { survey } = prepared;
  const there = [
    ...image.manifests.map((document) => survey.present.has(contentKey(image.target, document.descriptor.digest))),
    ...image.blobs.map((blob) => survey.present.has(contentKey(image.target, blob.digest))),
    ...image.tags.map(({ tag, digest }) => survey.tags.get(tagKey(image.target, tag)) === digest),
  ];
  if (there.every((present) => present)) return 'present';
  return there.some((present) => present) ? 'partial' : 'new';
}

/** Manifests and blobs, each once, in bytes. */
export function imageSize(image: ResolvedImage): number {
  const sizes = new Map<string, number>();
  for (const { descriptor } of image.manifests) sizes.set(descriptor.digest, descriptor.size);
  for (const blob of image.blobs) sizes.set(blob.digest, blob.size);
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** Platforms that will be copied, as their index names them; empty for a single manifest. */
export function imagePlatforms(image: ResolvedImage): string[] {
  const root = image.manifests.find((document) => document.descriptor.digest === image.root.digest);
  if (root === undefined || root.manifest.kind !== 'index')
    return image.root.platform === undefined ? [] : [printPlatform(image.root.platform)];
  const omitted = new Set<string>(image.omitted.map((child) => child.digest));
  const platforms = root.manifest.manifests.flatMap((child) =>
    child.platform === undefined || isUnknownPlatform(child.platform) || omitted.has(child.digest)
      ? []
      : [printPlatform(child.platform)],
  );
  return [...new Set(platforms)];
}

/** The table, its notices, what failed, and the totals. */
export function planLines(prepared: Prepared): string[] {
  const { plan } = prepared;
  const rows = [...plan.images.map((image) => imageRow(image, prepared)), ...plan.unchanged.map(unchangedRow)];
  const keepsNames = rows.every(([source, target]) => source === target);
  const header = ['IMAGE', 'TARGET', 'SIZE', 'PLATFORMS', 'STATE'];
  const table = [header, ...rows].map((row) => (keepsNames ? row.filter((_, column) => column !== 1) : row));
  const right = keepsNames ? [1, 2] : [2, 3];
  return [
    ...(rows.length === 0 ? [] : [...tableLines(table, { right }), '']),
    ...noticeLines(prepared),
    ...failureLines(prepared.failures),
    ...totalLines(prepared),
  ];
}

function imageRow(image: ResolvedImage, prepared: Prepared): string[] {
  const platforms = imagePlatforms(image).length;
  return [
    printReference(image.reference),
    printReference(image.target),
    sizeText(imageSize(image)),
    platforms === 0 ? '1' : String(platforms),
    imageState(image, prepared),
  ];
}

function unchangedRow(image: Prepared['plan']['unchanged'][number]): string[] {
  return [printReference(image.reference), printReference(image.target), '-', '-', 'unchanged'];
}

function noticeLines(prepared: Prepared): string[] {
  const lines = summarise(prepared.plan).notices.map(
    ({ image, notice }) => `note: ${printable(image)}: ${printable(notice.message)}`,
  );
  return lines.length === 0 ? [] : [...lines, ''];
}

function failureLines(failures: readonly ResolveFailure[]): string[] {
  if (failures.length === 0) return [];
  const lines = failures.map(({ image, error }) => `  ${printReference(image.reference)}: ${printable(error.message)}`);
  return [`${counted(failures.length, 'image')} cannot be resolved:`, ...lines, ''];
}

function totalLines(prepared: Prepared): string[] {
  const { totals } = prepared.work;
  const { images, unchanged } = prepared.plan;
  const summary = summarise(prepared.plan);
  const rows: string[][] = [
    ['images', `${images.length + unchanged.length}${unchanged.length === 0 ? '' : `, ${unchanged.length} unchanged`}`],
  ];
  if (images.length > 0) {
    rows.push([
      'content',
      `${counted(totals.blobs, 'unique blob')}, ${sizeText(totals.bytes)}; ${counted(totals.manifests, 'manifest')}`,
    ]);
  }
  rows.push(['to move', moveText(totals)]);
  if (totals.mounts > 0)
    rows.push([
      'to mount',
      `${blobText(totals.mounts, totals.mountBytes)}: taken from other repositories of the target`,
    ]);
  if (totals.presentBlobs > 0) rows.push(['already there', blobText(totals.presentBlobs, totals.presentBytes)]);
  const saved = summary.bytesWithoutReuse - summary.uniqueBytes;
  if (saved > 0) rows.push(['saved by sharing', sizeText(saved)]);
  return tableLines(rows);
}

function moveText({ moveBlobs, moveBytes, mounts, missingManifests, missingTags }: Prepared['work']['totals']): string {
  if (moveBlobs + mounts + missingManifests + missingTags === 0) return 'nothing: everything is in place';
  return `${blobText(moveBlobs, moveBytes)}; ${counted(missingManifests, 'manifest')}, ${counted(missingTags, 'tag')}`;
}

function blobText(blobs: number, bytes: number): string {
  return `${counted(blobs, 'blob')}, ${sizeText(bytes)}`;
}

/** The plan for programs; nothing in it is secret. */
export function planFields(prepared: Prepared): Readonly<Record<string, unknown>> {
  const summary = summarise(prepared.plan);
  return {
    images: prepared.plan.images.map((image) => ({
      source: printReference(image.reference),
      target: printReference(image.target),
      digest: image.root.digest,
      mediaType: image.root.mediaType,
      size: imageSize(image),
      platforms: imagePlatforms(image),
      manifests: image.manifests.length,
      blobs: image.blobs.length,
      state: imageState(image, prepared),
      signatures: image.signatures,
      notices: image.notices,
      origins: image.origins.map(printOrigin),
    })),
    unchanged: prepared.plan.unchanged.map((image) => ({
      source: printReference(image.reference),
      target: printReference(image.target),
      digest: image.root.digest,
      origins: image.origins.map(printOrigin),
    })),
    failures: prepared.failures.map(failureFields),
    totals: { ...prepared.work.totals, bytesWithoutReuse: summary.bytesWithoutReuse },
  };
}

export function failureFields({ image, error }: ResolveFailure): Readonly<Record<string, unknown>> {
  return {
    source: printReference(image.reference),
    origins: image.origins.map(printOrigin),
    error: errorFields(error),
  };
}
