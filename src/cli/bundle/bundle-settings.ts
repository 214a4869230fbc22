/** What bundles need to know beside where they are. Read once, like all settings. */
import { resolve } from 'node:path';
import type { Location } from '../../store/location.ts';
import { type Flags, listFlag, switchFlag, textFlag } from '../flags.ts';
import { readInteger, usageError } from '../values.ts';
import { readVolumeSize } from './volume-size.ts';

export interface BundleSettings {
  /** Largest volume in bytes; undefined writes one file. */
  readonly volumeSize: number | undefined;
  /** Write this volume of the set alone, counted from 1. */
  readonly onlyVolume: number | undefined;
  /** What the receiver has: receipts and locks, absolute. */
  readonly haveFiles: readonly string[];
  /** PEM files, absolute. */
  readonly signKeyFile: string | undefined;
  readonly verifyKeyFile: string | undefined;
  /** Put the program itself beside the bundle. */
  readonly includeSelf: boolean;
}

/** Throws ERR_USAGE where an option has no meaning at these ends. */
export function bundleSettings(
  flags: Flags,
  ends: { readonly from: Location | undefined; readonly to: Location; readonly cwd: string },
): BundleSettings {
  const { from, to, cwd } = ends;
  const file = (name: string): string | undefined => {
    const text = textFlag(flags, name);
    return text === undefined ? undefined : resolve(cwd, text);
  };
  const size = textFlag(flags, 'volumeSize');
  const volume = textFlag(flags, 'volume');
  const settings: BundleSettings = {
    volumeSize: size === undefined ? undefined : readVolumeSize('--volume-size', size),
    onlyVolume: volume === undefined ? undefined : readInteger('--volume', volume, { max: 9999 }),
    haveFiles: listFlag(flags, 'have').map((name) => resolve(cwd, name)),
    signKeyFile: file('signKey'),
    verifyKeyFile: file('verifyKey'),
    includeSelf: switchFlag(flags, 'includeSelf'),
  };
  if (to.kind !== 'bundle') refuseWithoutBundle(settings);
  if (settings.verifyKeyFile !== undefined && from?.kind !== 'bundle')
    throw usageError('Cannot use --verify-key without --from bundle:…: nothing else is signed');
  if (to.kind === 'bundle') refuseOddVolumes(settings, to.isDirectory);
  return settings;
}

function refuseWithoutBundle({ volumeSize, onlyVolume, haveFiles, signKeyFile, includeSelf }: BundleSettings): void {
  const given: [string, boolean][] = [
    ['--volume-size', volumeSize !== undefined],
    ['--volume', onlyVolume !== undefined],
    ['--have', haveFiles.length > 0],
    ['--sign-key', signKeyFile !== undefined],
    ['--include-self', includeSelf],
  ];
  const [option] = given.find(([, isGiven]) => isGiven) ?? [];
  if (option !== undefined)
    throw usageError(
      `Cannot use ${option} without --to bundle:…`,
      'write --to bundle:FILE.tar, or --to bundle:DIR/ for volumes',
    );
}

function refuseOddVolumes({ volumeSize, onlyVolume }: BundleSettings, isDirectory: boolean): void {
  if (volumeSize !== undefined && !isDirectory)
    throw usageError(
      'Cannot write volumes to one file: --volume-size needs a directory',
      'write --to bundle:DIR/ with a slash at its end',
    );
  if (volumeSize === undefined && isDirectory)
    throw usageError(
      'Cannot write a bundle to a directory without --volume-size',
      'write --volume-size 4GiB (or fat32, dvd, bd25), or --to bundle:FILE.tar for one file',
    );
  if (onlyVolume !== undefined && volumeSize === undefined)
    throw usageError('Cannot use --volume without --volume-size', 'give the size the set was written with');
}
