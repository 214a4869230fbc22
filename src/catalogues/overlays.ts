/** The catalogue of board overlays of a release (siderolabs/overlays, internal/overlays/overlays.yaml). */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import type { CallOptions, Source } from '../store/store.ts';
import { isSinceMinor, printTalosVersion, type TalosVersion } from '../talos/version.ts';
import { plainYaml } from '../yaml/plain.ts';
import type { CatalogueEntry } from './entry.ts';
import { readEntry } from './extensions.ts';
import { catalogueError, fileText, readImageFiles } from './image-files.ts';

const file = 'overlays.yaml';
/** Most entries of a catalogue; releases have about thirty. */
const mostEntries = 10_000;

/** `ghcr.io/siderolabs/overlays:v1.14.4`. Throws ERR_USAGE before 1.7, which has no overlays. */
export function overlayCatalogue(version: TalosVersion): Reference {
  const tag = printTalosVersion(version);
  if (isSinceMinor(version, 7)) return parseReference(`ghcr.io/siderolabs/overlays:${tag}`);
  throw new AirgapError('ERR_USAGE', `Cannot list the overlays of Talos "${tag}": there are none before 1.7`);
}

/**
 * Every overlay of the release, in the catalogue's order; several names share an image. Throws ERR_PROTOCOL naming image,
 * file and entry for what is no catalogue, and what the source throws.
 */
export async function readOverlayCatalogue(
  source: Source,
  version: TalosVersion,
  options: CallOptions = {},
): Promise<CatalogueEntry[]> {
  const image = overlayCatalogue(version);
  const files = await readImageFiles(source, image, { ...options, wanted: [file] });
  const list = listIn(image, fileText(files, { image, file }));
  if (list.length === 0) throw catalogueError(image, `"${file}" lists no image`);
  return list.map((item, index) => {
    const { name, image: repository, digest } = fieldsOf(item);
    const place = `entry ${index + 1} of "${file}"`;
    if (name === undefined || !/^[A-Za-z0-9._-]{1,100}$/.test(name))
      throw catalogueError(image, `${place} has no name that could be asked for: ${quoteText(name ?? '', 80)}`);
    const text = `${repository ?? ''}@${digest ?? ''}`;
    return { name, reference: readEntry(image, { text, place }), description: '' };
  });
}

function listIn(image: Reference, text: string): readonly unknown[] {
  const document = plainYaml(text, {
    schema: 'core',
    refuse: (state) => catalogueError(image, `"${file}" is no YAML (${quoteText(state, 80)})`),
  });
  const list: unknown =
    typeof document === 'object' && document !== null && 'overlays' in document ? document.overlays : undefined;
  if (!Array.isArray(list)) throw catalogueError(image, `"${file}" has no list named "overlays"`);
  if (list.length > mostEntries) throw catalogueError(image, `"${file}" has more than ${mostEntries} entries`);
  return list;
}

function fieldsOf(item: unknown): Partial<Record<'name' | 'image' | 'digest', string>> {
  if (typeof item !== 'object' || item === null) return {};
  const texts = Object.entries(item).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}
