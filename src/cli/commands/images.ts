/** `airgap images`: the images of a Talos release as talosctl prints them, of an upgrade, or what changes between two. */
import { talosBundle, talosImages } from '../../talos/catalogue.ts';
import { printTalosVersion, type TalosVersion } from '../../talos/version.ts';
import type { Invocation } from '../define/wiring.ts';
import { exitCodes } from '../exit.ts';
import { type PrintedImages, printedExtras } from '../extras/printed-images.ts';
import { listFlag, switchFlag } from '../flags.ts';
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
    if (settings.talos !== undefined) throw usageError('Cannot use --diff with --talos: it names the releases itself');
    return showDiff({ context, settings, releases: diff, sizes });
  }
  const { talos } = settings;
  if (talos === undefined)
    throw usageError('Cannot print images: no release was named', 'for example airgap images --talos v1.14.4');
  const pathOnly = switchFlag(flags, 'path');
  if (pathOnly && settings.upgradeFrom === undefined)
    throw usageError('Cannot print a path: --talos names one release', 'for example --talos v1.13.9..v1.14.4 --path');
  const extras = pathOnly ? noExtras : await printedExtras(settings, context);
  if (typeof extras === 'number') return extras;
  const list = withExtras(listOf({ ...settings, talos }, switchFlag(flags, 'bundle')), extras);
  const { unicode, quiet, json } = settings.output;
  if (json) {
    const { path, ...fields } = list;
    context.stdout.write(`${jsonLine({ ...fields, ...upgradePart(path) }, 2)}\n`);
    return exitCodes.ok;
  }
  const way = list.path === undefined ? [] : upgradeLines(list.path, unicode);
  const notes = [...list.notes, ...(pathOnly ? [] : way)].map((note) => `note: ${note}`);
  if (!quiet) writeLines(context.stderr, notes);
  writeLines(context.stdout, pathOnly ? way : list.images);
  return exitCodes.ok;
}

interface Printed {
  readonly talos: string;
  readonly kubernetes: string | undefined;
  readonly images: readonly string[];
  readonly notes: readonly string[];
  readonly path?: ReturnType<typeof selectedImages>['path'];
}

const noExtras: PrintedImages = { images: [], notes: [] };

function withExtras(list: Printed, extras: PrintedImages): Printed {
  return {
    ...list,
    images: [...new Set([...list.images, ...extras.images])],
    notes: [...list.notes, ...extras.notes],
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
