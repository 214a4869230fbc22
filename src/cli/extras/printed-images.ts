/** Images beside those of a release, for a list that is printed. */
import { parseReferences } from '../../input/list.ts';
import type { RequestedReference } from '../../input/requested.ts';
import { printReference } from '../../oci/reference.ts';
import type { Context } from '../context.ts';
import type { GatheredInputs } from '../inputs.ts';
import { openSource } from '../open.ts';
import { selectedImages } from '../releases/release-images.ts';
import { inSession } from '../session.ts';
import type { Settings } from '../settings.ts';
import { catalogueRegistries, withCatalogueImages, withExtraImages } from './extra-images.ts';
import { needsCatalogues, refuseLoneExtras } from './settings.ts';

/** As origins name a release. */
const defaultOf = 'talos release';

/** What is printed after the images of the release, sorted, and what is to be said of it. */
export interface PrintedImages {
  readonly images: readonly string[];
  readonly notes: readonly string[];
  /** What the list may lack. */
  readonly warnings: readonly string[];
}

/**
 * Extensions, overlays, installers of schematics and what machine configurations name. The source is opened only where catalogues have to be read. Gives the
 * status of a run that failed where it failed: the reason has been told. Throws ERR_USAGE and ERR_INPUT_INVALID.
 */
export async function printedExtras(settings: Settings, context: Context): Promise<PrintedImages | number> {
  refuseLoneExtras(settings);
  const extra = await withExtraImages(ofRelease(settings), settings);
  const shown = ({ requests, notices, warnings = [] }: GatheredInputs): PrintedImages => ({
    images: requests.filter(isExtra).map(({ reference }) => printReference(reference)),
    notes: notices,
    warnings,
  });
  if (!needsCatalogues(settings.extras)) return shown(extra);
  let gathered: GatheredInputs = extra;
  const status = await inSession({ settings, context }, async (session) => {
    const source = await openSource(session, catalogueRegistries(settings));
    try {
      gathered = await withCatalogueImages(extra, { session, source: source.store });
      return 0;
    } finally {
      await source.close();
    }
  });
  return status === 0 ? shown(gathered) : status;
}

/** What the release has by default, for what is said of a configuration that differs. */
function ofRelease(settings: Settings): GatheredInputs {
  const { talos } = settings;
  const release = talos === undefined ? undefined : selectedImages({ ...settings, talos });
  const requests = (release?.images ?? []).flatMap(({ reference }) => parseReferences(defaultOf, [reference]));
  return { requests, locks: [], notices: [], talos, upgrade: undefined };
}

function isExtra({ origins }: RequestedReference): boolean {
  return origins.some(({ document }) => document !== defaultOf);
}
