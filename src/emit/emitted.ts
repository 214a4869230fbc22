/** A file for the user: the noun of the last room. */

export interface EmittedFile {
  /** Relative, parts divided by `/`. */
  readonly path: string;
  /** Whole content, ending with a line feed unless empty. */
  readonly text: string;
}
