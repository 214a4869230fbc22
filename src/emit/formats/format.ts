/** What every other format is made from and becomes. */
import type { NodeMirror } from '../../talos/node-mirrors.ts';
import type { TalosVersion } from '../../talos/version.ts';
import { byPath, type EmittedFile } from '../emitted.ts';
import type { NodeSettings } from '../node-settings.ts';

export interface FormatInput {
  /** One per registry, in the form the release understands. */
  readonly mirrors: readonly NodeMirror[];
  /** The release the Talos nodes run. */
  readonly version: TalosVersion;
  readonly settings: NodeSettings;
  /** The Talos configuration files of the same request, for the formats that carry them. */
  readonly talos: readonly EmittedFile[];
  /** Name of the cluster, for the formats that name one. */
  readonly cluster?: string | undefined;
}

export interface FormatOutput {
  /** Sorted by path. Several formats may have files of the same path: each is a folder of its own. */
  readonly files: readonly EmittedFile[];
  /** What must be written with mode 0600, and only on explicit request. Sorted by path; no path of `files`. */
  readonly secrets: readonly EmittedFile[];
  /** What the format cannot say or what has to be done beside it, one line each. */
  readonly warnings: readonly string[];
}

/** What is written for the settings of one format, brought into order. */
export function formatOutput(parts: {
  readonly files: readonly EmittedFile[];
  readonly secrets?: readonly EmittedFile[];
  readonly warnings?: readonly (string | undefined)[];
}): FormatOutput {
  const warnings = (parts.warnings ?? []).filter((warning) => warning !== undefined);
  return { files: byPath(parts.files), secrets: byPath(parts.secrets ?? []), warnings };
}
