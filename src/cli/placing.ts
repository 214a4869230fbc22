/** Where images are placed, and how nodes find them: settings become a rule and its mirrors. Pure. */
import { basename } from 'node:path';
import { emitTalosRegistries, talosRegistriesPath } from '../emit/talos.ts';
import type { RequestedReference } from '../input/requested.ts';
import { type Mirror, type MirrorRule, mirrorsOf } from '../mirror/rule.ts';
import type { Location } from '../store/location.ts';
import { talosReleases } from '../talos/catalogue.ts';
import type { TalosVersion } from '../talos/version.ts';
import type { Settings } from './settings.ts';

/** A layout keeps upstream names; a registry gets them below its prefix. */
export function ruleFor(to: Location, prefixByRegistry: boolean): MirrorRule {
  if (to.kind === 'layout') return { naming: 'keep', registry: '', prefix: '' };
  return { naming: prefixByRegistry ? 'by-registry' : 'replace-host', registry: to.host, prefix: to.prefix };
}

/** The mirrors for what was asked; empty when it is not known at which address nodes will ask. */
export function mirrorsFor(
  requests: readonly Pick<RequestedReference, 'reference'>[],
  place: { readonly rule: MirrorRule; readonly endpoint: string | undefined; readonly perRegistry: boolean },
): Mirror[] {
  if (place.endpoint === undefined) return [];
  const registries = requests.map(({ reference }) => reference.registry);
  return mirrorsOf(place.rule, place.endpoint, { registries, perRegistry: place.perRegistry });
}

/** The configuration under the name it is saved as: its own advice names the file. */
export function patchText(
  options: {
    readonly mirrors: readonly Mirror[];
    readonly registries: readonly string[];
    readonly version: TalosVersion;
  },
  file: string,
): string {
  const text = emitTalosRegistries(options)
    .map((emitted) => emitted.text)
    .join('---\n');
  const name = basename(file);
  return /^[\w.-]+$/.test(name) ? text.replaceAll(`@${talosRegistriesPath}`, `@${name}`) : text;
}

/** The release a configuration is written for: the one that was named, that of the images, or the newest one known. */
export function configVersionFor(settings: Pick<Settings, 'configVersion'>, ofImages?: TalosVersion): TalosVersion {
  const named = settings.configVersion ?? ofImages;
  if (named !== undefined) return named;
  const newest = talosReleases().findLast(({ version }) => version.prerelease === '');
  if (newest === undefined) throw new Error('the catalogue has no release');
  return newest.version;
}
