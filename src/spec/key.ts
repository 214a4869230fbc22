/** What a key of airgap.yaml is: the noun that the parser, the schema and the pages are made from. */

/**
 * `text`: one text. `texts`: one or several. `switch`: true or false. `count`: a whole number from 0 up. `optional`: true or false, or
 * a text that says more. `pairs`: texts by name, each one or several.
 */
export type Kind = 'text' | 'texts' | 'switch' | 'count' | 'optional' | 'pairs';

/**
 * How a text is to be understood. `file`: relative to airgap.yaml. `file-of`: the same, or NAME=FILE. `location`: the same where it names
 * a directory or a bundle.
 */
export type Meaning = 'file' | 'file-of' | 'file-or-id' | 'location' | 'image';

export interface Key {
  readonly name: string;
  readonly kind: Kind;
  /** The option of the command line it stands for, without dashes; absent for what is an input there. */
  readonly option?: string;
  readonly meaning?: Meaning;
  /** The only texts that are taken. */
  readonly values?: readonly string[];
  /** The environment variable that wins over it. */
  readonly variable?: string;
  /** It tells which images are wanted. */
  readonly names?: true;
  /** One line, for the schema and for people. */
  readonly says: string;
  /** A value as YAML, on one line. */
  readonly example: string;
}

export interface Group {
  readonly name: string;
  readonly says: string;
  readonly keys: readonly Key[];
}
