/** Which releases a run knows: those built in, and those of the catalogue file. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isAirgapError } from '../../errors.ts';
import { maxCatalogueBytes, parseCatalogue } from '../../talos/catalogue-file.ts';
import { builtInCatalogue, type TalosCatalogue, withOverlay } from '../../talos/releases.ts';
import type { Context } from '../context.ts';
import { readError } from '../files.ts';
import { type Flags, textFlag } from '../flags.ts';
import { nonEmpty } from '../settings-parts.ts';
import { usageError } from '../values.ts';

/** Read without being named where it is in the working directory. */
export const defaultCatalogueFile = 'airgap-catalogue.json';

export interface CatalogueFile {
  /** Absolute. */
  readonly path: string;
  /** As it was given. */
  readonly name: string;
  /** Named on the command line or in AIRGAP_CATALOGUE. */
  readonly given: boolean;
}

type Place = Pick<Context, 'env' | 'cwd'>;

/** The file named with --catalogue, else in AIRGAP_CATALOGUE, else airgap-catalogue.json of the working directory. */
export function catalogueFile(flags: Flags, { env, cwd }: Place): CatalogueFile {
  const given = textFlag(flags, 'catalogue') ?? nonEmpty(env.AIRGAP_CATALOGUE);
  if (given === '')
    throw usageError('Cannot read --catalogue "": it is empty', 'for example --catalogue airgap-catalogue.json');
  const name = given ?? defaultCatalogueFile;
  return { path: resolve(cwd, name), name, given: given !== undefined };
}

/** What the file says alone; undefined where there is none. Throws ERR_INPUT_INVALID for one that cannot be read. */
export function readCatalogueFile({ path, name }: Pick<CatalogueFile, 'path' | 'name'>): TalosCatalogue | undefined {
  if (!existsSync(path)) return undefined;
  try {
    const stats = statSync(path);
    // Neither a device nor a pipe: it would be waited for without end.
    if (!stats.isFile()) throw usageError(`Cannot read catalogue ${JSON.stringify(name)}: it is no file`);
    // One byte more is enough to be refused; a file that grows meanwhile is refused as well.
    if (stats.size > maxCatalogueBytes) return parseCatalogue(name, new Uint8Array(maxCatalogueBytes + 1));
    return parseCatalogue(name, readFileSync(path));
  } catch (error) {
    throw isAirgapError(error) ? error : readError(error, name);
  }
}

/** Everything that is known: what is built in and what the file says. Throws ERR_INPUT_INVALID where a file that was named is not there. */
export function knownReleases(flags: Flags, place: Place): TalosCatalogue {
  const file = catalogueFile(flags, place);
  const own = readCatalogueFile(file);
  if (own !== undefined) return withOverlay(builtInCatalogue, own);
  if (!file.given) return builtInCatalogue;
  throw readError(Object.assign(new Error(), { code: 'ENOENT' }), file.name);
}
