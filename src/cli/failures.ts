/** The images that failed in a run, with everything known about why. Pure. */
import type { MirrorResult } from '../corridor.ts';
import { AirgapError, isAirgapError } from '../errors.ts';
import { printOrigin, type RequestedImage } from '../input/requested.ts';
import { printAsked } from '../oci/retag.ts';
import { emptySchematic } from '../talos/catalogue.ts';
import { errorLines, originWords } from './error-text.ts';
import { grouped } from './report/grouped.ts';
import { imageName, printable } from './report/text.ts';

export interface Failure {
  readonly image: RequestedImage;
  /** Names the image and who asked for it. */
  readonly error: AirgapError;
}

/** What could not be resolved and, after a copy, what could not be copied; sorted by image. */
export function failuresOf(result: Pick<MirrorResult, 'failures'> & Partial<Pick<MirrorResult, 'receipt'>>): Failure[] {
  const copied = (result.receipt?.images ?? []).flatMap((image) =>
    image.status === 'failed' ? [{ image: image.image, error: image.error }] : [],
  );
  return [...result.failures, ...copied]
    .map(({ image, error }) => ({
      image,
      error: ofCatalogue(ofSchematic(error, image), image).with({
        reference: printAsked(image),
        origins: image.origins.map(printOrigin),
      }),
    }))
    .sort((a, b) => (printAsked(a.image) < printAsked(b.image) ? -1 : 1));
}

/** A factory that is asked for a schematic it was never given answers as if there were no such image. */
function ofSchematic(error: AirgapError, { reference }: RequestedImage): AirgapError {
  const isInstaller = /^(?:[a-z0-9-]+-)?installer(?:-secureboot)?\/[0-9a-f]{64}$/.test(reference.repository);
  if (!isInstaller || error.code !== 'ERR_NOT_FOUND' || reference.repository.endsWith(emptySchematic)) return error;
  const { code, message, cause, retryable } = error;
  const hint = `the Image Factory must have been given the schematic: curl -X POST --data-binary @SCHEMATIC.yaml https://${reference.registry}/schematics`;
  return new AirgapError(code, message, { cause, retryable, hint }).with(error);
}

/** A digest out of a catalogue is one build of many under its tag: a source that was filled by tags need not have it. */
function ofCatalogue(error: AirgapError, { reference, origins }: RequestedImage): AirgapError {
  const isListed = origins.some(({ document }) => /^ghcr\.io\/siderolabs\/(?:extensions|overlays):/.test(document));
  if (!isListed || error.code !== 'ERR_NOT_FOUND' || reference.digest === undefined) return error;
  return error.with({
    hint: 'the catalogue lists this very build: it has to be read from where it is kept by its digest, whatever its tag names now',
  });
}

/** Every failure; images that failed for one and the same reason stand in one. */
export function failureLines(failures: readonly Failure[]): string[] {
  return grouped(failures, reasonOf).flatMap(groupLines);
}

/** Of a host that cannot be asked, whatever was wanted of it: it is told once, with the first. */
function reasonOf({ error: { code, message, hint } }: Failure): string {
  const isOfHost = code === 'ERR_UNREACHABLE' || code === 'ERR_UNAUTHORIZED';
  return `${code} ${isOfHost ? message.replace(/^[^"]*"[^"]*"/, '') : message} ${hint}`;
}

function groupLines(group: readonly Failure[]): string[] {
  const [first, ...others] = group;
  if (first === undefined) return [];
  if (others.length === 0) return errorLines(first.error);
  return errorLines(first.error, {
    images: group.map(
      ({ image, error }) => `${imageName(printAsked(image))} (${error.origins.map(originWords).join(', ')})`,
    ),
  });
}

/** A list that can be given to airgap again; why stands in comments. */
export function failedListText(failures: readonly Failure[]): string {
  if (failures.length === 0) return '# no image failed\n';
  return failures
    .map(({ image, error }) => `# ${printable(error.message.split('\n')[0] ?? '')}\n${printAsked(image)}\n`)
    .join('');
}

/** For `catch` where only the target can be the cause: a disk does not know which end it is. Throws what it is given, with that end where none was known. */
export function atTarget(error: unknown): never {
  throw isAirgapError(error) && error.code !== 'ERR_UNSUPPORTED' ? error.with({ end: 'target' }) : error;
}
