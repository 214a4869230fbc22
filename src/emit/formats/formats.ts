/** The same mirrors for other tools than `talosctl patch`: one entry for each name of `--format`. */
import { printTalosVersion } from '../../talos/version.ts';
import { hostsToml } from '../hosts-toml.ts';
import type { FormatInput, FormatOutput } from './format.ts';

/** Names of the formats, sorted. */
export const formatNames = ['containerd', 'hosts-toml', 'k3s', 'omni', 'rke2', 'talosctl'] as const;

export type FormatName = (typeof formatNames)[number];

/** Writes the files of a format. The same input gives the same bytes. Throws ERR_USAGE for what the format must not hold. */
export function emitFormat(name: FormatName, input: FormatInput): FormatOutput {
  if (name === 'hosts-toml') return { files: hostsToml(input.mirrors, input), secrets: [], warnings: [] };
  return { files: [], secrets: [], warnings: [`${name} is not written yet for ${printTalosVersion(input.version)}`] };
}
