/** A part of a Talos patch: one matter, in the form of one release. */

import type { TalosMirrorOptions } from './mirrors.ts';

/** The release a part is for, and where one was asked for, its form. */
export type Release = Pick<TalosMirrorOptions, 'version' | 'form'>;

/** The file a part goes into where there is one for each matter. */
export type Matter = 'registries' | 'time' | 'network' | 'discovery' | 'install' | 'images';

export interface Part {
  readonly matter: Matter;
  /** What it does, in lines of a comment. */
  readonly about: readonly string[];
  /** Keys of the v1alpha1 document. */
  readonly sections?: readonly Section[] | undefined;
  /** Documents of their own kinds; the comment stands over the first. */
  readonly documents?: readonly Readonly<Record<string, unknown>>[] | undefined;
}

export interface Section {
  /** From the root: `machine`, `time`. The comment stands over the last key. */
  readonly path: readonly string[];
  readonly value: unknown;
}

/** A document of the first version, which all kinds have. */
export function documentOf(kind: string, fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { apiVersion: 'v1alpha1', kind, ...fields };
}
