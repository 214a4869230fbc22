/** `hosts-toml`: what a Talos node of the release has below `/etc/cri/conf.d/hosts`. */
import type { NodeMirror } from '../../talos/node-mirrors.ts';
import { isSinceMinor, printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import { endpointHost } from '../endpoint.ts';
import { hostsTree, talosHostsFolder } from '../hosts-toml.ts';
import { type FormatInput, type FormatOutput, formatOutput } from './format.ts';
import { leftOut } from './left-out.ts';

/** The tree, with a note for which release it is. Throws as hostsTree(). */
export function talosHosts(input: FormatInput): FormatOutput {
  const { version, settings } = input;
  const tree = hostsTree(input.mirrors, { version, tls: settings.tls });
  const missing = leftOut(settings, ['tls']);
  return formatOutput({
    files: [{ path: 'README.txt', text: note(version) }, ...tree.files],
    secrets: tree.secrets,
    warnings: [
      ...releaseWarnings(input.mirrors, version),
      ...input.mirrors.filter(hasDuplicates).map(duplicateWarning),
      missing && `hosts.toml has no words for ${missing}: they are in the machine configuration alone`,
    ],
  });
}

function note(version: TalosVersion): string {
  return [
    `The files Talos ${printTalosVersion(version)} writes below ${talosHostsFolder} for containerd, written by airgap.`,
    'To look at, or to compare with a node:  talosctl --nodes NODE read /etc/cri/conf.d/hosts/_default/hosts.toml',
    'Nothing to install: Talos makes them from its machine configuration. Credentials are not in them; Talos puts those',
    'into the configuration of the CRI plugin.',
    '',
  ].join('\n');
}

/** Duplicate tables and repeated `[host]` are no TOML; containerd then asks upstream (siderolabs/talos#6158, containerd#10055). */
function releaseWarnings(mirrors: readonly NodeMirror[], version: TalosVersion): string[] {
  const warnings: string[] = [];
  const release = printTalosVersion(version);
  const several = mirrors.filter((mirror) => mirror.endpoints.length > 1).map((mirror) => mirror.registry);
  if (!isSinceMinor(version, 2) && several.length > 0) {
    warnings.push(
      `Talos ${release} writes several endpoints of one registry so that containerd cannot read them: ${several.join(', ')}`,
    );
  }
  const literal = mirrors.filter((mirror) => mirror.endpoints.some((endpoint) => isIpv6(endpoint.url)));
  if (!isSinceMinor(version, 8) && literal.length > 0) {
    const names = literal.map((mirror) => mirror.registry).join(', ');
    warnings.push(`containerd of Talos ${release} cannot read an IPv6 address of an endpoint: ${names}`);
  }
  return warnings;
}

function isIpv6(url: string): boolean {
  return endpointHost(url).startsWith('[');
}

function hasDuplicates(mirror: NodeMirror): boolean {
  return new Set(mirror.endpoints.map((endpoint) => endpoint.url)).size < mirror.endpoints.length;
}

function duplicateWarning(mirror: NodeMirror): string {
  return `containerd cannot read the endpoints of ${mirror.registry}: one is named twice`;
}
