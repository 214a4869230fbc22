/** How to get the image list out of a talosctl binary; the running is done elsewhere. */
import { AirgapError } from '../errors.ts';
import { quoteText } from '../oci/quote.ts';
import {
  compareTalosVersions,
  isSince,
  isSinceMinor,
  parseTalosVersion,
  readVersion,
  type TalosVersion,
} from './version.ts';

/**
 * The arguments that make talosctl of this version print the default images: `images` up to 1.4, `image default` up to
 * 1.11 (bare `images` prints help from 1.6 on), `image k8s-bundle` from 1.12.0 on (siderolabs/talos,
 * cmd/talosctl/cmd/talos/images.go, later image.go). Throws ERR_USAGE for no version, ERR_UNSUPPORTED before 0.7.
 */
export function talosctlListArguments(versionText: string): string[] {
  const version = parseTalosVersion(versionText);
  if (compareTalosVersions(version, parseTalosVersion('0.7.0')) < 0) {
    throw new AirgapError(
      'ERR_UNSUPPORTED',
      `Cannot list images with talosctl ${quoteText(versionText, 80)}: it has no such command`,
      {
        hint: 'use talosctl of the Talos release you install, or name the release with --talos',
      },
    );
  }
  if (isSince(version, '1.12.0')) return ['image', 'k8s-bundle'];
  return isSinceMinor(version, 5) ? ['image', 'default'] : ['images'];
}

/** What makes the list of a release known, with its talosctl: a shell's line. Throws as talosctlListArguments(). */
export function addListCommand(versionText?: string): string {
  const list = versionText === undefined ? ['image', 'k8s-bundle'] : talosctlListArguments(versionText);
  return `talosctl ${list.join(' ')} | airgap catalogue add --talos ${versionText ?? 'VERSION'} --list -`;
}

/**
 * Reads what `talosctl version --client` prints, with `--short` (`Talos v1.14.4`, `Client v1.0.0`) or without (`Tag: v1.14.4`).
 * Builds between releases (`v1.14.4-3-gabc1234-dirty`) count as the release they follow. Throws ERR_INPUT_INVALID.
 */
export function parseTalosctlVersion(output: string): TalosVersion {
  for (const line of output.slice(0, 8192).split(/\r?\n/)) {
    if (/^\s*server\b/i.test(line)) break;
    const word = /^\s*(?:Tag:|Talos|Client|talosctl|version)?:?\s*(v?[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]*)\s*$/i.exec(
      line,
    )?.[1];
    const version =
      word === undefined ? undefined : readVersion(word.replace(/-dirty$/, '').replace(/-[0-9]+-g[0-9a-f]+$/, ''));
    if (version !== undefined) return version;
  }
  throw new AirgapError('ERR_INPUT_INVALID', 'Cannot read the version of talosctl: no version in its output', {
    hint: 'name the release with --talos, or give the list in a file',
  });
}
