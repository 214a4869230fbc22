/** Which releases were asked for: --talos, --kubernetes, --arch, --catalogue. */
import { type Platform, printPlatform } from '../../oci/platform.ts';
import type { NodeArchitecture } from '../../talos/catalogue.ts';
import type { TalosCatalogue } from '../../talos/releases.ts';
import { parseTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Context } from '../context.ts';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import { usageError } from '../values.ts';
import { knownReleases } from './catalogue-source.ts';

export interface ReleaseSelection {
  /** Release whose images are wanted; of an upgrade, the one it ends at. */
  readonly talos: TalosVersion | undefined;
  /** Release an upgrade begins at; undefined where one release alone is wanted. */
  readonly upgradeFrom: TalosVersion | undefined;
  /** As they were given. */
  readonly kubernetes: readonly string[];
  /** Architectures of the nodes; empty: all. */
  readonly architectures: readonly ('amd64' | 'arm64')[];
  readonly catalogue: TalosCatalogue;
}

/** Throws ERR_USAGE for what cannot be read, ERR_INPUT_INVALID for a bad catalogue file. */
export function readSelection(flags: Flags, place: Pick<Context, 'env' | 'cwd'>): ReleaseSelection {
  const talos = textFlag(flags, 'talos');
  return {
    ...(talos === undefined ? { talos: undefined, upgradeFrom: undefined } : readTalos(talos)),
    kubernetes: listFlag(flags, 'kubernetes'),
    architectures: [...new Set(listFlag(flags, 'arch').map(readArchitecture))].sort(),
    catalogue: knownReleases(flags, place),
  };
}

/** `v1.14.4`, or `v1.13.9..v1.14.4` for an upgrade. */
export function readTalos(text: string): Pick<ReleaseSelection, 'upgradeFrom'> & { readonly talos: TalosVersion } {
  const parts = text.split('..').map((part) => part.trim());
  const [from = '', to = ''] = parts;
  const isRange = parts.length > 2 || /\d *(?:-|,|to|→|->) *v?\d+\.\d+\.\d+/.test(text);
  if (parts.length === 1 && !isRange) return { talos: parseTalosVersion(text), upgradeFrom: undefined };
  if (parts.length === 2 && !isRange && from !== '' && to !== '' && !to.startsWith('.'))
    return { talos: parseTalosVersion(to), upgradeFrom: parseTalosVersion(from) };
  throw usageError(
    `Cannot read --talos ${JSON.stringify(text)}: an upgrade has two releases`,
    'write it as v1.13.9..v1.14.4, the one that runs now first',
  );
}

/** For talosImages(): undefined stands for its own default. */
export function nodeArchitecture({
  architectures,
}: Pick<ReleaseSelection, 'architectures'>): NodeArchitecture | undefined {
  const [only, other] = architectures;
  return other === undefined ? only : 'both';
}

/** What --platform and --arch say together. Throws ERR_USAGE when they do not say the same. */
export function wantedPlatforms(
  platforms: readonly Platform[],
  architectures: ReleaseSelection['architectures'],
): readonly Platform[] {
  if (architectures.length === 0) return platforms;
  const ofNodes = architectures.map((architecture): Platform => ({ os: 'linux', architecture }));
  if (platforms.length === 0) return ofNodes;
  const namesOf = (list: readonly Platform[]): string[] => [
    ...new Set(list.map((platform) => printPlatform(platform).replace(/^(linux\/arm64)\/v8$/, '$1'))),
  ];
  const [given, wanted] = [namesOf(platforms), namesOf(ofNodes)];
  if (given.length === wanted.length && given.every((name) => wanted.includes(name))) return platforms;
  throw usageError(
    `Cannot use --platform ${given.join(', ')} with --arch ${architectures.join(', ')}: they say different things`,
    `leave --platform out: --arch already means ${wanted.map((name) => `--platform ${name}`).join(' ')}`,
  );
}

function readArchitecture(text: string): 'amd64' | 'arm64' {
  if (text === 'amd64' || text === 'arm64') return text;
  throw usageError(`Cannot read --arch ${JSON.stringify(text)}: Talos nodes are amd64 or arm64`);
}
