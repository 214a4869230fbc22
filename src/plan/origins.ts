/** Who asked, as text. */
import { type Origin, printOrigin } from '../errors.ts';

/** `images.txt:3`, or the document alone where it has no lines; each once, sorted. */
export function originTexts(origins: readonly Origin[]): string[] {
  return [...new Set(origins.map(printOrigin))].sort();
}
