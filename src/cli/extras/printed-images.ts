/** Images beside those of a release, for a list that is printed. */
import { printReference } from '../../oci/reference.ts';
import type { Context } from '../context.ts';
import type { GatheredInputs } from '../inputs.ts';
import { openSource } from '../open.ts';
import { inSession } from '../session.ts';
import type { Settings } from '../settings.ts';
import { catalogueRegistries, withCatalogueImages, withExtraImages } from './extra-images.ts';
import { needsCatalogues, refuseLoneExtras } from './settings.ts';

/** What is printed after the images of the release, sorted, and what is to be said of it. */
export interface PrintedImages {
  readonly images: readonly string[];
  readonly notes: readonly string[];
}

const nothing: GatheredInputs = { requests: [], locks: [], notices: [], talos: undefined, upgrade: undefined };

/**
 * Extensions, overlays and installers of schematics. The source is opened only where catalogues have to be read. Gives the
 * status of a run that failed where it failed: the reason has been told. Throws ERR_USAGE and ERR_INPUT_INVALID.
 */
export async function printedExtras(settings: Settings, context: Context): Promise<PrintedImages | number> {
  refuseLoneExtras(settings);
  const extra = await withExtraImages(nothing, settings);
  const shown = (gathered: GatheredInputs): PrintedImages => ({
    images: gathered.requests.map(({ reference }) => printReference(reference)),
    notes: gathered.notices,
  });
  if (!needsCatalogues(settings.extras)) return shown(extra);
  let gathered = extra;
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
