/** What was asked for beside lists and releases: extensions, overlays, schematics, machine configurations. */
import { isAirgapError } from '../../errors.ts';
import { normaliseRegistry } from '../../oci/reference.ts';
import { defaultFactory } from '../../talos/schematic.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import type { Settings } from '../settings.ts';
import { usageError } from '../values.ts';

export interface ExtraSettings {
  /** Names or `all`; `siderolabs/` may stand before a name. */
  readonly extensions: readonly string[];
  readonly overlays: readonly string[];
  /** Files and ids, as they were given. */
  readonly schematics: readonly string[];
  readonly installerPlatforms: readonly string[];
  readonly secureboot: boolean;
  /** `host[:port]`. */
  readonly factory: string;
  /** Machine configurations and patches, in order. */
  readonly configs: readonly string[];
}

/** Throws ERR_USAGE for an empty name and a factory that is no host. */
export function extraSettings(flags: Flags): ExtraSettings {
  const platforms = names(flags, { flag: 'installerPlatform', option: '--installer-platform' });
  return {
    extensions: names(flags, { flag: 'extensions', option: '--extensions' }),
    overlays: names(flags, { flag: 'overlays', option: '--overlays' }),
    schematics: listFlag(flags, 'schematic'),
    installerPlatforms: platforms.length === 0 ? ['metal'] : platforms,
    secureboot: switchFlag(flags, 'secureboot'),
    factory: factoryOf(textFlag(flags, 'factory')),
    configs: listFlag(flags, 'config'),
  };
}

/** Whether catalogue images have to be read. */
export function needsCatalogues({ extensions, overlays }: ExtraSettings): boolean {
  return extensions.length > 0 || overlays.length > 0;
}

/** Whether anything is said of an Image Factory's installer. */
export function namesInstaller(flags: Flags): boolean {
  const isListed = ['schematic', 'installerPlatform'].some((name) => listFlag(flags, name).length > 0);
  return isListed || switchFlag(flags, 'secureboot') || textFlag(flags, 'factory') !== undefined;
}

/** Throws ERR_USAGE for options that need a release or a schematic where there is none. For commands that mirror or list. */
export function refuseLoneExtras({ extras, talos }: Pick<Settings, 'extras' | 'talos'>): void {
  const needing: readonly (readonly [string, readonly string[]])[] = [
    ['--extensions', extras.extensions],
    ['--overlays', extras.overlays],
    ['--schematic', extras.schematics],
  ];
  const lone = talos === undefined ? needing.find(([, given]) => given.length > 0) : undefined;
  if (lone !== undefined)
    throw usageError(
      `Cannot use ${lone[0]} without --talos: each release has its own`,
      `for example --talos v1.14.4 ${lone[0]} ${lone[1][0] ?? ''}`,
    );
  const isLone = extras.schematics.length === 0;
  if (isLone && extras.secureboot) throw usageError('Cannot use --secureboot without --schematic');
  if (isLone && extras.factory !== defaultFactory) throw usageError('Cannot use --factory without --schematic');
  if (isLone && extras.installerPlatforms.join() !== 'metal')
    throw usageError('Cannot use --installer-platform without --schematic');
}

function names(flags: Flags, { flag, option }: { readonly flag: string; readonly option: string }): string[] {
  const given = listFlag(flags, flag).flatMap((text) => text.split(',').map((name) => name.trim()));
  if (given.includes(''))
    throw usageError(`Cannot read ${option}: a name is empty`, 'part names by commas, without blanks');
  return [...new Set(given)];
}

function factoryOf(text: string | undefined): string {
  if (text === undefined) return defaultFactory;
  try {
    return normaliseRegistry(text.replace(/^https?:\/\//, '').replace(/\/$/, ''));
  } catch (error) {
    if (!isAirgapError(error)) throw error;
    throw usageError(`Cannot read --factory: ${error.message.replace(/^Cannot read /, '')}`, error.hint);
  }
}
