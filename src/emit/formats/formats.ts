/** The same mirrors for other tools than `talosctl patch`: one entry for each name of `--format`. */
import { configKinds } from '../../talos/config-kinds.ts';
import { containerdHosts } from './containerd.ts';
import type { FormatInput, FormatOutput } from './format.ts';
import { omniPatch } from './omni.ts';
import { k3s, registriesYaml, rke2 } from './registries-yaml.ts';
import { talosHosts } from './talos-hosts.ts';
import { talosctlFlags } from './talosctl.ts';

/** Names of the formats, sorted. */
export const formatNames = ['containerd', 'hosts-toml', 'k3s', 'omni', 'rke2', 'talosctl'] as const;

export type FormatName = (typeof formatNames)[number];

const writers: Readonly<Record<FormatName, (input: FormatInput) => FormatOutput>> = {
  containerd: (input) => containerdHosts(isolated(input)),
  'hosts-toml': talosHosts,
  k3s: (input) => registriesYaml(isolated(input), k3s),
  omni: omniPatch,
  rke2: (input) => registriesYaml(isolated(input), rke2),
  talosctl: talosctlFlags,
};

/**
 * Writes the files of a format, with paths as below the folder they are for: `/etc/rancher/k3s`, `/etc/containerd`. The same input
 * gives the same bytes.
 * Throws as hostsTree() for `hosts-toml`, ERR_INPUT_INVALID for a registry that is none.
 */
export function emitFormat(name: FormatName, input: FormatInput): FormatOutput {
  return writers[name](input);
}

/** Turning the fallback off is nothing Talos has to know where other systems are told. */
function isolated(input: FormatInput): FormatInput {
  if (configKinds(input.version).skipFallback) return input;
  return { ...input, mirrors: input.mirrors.map((mirror) => ({ ...mirror, skipFallback: true })) };
}
