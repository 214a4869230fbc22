/** A file for the user: the noun of the last room. */

export interface EmittedFile {
  /** Relative, parts divided by `/`. */
  readonly path: string;
  /** Whole content, ending with a line feed unless empty. */
  readonly text: string;
}

/** In the order of their paths. */
export function byPath(files: readonly EmittedFile[]): EmittedFile[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}
