/** What a reader is told about a bundle: before it is written, and when it stands. Pure. */
import type { Delta } from '../../plan/delta.ts';
import type { BundleSource } from '../../store/bundle/bundle.ts';
import { shortSetId } from '../../store/bundle/set.ts';
import { nearName } from '../next-text.ts';
import { counted, sizeText } from '../report/text.ts';
import type { WrittenBundle } from './writing.ts';

/** What will be written, and what a receipt saves: rows of the plan. `volume` where it is one of a set alone. */
export function reservationRows(
  { reservation, delta }: Pick<WrittenBundle, 'reservation' | 'delta'>,
  volume?: number,
): string[][] {
  const { set, bytes, isComplete } = reservation;
  const volumes = volume === undefined ? counted(set.volumes, 'volume') : `volume ${volume} of ${set.volumes}`;
  const shape = set.volumes === 1 ? 'one file' : volumes;
  const rows = [
    ['bundle', `${shape}, ${sizeText(bytes)}; set ${shortSetId(set.id)}${isComplete ? ': stands already' : ''}`],
  ];
  if (delta !== undefined) rows.push(['left out', leftOutText(delta)]);
  return rows;
}

function leftOutText({ savedBlobs, savedBytes }: Delta): string {
  return savedBlobs === 0
    ? 'nothing: the receiver has none of it'
    : `${counted(savedBlobs, 'blob')}, ${sizeText(savedBytes)}: the receiver has them`;
}

/** The files that were written, or why none was. */
export function writtenBundleLines(
  bundle: WrittenBundle,
  options: { readonly cwd: string; readonly failures: number },
): string[] {
  const { files, reservation } = bundle;
  if (files === undefined) {
    return ['The bundle is not finished, and nothing stands under its name: what came is kept for the next run.'];
  }
  const { set, isComplete } = reservation;
  const verb = isComplete ? 'kept' : 'wrote';
  const lines = files.map(({ path, size }) => `${verb} ${nearName(options.cwd, path)}: ${sizeText(size)}`);
  const lacking =
    options.failures === 0
      ? []
      : [
          `warning: ${counted(options.failures, 'image')} could not be had and ${options.failures === 1 ? 'is' : 'are'} not in it`,
        ];
  return [...lines, `set ${set.id}`, ...lacking];
}

/** The same for programs. */
export function bundleFields({ files, reservation, delta }: WrittenBundle): Readonly<Record<string, unknown>> {
  const { set, bytes, isComplete } = reservation;
  return {
    set: set.id,
    volumes: set.volumes,
    bytes,
    written: files ?? [],
    stoodAlready: isComplete,
    ...(delta === undefined ? {} : { savedBlobs: delta.savedBlobs, savedBytes: delta.savedBytes }),
  };
}

/** What a set that is not here whole can and cannot give; empty when it is whole. */
export function missingVolumeText({ set, missingVolumes }: BundleSource): string | undefined {
  if (set === undefined || missingVolumes.length === 0) return undefined;
  const { which, are, it } = volumeWords(missingVolumes);
  return `${which} ${are} not here (of ${set.volumes} of set ${shortSetId(set.id)}): what is here is loaded, the rest waits for ${it}`;
}

/** `volume 2`, `is`, `it`, or `volumes 2, 3`, `are`, `them`. */
export function volumeWords(numbers: readonly number[]): {
  readonly which: string;
  readonly are: string;
  readonly it: string;
} {
  const shown = numbers.join(', ');
  return numbers.length === 1
    ? { which: `volume ${shown}`, are: 'is', it: 'it' }
    : { which: `volumes ${shown}`, are: 'are', it: 'them' };
}
