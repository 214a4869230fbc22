/** A plan as its readers see it: a table, or JSON. Pure. */
import { contentKey, tagKey } from '../copy/survey.ts';
import type { Prepared, ResolveFailure } from '../corridor.ts';
import { printOrigin } from '../input/requested.ts';
import { isUnknownPlatform, printPlatform } from '../oci/platform.ts';
import { printReference } from '../oci/reference.ts';
import { printAsked, printRetag } from '../oci/retag.ts';
import { summarise } from '../plan/summary.ts';
import type { ResolvedImage } from '../resolve/resolved.ts';
import { errorFields } from './error-text.ts';
import { counted, imageName, printable, sizeText, tableLines, tableWidth } from './report/text.ts';

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

/** The table, its notices and the totals, with `more` rows at their end. In less than `columns` the table does without targets, and shortens names. */
export function planLines(
  prepared: Prepared,
  options: { readonly columns?: number | undefined; readonly more?: readonly string[][] } = {},
): string[] {
  const { columns, more = [] } = options;
  const { plan, failures } = prepared;
  const rows = [
    ...plan.images.map((image) => imageRow(image, prepared)),
    ...plan.unchanged.map(unchangedRow),
    ...failures.map(failureRow),
  ];
  const table = [['IMAGE', 'TARGET', 'SIZE', 'PLATFORMS', 'STATE'], ...rows];
  const keepsNames = rows.every(([source, target]) => source === target);
  const isNarrow = columns !== undefined && tableWidth(table) > columns;
  const shown = keepsNames || isNarrow ? table.map((row) => row.filter((_, column) => column !== 1)) : table;
  const right = keepsNames || isNarrow ? [1, 2] : [2, 3];
  return [
    ...(rows.length === 0 ? [] : [...tableLines(shown, { right, columns }), '']),
    ...noticeLines(prepared),
    ...tableLines([...totalRows(prepared, keepsNames), ...more]),
  ];
}

function imageRow(image: ResolvedImage, prepared: Prepared): string[] {
  const platforms = imagePlatforms(image).length;
  return [
    imageName(printAsked(image)),
    imageName(printReference(image.target)),
    sizeText(imageSize(image)),
    platforms === 0 ? '1' : String(platforms),
    imageState(image, prepared),
  ];
}

function unchangedRow(image: Prepared['plan']['unchanged'][number]): string[] {
  return [imageName(printAsked(image)), imageName(printReference(image.target)), '-', '-', 'unchanged'];
}

/** Why stands in the error, which is told at the end. */
function failureRow({ image, error }: ResolveFailure): string[] {
  const state = error.code === 'ERR_NOT_FOUND' ? 'not found' : 'failed';
  return [imageName(printAsked(image)), imageName(printReference(image.target)), '-', '-', state];
}

/** Notices name their image themselves. */
function noticeLines(prepared: Prepared): string[] {
  const lines = summarise(prepared.plan).notices.map(({ notice }) => `note: ${printable(notice.message)}`);
  return lines.length === 0 ? [] : [...new Set(lines), ''];
}

/** Where names are kept, repositories share content by themselves: nothing is mounted. */
function totalRows(prepared: Prepared, keepsNames: boolean): string[][] {
  const { totals } = prepared.work;
  const { images } = prepared.plan;
  const summary = summarise(prepared.plan);
  const rows: string[][] = [['images', countText(prepared)]];
  if (images.length > 0) {
    rows.push([
      'content',
      `${counted(totals.blobs, 'unique blob')}, ${sizeText(totals.bytes)}; ${counted(totals.manifests, 'manifest')}`,
    ]);
  }
  rows.push(['to move', moveText(prepared)]);
  if (totals.mounts > 0 && !keepsNames)
    rows.push([
      'to mount',
      `${blobText(totals.mounts, totals.mountBytes)}: taken from other repositories of the target`,
    ]);
  if (totals.presentBlobs > 0) rows.push(['already there', blobText(totals.presentBlobs, totals.presentBytes)]);
  const saved = summary.bytesWithoutReuse - summary.uniqueBytes;
  if (saved > 0) rows.push(['saved by sharing', sizeText(saved)]);
  return rows;
}

function countText({ plan, failures }: Prepared): string {
  const total = plan.images.length + plan.unchanged.length + failures.length;
  const unchanged = plan.unchanged.length === total ? 'all' : plan.unchanged.length;
  return [
    String(total),
    ...(plan.unchanged.length === 0 ? [] : [`${unchanged} unchanged`]),
    ...(failures.length === 0 ? [] : [`${failures.length} cannot be resolved`]),
  ].join(', ');
}

function moveText({ work, failures }: Prepared): string {
  const { moveBlobs, moveBytes, mounts, missingManifests, missingTags } = work.totals;
  if (moveBlobs + mounts + missingManifests + missingTags === 0)
    return failures.length === 0 ? 'nothing: everything is in place' : 'nothing';
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
      ...(image.retag && { retag: printRetag(image.retag) }),
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
