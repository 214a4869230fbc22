/** Numbers and digests as the page shows them. */
import { type Digest, hexOf } from '../../oci/digest.ts';

const units = ['kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `999 B`, `1.2 kB`, `345.6 MB`: decimal units, one digit after the point; a space that does not break between. */
export function sizeText(bytes: number): string {
  let value = bytes;
  if (value < 1000) return `${value}\u00a0B`;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.95 && unit < units.length - 1);
  return `${value.toFixed(1)}\u00a0${units[unit]}`;
}

/** `1 image`, `2 images`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

/** `5000`, `50 000`: digits in threes from ten thousand on. */
export function numberText(count: number): string {
  const digits = String(count);
  return digits.length < 5 ? digits : digits.replace(/\B(?=(?:\d{3})+$)/g, '\u202f');
}

/** The first twelve hex digits, as container tools shorten them. */
export function shortDigest(digest: Digest): string {
  return hexOf(digest).slice(0, 12);
}

/** Foreign text, cut where it is longer than anybody writes. */
export function shortened(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
