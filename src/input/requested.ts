/** What was asked for: the noun of the first room. */
import type { Reference } from '../oci/reference.ts';

/** Where a request was written: a file and a line, the command line, a catalogue. */
export interface Origin {
  /** File name as given, `-` for standard input, `argument`, `talos v1.14.4`, `talosctl`. */
  readonly document: string;
  /** Line, counted from 1, where the document has lines. */
  readonly line?: number;
}

/** What was asked for and which lines of which documents asked. Asking twice is asking once. */
export interface RequestedReference {
  readonly reference: Reference;
  readonly origins: readonly Origin[];
}

/** The same with the place where it is to live. */
export interface RequestedImage extends RequestedReference {
  /** Repository at the target; tag and digest as in `reference`. */
  readonly target: Reference;
}

/** `images.txt:3`, or the document alone where it has no lines. */
export function printOrigin(origin: Origin): string {
  return origin.line === undefined ? origin.document : `${origin.document}:${origin.line}`;
}
