/** The catalogue file is written: what it said before stays, but for what is said anew. */
import { existsSync, readFileSync } from 'node:fs';
import { printCatalogue } from '../../talos/catalogue-file.ts';
import { builtInCatalogue, type TalosCatalogue, withOverlay } from '../../talos/releases.ts';
import { writeFileAtomic } from '../files.ts';
import { usageError } from '../values.ts';
import { type CatalogueFile, readCatalogueFile } from './catalogue-source.ts';

/** A catalogue that says nothing. */
export const nothingKnown: TalosCatalogue = { releases: new Map(), minors: new Map(), kubernetes: [] };

/** Adds to the file, which is made where it is not there. Throws ERR_USAGE for one that is written by hand in YAML. */
export async function addToCatalogueFile(file: CatalogueFile, more: Partial<TalosCatalogue>): Promise<void> {
  refuseYaml(file);
  const own = readCatalogueFile(file) ?? nothingKnown;
  await writeFileAtomic(file.path, printCatalogue(withOverlay(own, { ...nothingKnown, ...more })));
}

/** What is built in and what the file says, which may be new. */
export function knownWith(file: CatalogueFile): TalosCatalogue {
  return withOverlay(builtInCatalogue, readCatalogueFile(file) ?? nothingKnown);
}

/** Comments of a YAML file would be lost. */
function refuseYaml({ path, name }: CatalogueFile): void {
  const isYaml = /\.ya?ml$/i.test(path) || (existsSync(path) && !isJson(readFileSync(path, 'utf8')));
  if (!isYaml) return;
  throw usageError(
    `Cannot write catalogue ${JSON.stringify(name)}: it is YAML, and is written by hand`,
    'name another file with --catalogue, or add what is printed with --json',
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
