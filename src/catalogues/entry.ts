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

/** What one catalogue has of the names that were asked for. */
export interface ChosenEntries {
  /** Each once, in the order of the catalogue. */
  readonly entries: readonly CatalogueEntry[];
  /** Names it does not have. */
  readonly missing: readonly string[];
}

/** A catalogue that was read, by the image it is. */
export interface ReadCatalogue {
  readonly catalogue: string;
  readonly entries: readonly CatalogueEntry[];
}

/**
 * The entries of these names in each catalogue; `all` is every one. `siderolabs/` before a name is taken off. Throws ERR_USAGE
 * naming every name that no catalogue has, with the nearest ones of the last.
 */
export function chooseEntries(
  catalogues: readonly ReadCatalogue[],
  wanted: { readonly names: readonly string[]; readonly what: 'extension' | 'overlay' },
): ChosenEntries[] {
  const names = [...new Set(wanted.names.map((name) => name.replace(/^siderolabs\//, '')))];
  const isAll = names.includes(everything);
  const chosen = catalogues.map(({ entries }): ChosenEntries => {
    if (isAll) return { entries: [...entries], missing: [] };
    const known = new Set(entries.map(({ name }) => name));
    return {
      entries: entries.filter(({ name }) => names.includes(name)),
      missing: names.filter((name) => !known.has(name)),
    };
  });
  const last = catalogues.at(-1);
  const unknown = names.filter((name) => chosen.every(({ missing }) => missing.includes(name)));
  if (last === undefined || unknown.length === 0) return chosen;
  const known = [...new Set(last.entries.map(({ name }) => name))];
  throw unknownNames(unknown, { what: wanted.what, known, catalogue: last.catalogue, others: catalogues.length - 1 });
}

function unknownNames(
  unknown: readonly string[],
  from: {
    readonly known: readonly string[];
    readonly catalogue: string;
    readonly what: string;
    /** Catalogues beside that one. */
    readonly others: number;
  },
): AirgapError {
  const lines = unknown.map((name) => {
    const near = nearestNames(name, from.known);
    return `  ${quoteText(name, 80)}${near.length === 0 ? '' : `: nearest ${near.join(', ')}`}`;
  });
  const count = unknown.length === 1 ? `1 ${from.what} is` : `${unknown.length} ${from.what}s are`;
  const message = `Cannot choose ${from.what}s: ${count} not in the catalogue "${from.catalogue}"${from.others === 0 ? '' : ', nor in those of the releases before'}`;
  return new AirgapError('ERR_USAGE', [message, ...lines].join('\n'), {
    hint: `names are matched exactly; --${from.what}s all takes all ${from.known.length}`,
  });
}
