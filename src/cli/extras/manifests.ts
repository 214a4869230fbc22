/** Images of the manifests that machine configurations carry for Kubernetes. */
import { isAirgapError, type Origin, printOrigin } from '../../errors.ts';
import type { RequestedReference } from '../../input/requested.ts';
import type { ConfigText } from '../../node/read-config.ts';
import { type CarriedManifest, readManifests } from '../../node/read-manifests.ts';
import { parseReference, type Reference } from '../../oci/reference.ts';
import { counted, printable } from '../report/text.ts';

export interface ManifestImages {
  readonly requests: readonly RequestedReference[];
  /** What was taken of each manifest. */
  readonly notices: readonly string[];
  /** What was not, and has to be given in another way. */
  readonly warnings: readonly string[];
}

/** The images containers are made of, at the line of their manifest. Throws ERR_INPUT_INVALID as readNodeConfig(). */
export function manifestImages(texts: readonly ConfigText[]): ManifestImages {
  const parts = readManifests(texts).map(imagesOf);
  return {
    requests: parts.flatMap(({ requests }) => requests),
    notices: parts.flatMap(({ notices }) => notices),
    warnings: parts.flatMap(({ warnings }) => warnings),
  };
}

function imagesOf(manifest: CarriedManifest): ManifestImages {
  const { what, name, origin, images } = manifest;
  const called = name === '' ? '' : `${JSON.stringify(printable(name))} `;
  const shown = `the ${what} ${called}(${printOrigin(origin)})`;
  if (images === undefined) {
    const warning = `not read: ${shown} is no YAML: give the images it names in a list of their own`;
    return { requests: [], notices: [], warnings: [warning] };
  }
  const read = images.pulled.map((image) => readImage(image, origin));
  const requests = read.flatMap(({ request }) => (request === undefined ? [] : [request]));
  const bad = read.flatMap(({ state }) =>
    state === undefined ? [] : [`${shown} has a container of no image: ${state}`],
  );
  const others = images.other.flatMap((image) => (isFull(image) ? [printable(image)] : []));
  const untaken =
    others.length === 0
      ? []
      : [`not taken: ${shown} names ${others.join(', ')} outside of containers: give it in a list if it is an image`];
  const taken = requests.length === 0 ? [] : [`${shown} names ${counted(requests.length, 'image')}`];
  return { requests, notices: taken, warnings: [...bad, ...untaken] };
}

function readImage(image: string, origin: Origin): { readonly request?: RequestedReference; readonly state?: string } {
  try {
    return { request: { reference: parseReference(image), origins: [origin] } };
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    return { state: error.message.replace(/^Cannot read reference /, '') };
  }
}

/** With registry and tag or digest: a secret that stands under such a key is told by nobody. */
function isFull(image: string): boolean {
  if (image.length > 300 || !/^[^/]*[.:][^/]*\//.test(image)) return false;
  let reference: Reference;
  try {
    reference = parseReference(image);
  } catch (error) {
    if (isAirgapError(error)) return false;
    throw error;
  }
  return reference.digest !== undefined || /:[^/]*$/.test(image);
}
