/** `talosctl`: the same mirrors as flags of `talosctl gen config` and `talosctl cluster create`. */
import { printCommand } from '../../oci/shell.ts';
import { configKinds } from '../../talos/config-kinds.ts';
import type { NodeMirror } from '../../talos/node-mirrors.ts';
import { isSinceMinor, printTalosVersion } from '../../talos/version.ts';
import type { EmittedFile } from '../emitted.ts';
import { type FormatInput, type FormatOutput, formatOutput } from './format.ts';
import { hasSecrets, leftOut } from './left-out.ts';

/**
 * `talosctl.sh`, two functions of the shell, and the patches they name. `--registry-mirror HOST=URL` alone where it says
 * all (before 1.9); else the patches, as there is no flag for `overridePath` and `skipFallback`, and the flags in a comment.
 * Flags: references of talosctl of each release (siderolabs/talos, website/content/vX/reference/cli.md; siderolabs/docs,
 * public/talos/vX/reference/cli.mdx): `gen config` has `--registry-mirror`, `--install-image` and `--config-patch` in all of them;
 * `cluster create` too, from 1.12 on in `cluster create dev` only, and `--config-patch` in `docker` and `qemu` as well.
 * Merge patches are read from 1.2 on.
 */
export function talosctlFlags(input: FormatInput): FormatOutput {
  const { version, settings, mirrors } = input;
  const { mergePatch } = configKinds(version);
  const lost = mirrors.flatMap(lostByFlags);
  const beyond = leftOut(settings, ['installImage']);
  const usePatch = mergePatch && (lost.length > 0 || beyond !== undefined);
  const patches = usePatch ? input.talos : [];
  return formatOutput({
    files: [{ path: 'talosctl.sh', text: script(input, usePatch) }, ...patches],
    warnings: [
      mergePatch || beyond === undefined
        ? undefined
        : `talosctl before v1.2 merges no patches: write ${beyond} into the machine configuration by hand`,
      ...(mergePatch ? [] : lost),
      hasSecrets(settings)
        ? 'talosctl.sh names no file with credentials or private keys: give that file as one more --config-patch @FILE'
        : undefined,
    ],
  });
}

function script(input: FormatInput, usePatch: boolean): string {
  const { version, cluster } = input;
  const release = printTalosVersion(version);
  const flags = usePatch ? patchFlags(input.talos) : mirrorFlags(input);
  const [name, example] = [cluster ?? 'NAME', isSinceMinor(version, 12) ? 'cluster_create docker' : 'cluster_create'];
  return [
    `# Flags of talosctl for Talos ${release}, written by airgap; use the talosctl of that release.`,
    '# Defines two functions and runs nothing. From this folder:  . ./talosctl.sh',
    ...comment('', `gen_config ${printCommand([name])} https://HOST:6443`),
    ...comment('', `${example} --name ${printCommand([name])}`),
    ...(usePatch ? flagsAlone(input) : []),
    '',
    ...shellFunction('gen_config', ['talosctl', 'gen', 'config'], flags),
    '',
    ...shellFunction('cluster_create', ['talosctl', 'cluster', 'create'], usePatch ? flags : createFlags(input, flags)),
    '',
  ].join('\n');
}

function comment(start: string, text: string): string[] {
  return text.split('\n').map((line) => `#   ${start}${line}`);
}

function shellFunction(name: string, command: readonly string[], flags: readonly string[]): string[] {
  const lines = flags.map((flag) => `    ${flag}`);
  return [`${name}() {`, [`  ${command.join(' ')} "$@"`, ...lines].join(' \\\n'), '}'];
}

/** What nodes would do otherwise with nothing but flags, and the flags. */
function flagsAlone(input: FormatInput): string[] {
  const sayable = input.mirrors.filter((mirror) => mirror.endpoints.every((endpoint) => !endpoint.overridePath));
  if (sayable.length === 0)
    return ['# No flag can say a path of an endpoint that is taken as written: the patches are needed.'];
  const command = isSinceMinor(input.version, 12) ? 'talosctl cluster create dev' : 'talosctl cluster create';
  const lines = [command, ...mirrorFlags({ ...input, mirrors: sayable })].join(' \\\n    ');
  return [
    '# Flags alone, for a test: nodes then ask upstream too, and have nothing else of the patches.',
    ...comment('', lines),
  ];
}

function patchFlags(talos: readonly EmittedFile[]): string[] {
  return talos.map(({ path }) => printCommand(['--config-patch', `@${path}`]));
}

function mirrorFlags({ mirrors, settings }: FormatInput): string[] {
  const endpoints = mirrors.flatMap(({ registry, endpoints: all }) => all.map(({ url }) => `${registry}=${url}`));
  const image = settings.installImage === undefined ? [] : [printCommand(['--install-image', settings.installImage])];
  return [...endpoints.map((value) => printCommand(['--registry-mirror', inList(value)])), ...image];
}

/** `--registry-insecure-skip-verify` is known to `cluster create` alone. */
function createFlags(input: FormatInput, flags: readonly string[]): string[] {
  const tls = [...(input.settings.tls ?? [])].filter(([, settings]) => settings.insecureSkipVerify === true);
  const hosts = tls.map(([host]) => host).sort();
  return [...flags, ...hosts.map((host) => printCommand(['--registry-insecure-skip-verify', inList(host)]))];
}

/** One value of a list of comma-separated values (spf13/pflag, StringSlice). */
function inList(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function lostByFlags(mirror: NodeMirror): string[] {
  return [
    ...(mirror.skipFallback ? [`no flag turns the fallback off: ${mirror.registry} is asked upstream too`] : []),
    ...(mirror.endpoints.some((endpoint) => endpoint.overridePath)
      ? [`no flag takes the path of an endpoint as written: ${mirror.registry}`]
      : []),
  ];
}
