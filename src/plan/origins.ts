/** Who asked, as text. */
import type { Origin } from '../input/requested.ts';

/** `images.txt:3`, or the document alone where it has no lines; each once, sorted. */
export function originTexts(origins: readonly Origin[]): string[] {
  const texts = origins.map(({ document, line }) => (line === undefined ? document : `${document}:${line}`));
  return [...new Set(texts)].sort();
}
