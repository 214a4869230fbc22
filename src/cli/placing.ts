/** Where images are placed, and how nodes find them: settings become a rule and its mirrors. Pure. */
import { basename } from 'node:path';
import type { EmittedFile } from '../emit/emitted.ts';
import { emitTalosConfig, type TalosConfigOptions } from '../emit/talos-config.ts';
import type { RequestedReference } from '../input/requested.ts';
import type { LockedImage } from '../lock/lock.ts';
import { type Mirror, type MirrorRule, mirrorsOf, placeImage } from '../mirror/rule.ts';
import { type Location, printLocation } from '../store/location.ts';
import { isLoopbackHost } from '../store/registry/private-address.ts';
import { talosReleases } from '../talos/catalogue.ts';
import type { TalosVersion } from '../talos/version.ts';
import { mirrorsAt, type NodeAddress } from './emitting/endpoints.ts';
import type { Settings } from './settings.ts';

/** A layout or a bundle keeps upstream names; a registry gets them below its prefix. */
export function ruleFor(to: Location, prefixByRegistry: boolean): MirrorRule {
  if (to.kind !== 'registry') return { naming: 'keep', registry: '', prefix: '' };
  return { naming: prefixByRegistry ? 'by-registry' : 'replace-host', registry: to.host, prefix: to.prefix };
}

/** Images of a lock where a rule puts them, whatever target the lock was written for. */
export function placedBy(rule: MirrorRule, images: readonly LockedImage[]): LockedImage[] {
  return images.map((image) => ({ ...image, target: placeImage(rule, image) }));
}

/** The target as a command that repairs it names it, after `--to`. */
export function repairPlace(to: Location, { naming }: MirrorRule): string {
  return `${printLocation(to)}${naming === 'by-registry' ? ' --prefix-by-registry' : ''}`;
}

/** The mirrors for what was asked; empty when it is not known at which address nodes will ask. */
export function mirrorsFor(
  requests: readonly Pick<RequestedReference, 'reference'>[],
  place: {
    readonly rule: MirrorRule;
    readonly endpoint: string | undefined;
    /** In place of `endpoint` where there are any. */
    readonly addresses?: readonly NodeAddress[];
    readonly perRegistry: boolean;
  },
): Mirror[] {
  const { rule, endpoint, addresses = [], perRegistry } = place;
  const registries = requests.map(({ reference }) => reference.registry);
  if (registries.length === 0) return [];
  if (addresses.length > 0) return mirrorsAt({ rule, addresses, registries, perRegistry });
  return endpoint === undefined ? [] : mirrorsOf(rule, endpoint, { registries, perRegistry });
}

/**
 * The configuration under the name it is saved as: its own advice names the file. An endpoint that nodes cannot reach is said first.
 * `settings` and `form` as emitTalosConfig() has them; secrets in them are left out here.
 */
export function patchText(options: Omit<TalosConfigOptions, 'split'>, file: string): string {
  return namedText(emitTalosConfig(options).files, { file, mirrors: options.mirrors });
}

/** One text of the emitted files, naming the file it is saved as. */
export function namedText(
  files: readonly EmittedFile[],
  saved: { readonly file: string; readonly mirrors: readonly Mirror[] },
): string {
  const text = files.map((emitted) => emitted.text).join('---\n');
  const name = basename(saved.file);
  const endpoint = endpointOfThisMachine(saved.mirrors);
  const warning =
    endpoint === undefined
      ? ''
      : `# WARNING: on a node ${endpoint} is the node itself, so it will find no image there.\n` +
        `# Write this file again with the address nodes use:  airgap emit --endpoint ${otherEndpoint(endpoint)}\n`;
  return (
    warning +
    (/^[\w.-]+$/.test(name) ? files.reduce((all, { path }) => all.replaceAll(`@${path}`, `@${name}`), text) : text)
  );
}

/** An endpoint that means another machine to everybody who reads it: a loopback or an unspecified address. */
export function endpointOfThisMachine(mirrors: readonly Mirror[]): string | undefined {
  const isOwn = (endpoint: string): boolean => {
    const { host, hostname } = new URL(endpoint);
    return isLoopbackHost(host) || hostname === '0.0.0.0' || hostname === '[::]';
  };
  return mirrors.map(({ endpoint }) => endpoint).find((endpoint) => URL.canParse(endpoint) && isOwn(endpoint));
}

/** What is to be known about a configuration that names it. */
export function unreachableText(endpoint: string): string {
  return `the Talos configuration names ${endpoint}, which on a node is the node itself: give the address nodes use with --endpoint ${otherEndpoint(endpoint)}`;
}

/** The same endpoint with a place for the address that nodes use. */
export function otherEndpoint(endpoint: string): string {
  const { protocol, port } = new URL(endpoint);
  return `${protocol}//ADDRESS${port === '' ? '' : `:${port}`}`;
}

/**
 * The release a configuration is written for: the one that was named, that of the images, that of airgap.yaml where other images
 * than its own are mirrored, or the newest one known.
 */
export function configVersionFor(
  settings: Pick<Settings, 'configVersion'> & {
    readonly catalogue?: Settings['catalogue'] | undefined;
    readonly declaredRelease?: Settings['declaredRelease'];
  },
  ofImages?: TalosVersion,
): TalosVersion {
  const named = settings.configVersion ?? ofImages ?? settings.declaredRelease;
  if (named !== undefined) return named;
  const newest = talosReleases(settings.catalogue).findLast(({ version }) => version.prerelease === '');
  if (newest === undefined) throw new Error('the catalogue has no release');
  return newest.version;
}
