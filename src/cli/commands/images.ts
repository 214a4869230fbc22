/** `airgap images`: the images of a Talos release, printed as talosctl of that release prints them. */
import { talosBundle, talosImages } from '../../talos/catalogue.ts';
import { parseTalosVersion, printTalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { switchFlag, textFlag } from '../flags.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { usageError } from '../values.ts';

export async function images({ flags, context }: Invocation): Promise<number> {
  const text = textFlag(flags, 'talos');
  if (text === undefined)
    throw usageError('Cannot print images: no release was named', 'for example airgap images --talos v1.14.4');
  const version = parseTalosVersion(text);
  const bundle = switchFlag(flags, 'bundle');
  const kubernetes = textFlag(flags, 'kubernetes');
  if (bundle && kubernetes !== undefined)
    throw usageError('Cannot use --kubernetes with --bundle: the bundle holds no Kubernetes images');
  const list = bundle
    ? { images: talosBundle(version), notes: [], kubernetes: undefined }
    : talosImages(version, { kubernetes });
  if (switchFlag(flags, 'json')) {
    const { images: references, notes } = list;
    context.stdout.write(
      `${jsonLine({ talos: printTalosVersion(version), kubernetes: list.kubernetes, images: references, notes }, 2)}\n`,
    );
    return exitCodes.ok;
  }
  if (!switchFlag(flags, 'quiet'))
    writeLines(
      context.stderr,
      list.notes.map((note) => `note: ${note}`),
    );
  writeLines(context.stdout, list.images);
  return exitCodes.ok;
}
