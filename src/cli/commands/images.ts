/** `airgap images`: the images of a Talos release as talosctl prints them, of an upgrade, or what changes between two. */
import { talosBundle, talosImages } from '../../talos/catalogue.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { type PrintedImages, printedExtras } from '../extras/printed-images.ts';
import { type Flags, listFlag, switchFlag } from '../flags.ts';
import { showDiff } from '../releases/diff.ts';
import { selectedImages } from '../releases/release-images.ts';
import { nodeArchitecture } from '../releases/selection.ts';
import { upgradeLines, upgradePart } from '../releases/upgrade-text.ts';
import { jsonLine } from '../report/json.ts';
import { writeLines } from '../report/reporter.ts';
import { readSettings, type Settings } from '../settings.ts';
import { usageError } from '../values.ts';

export async function images({ flags, context }: Invocation): Promise<number> {
  const settings = readSettings([], flags, context);
  const diff = listFlag(flags, 'diff');
  const sizes = switchFlag(flags, 'sizes');
  if (sizes && diff.length === 0) throw usageError('Cannot use --sizes without --diff');
  if (diff.length > 0) {
    refuseBeside('--diff', flags, [...besideDiff, ...extraOptions]);
    return showDiff({ context, settings, releases: diff, sizes });
  }
  const { talos } = settings;
  const pathOnly = switchFlag(flags, 'path');
  if (talos === undefined && (settings.extras.configs.length === 0 || pathOnly || switchFlag(flags, 'bundle')))
    throw usageError('Cannot print images: no release was named', 'for example airgap images --talos v1.14.4');
  if (pathOnly) refuseBeside('--path', flags, [['bundle', '--bundle'], ...extraOptions]);
  if (pathOnly && settings.upgradeFrom === undefined)
    throw usageError('Cannot print a path: --talos names one release', 'for example --talos v1.13.9..v1.14.4 --path');
  const extras = pathOnly ? noExtras : await printedExtras(settings, context);
  if (typeof extras === 'number') return extras;
  const own = talos === undefined ? noRelease : listOf({ ...settings, talos }, switchFlag(flags, 'bundle'));
  const list = withExtras(own, extras);
  const { unicode, quiet, json } = settings.output;
  if (json) {
    const { path, ...fields } = list;
    context.stdout.write(`${jsonLine({ ...fields, ...upgradePart(path) }, 2)}\n`);
    return exitCodes.ok;
  }
  const way = list.path === undefined ? [] : upgradeLines(list.path, unicode);
  const notes = [...list.notes, ...(pathOnly ? [] : way)].map((note) => `note: ${note}`);
  const warnings = (list.warnings ?? []).map((warning) => `warning: ${warning}`);
  if (!quiet) writeLines(context.stderr, [...notes, ...warnings]);
  writeLines(context.stdout, pathOnly ? way : list.images);
  return exitCodes.ok;
}

/** Flags of `images` that say nothing beside others, with their options. */
type Options = readonly (readonly [flag: string, option: string])[];

const extraOptions: Options = [
  ['extensions', '--extensions'],
  ['overlays', '--overlays'],
  ['schematic', '--schematic'],
  ['config', '--config'],
  ['secureboot', '--secureboot'],
  ['factory', '--factory'],
  ['installerPlatform', '--installer-platform'],
];
const besideDiff: Options = [
  ['talos', '--talos'],
  ['bundle', '--bundle'],
  ['path', '--path'],
];

/** What would be passed over is refused. */
function refuseBeside(option: '--diff' | '--path', flags: Flags, others: Options): void {
  const other = others.find(([flag]) => flags[flag] !== undefined);
  if (other === undefined) return;
  const state = option === '--diff' ? 'it compares default images, and names the releases itself' : 'it prints steps';
  throw usageError(`Cannot use ${option} with ${other[1]}: ${state}`);
}

interface Printed {
  /** Undefined where only configurations were given. */
  readonly talos: string | undefined;
  readonly kubernetes: string | undefined;
  readonly images: readonly string[];
  readonly notes: readonly string[];
  readonly warnings?: readonly string[];
  readonly path?: ReturnType<typeof selectedImages>['path'];
}

const noExtras: PrintedImages = { images: [], notes: [], warnings: [] };

const noRelease: Printed = { talos: undefined, kubernetes: undefined, images: [], notes: [] };

function withExtras(list: Printed, extras: PrintedImages): Printed {
  return {
    ...list,
    images: [...new Set([...list.images, ...extras.images])],
    notes: [...list.notes, ...extras.notes],
    ...(extras.warnings.length === 0 ? {} : { warnings: extras.warnings }),
  };
}

function listOf(settings: Settings & { readonly talos: TalosVersion }, bundle: boolean): Printed {
  const { talos, upgradeFrom, catalogue, kubernetes } = settings;
  const name = printTalosVersion(talos);
  if (bundle) {
    if (kubernetes.length > 0)
      throw usageError('Cannot use --kubernetes with --bundle: the bundle holds no Kubernetes images');
    const releases = upgradeFrom === undefined ? [talos] : selectedImages(settings).releases;
    return { talos: name, kubernetes: undefined, images: releases.flatMap(talosBundle), notes: [] };
  }
  if (upgradeFrom !== undefined) {
    const { images: all, notes, path } = selectedImages(settings);
    return { talos: name, kubernetes: path?.kubernetes.to, images: all.map(({ reference }) => reference), notes, path };
  }
  const versions = kubernetes.length === 0 ? [undefined] : kubernetes;
  const lists = versions.map((version) =>
    talosImages(talos, { kubernetes: version, catalogue, arch: nodeArchitecture(settings) }),
  );
  return {
    talos: name,
    kubernetes: lists.map((list) => list.kubernetes).join(', '),
    images: [...new Set(lists.flatMap((list) => list.images))],
    notes: [...new Set(lists.flatMap((list) => list.notes))],
  };
}
