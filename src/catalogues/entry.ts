/** What a catalogue lists, and how names are looked up in it. */
import { AirgapError } from '../errors.ts';
import { nearestNames } from '../oci/nearest-names.ts';
import { quoteText } from '../oci/quote.ts';
import type { Reference } from '../oci/reference.ts';

/** One extension or overlay of a release. */
export interface CatalogueEntry {
  /** As it is asked for: `iscsi-tools`, `rpi_generic`. */
  readonly name: string;
  /** With tag and digest, as the catalogue writes it. */
  readonly reference: Reference;
  /** What the catalogue says of it; empty where it says nothing. */
  readonly description: string;
}

/** Everything, in place of names. */
export const everything = 'all';

/**
 * The entries of these names, each once, in the order of the catalogue; `all` is every one. `siderolabs/` before a name is
 * taken off. Throws ERR_USAGE naming every unknown name with its nearest ones; `catalogue` is the image that was read.
 */
export function chooseEntries(
  entries: readonly CatalogueEntry[],
  wanted: { readonly names: readonly string[]; readonly catalogue: string; readonly what: 'extension' | 'overlay' },
): CatalogueEntry[] {
  const names = wanted.names.map((name) => name.replace(/^siderolabs\//, ''));
  if (names.includes(everything)) return [...entries];
  const known = [...new Set(entries.map(({ name }) => name))];
  const unknown = [...new Set(names.filter((name) => !known.includes(name)))];
  if (unknown.length > 0) throw unknownNames(unknown, { ...wanted, known });
  return entries.filter(({ name }) => names.includes(name));
}

function unknownNames(
  unknown: readonly string[],
  from: { readonly known: readonly string[]; readonly catalogue: string; readonly what: string },
): AirgapError {
  const lines = unknown.map((name) => {
    const near = nearestNames(name, from.known);
    return `  ${quoteText(name, 80)}${near.length === 0 ? '' : `: nearest ${near.join(', ')}`}`;
  });
  const count = unknown.length === 1 ? `1 ${from.what} is` : `${unknown.length} ${from.what}s are`;
  const message = `Cannot choose ${from.what}s: ${count} not in the catalogue "${from.catalogue}"`;
  return new AirgapError('ERR_USAGE', [message, ...lines].join('\n'), {
    hint: `names are matched exactly; --${from.what}s all takes all ${from.known.length}`,
  });
}
