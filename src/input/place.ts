/** Every request gets the place where it is to live. */
import { AirgapError } from '../errors.ts';
import { type MirrorRule, placeImage } from '../mirror/rule.ts';
import { isRepositoryPath, maxNameLength } from '../oci/reference.ts';
import { printAsked } from '../oci/retag.ts';
import { printOrigin, type RequestedImage, type RequestedReference } from './requested.ts';

/**
 * Places requests by the rule, in their order; tag and digest stay, but for the tag of a retag. Throws ERR_INPUT_INVALID naming every request whose
 * repository would become longer than registries take. References that meet in one place are found by the plan, which knows digests.
 */
export function placeImages(rule: MirrorRule, requests: readonly RequestedReference[]): RequestedImage[] {
  const images = requests.map((request) => ({
    ...request,
    target: {
      ...request.reference,
      ...placeImage(rule, { source: request.reference, retag: request.retag }),
      ...(request.retag?.tag && { tag: request.retag.tag }),
    },
  }));
  const tooLong = images.filter(({ target }) => !isRepositoryPath(target.repository));
  if (tooLong.length > 0) throw unplaceable(tooLong);
  return images;
}

function unplaceable(images: readonly RequestedImage[]): AirgapError {
  const lines = images.map((image) => `  ${image.origins.map(printOrigin).join(', ')}: ${describe(image)}`);
  const summary = `Cannot place ${images.length === 1 ? '1 image' : `${images.length} images`} at the target: the repository would be no valid name`;
  return new AirgapError('ERR_INPUT_INVALID', [summary, ...lines].join('\n'), {
    origins: images.flatMap(({ origins }) => origins.map(printOrigin)),
    hint: `choose a shorter prefix: a repository has at most ${maxNameLength} characters`,
  });
}

function describe(image: RequestedImage): string {
  return `${printAsked(image)} would be placed in a repository of ${image.target.repository.length} characters`;
}
