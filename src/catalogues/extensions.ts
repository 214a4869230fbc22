/** The catalogue of system extensions of a release (siderolabs/extensions, internal/extensions/pkg.yaml). */
import { AirgapError, isAirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import type { CallOptions, Source } from '../store/store.ts';
import { printTalosVersion, type TalosVersion } from '../talos/version.ts';
import { plainYaml } from '../yaml/plain.ts';
import type { CatalogueEntry } from './entry.ts';
import { catalogueError, fileText, readImageFiles } from './image-files.ts';

const digests = 'image-digests';
const descriptions = 'descriptions.yaml';
/** Most lines of a catalogue; releases have about a hundred. */
const mostEntries = 10_000;

/** `ghcr.io/siderolabs/extensions:v1.14.4`. */
export function extensionCatalogue(version: TalosVersion): Reference {
  return parseReference(`ghcr.io/siderolabs/extensions:${printTalosVersion(version)}`);
}

/**
 * Every extension of the release, in the catalogue's order, with tag and digest. Throws ERR_PROTOCOL naming image, file and
 * line for what is no catalogue, and what the source throws.
 */
export async function readExtensionCatalogue(
  source: Source,
  version: TalosVersion,
  options: CallOptions = {},
): Promise<CatalogueEntry[]> {
  const image = extensionCatalogue(version);
  const files = await readImageFiles(source, image, { ...options, wanted: [digests, descriptions] });
  const described = files.has(descriptions)
    ? readDescriptions(fileText(files, { image, file: descriptions }))
    : new Map();
  return parseImageDigests(image, { text: fileText(files, { image, file: digests }), described });
}

/** Lines without a digest are left out, as Talos does (siderolabs/talos, cmd/talosctl/pkg/talos/artifacts/images.go). */
function parseImageDigests(
  image: Reference,
  catalogue: { readonly text: string; readonly described: ReadonlyMap<string, string> },
): CatalogueEntry[] {
  const lines = catalogue.text.split('\n');
  if (lines.length > mostEntries) throw catalogueError(image, `"${digests}" has more than ${mostEntries} lines`);
  const entries = lines.flatMap((line, index): CatalogueEntry[] => {
    const text = line.trim();
    if (!text.includes('@')) return [];
    const reference = readEntry(image, { text, place: `line ${index + 1} of "${digests}"` });
    return [{ name: extensionName(reference), reference, description: catalogue.described.get(text) ?? '' }];
  });
  if (entries.length === 0) throw catalogueError(image, `"${digests}" lists no image`);
  return entries;
}

/** A reference with a digest, or the refusal that names its place. */
export function readEntry(image: Reference, entry: { readonly text: string; readonly place: string }): Reference {
  try {
    const reference = parseReference(entry.text);
    if (reference.digest !== undefined) return reference;
  } catch (error) {
    if (!isAirgapError(error)) throw error;
  }
  throw catalogueError(image, `${entry.place} is no image with a digest: ${quoteText(entry.text, 80)}`);
}

/** The name an Image Factory knows it by, without `siderolabs/`. */
function extensionName(reference: Reference): string {
  return reference.repository.replace(/^siderolabs\//, '');
}

/** Descriptions only help who reads: what cannot be read is left out. */
function readDescriptions(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  try {
    const document = plainYaml(text, { schema: 'core', refuse: (state) => new AirgapError('ERR_PROTOCOL', state) });
    if (typeof document !== 'object' || document === null) return found;
    for (const [key, value] of Object.entries(document)) {
      const description: unknown = typeof value === 'object' && value !== null ? value.description : undefined;
      if (typeof description === 'string') found.set(key, description.trim());
    }
  } catch (error) {
    if (!isAirgapError(error)) throw error;
  }
  return found;
}
