/** What to do after a run. Pure. */
import { relative } from 'node:path';
import { quoteShell } from '../oci/shell.ts';
import { printLocation } from '../store/location.ts';
import type { WrittenBundle } from './bundle/writing.ts';
import { otherEndpoint } from './placing.ts';
import { counted, tableLines } from './report/text.ts';
import type { Settings } from './settings.ts';

export interface WrittenFiles {
  readonly lock?: string;
  readonly patch?: string;
  /** Release the patch is written for. */
  readonly talos?: string;
  /** An endpoint in it that nodes cannot reach. */
  readonly unreachable?: string;
  /** Files in --output-dir. */
  readonly more?: readonly string[];
  /** Files with credentials and keys. */
  readonly secrets?: readonly string[];
}

export interface Ended {
  readonly settings: Settings;
  readonly files: WrittenFiles;
  readonly failures: number;
  /** How many of them wait for volumes. Default 0. */
  readonly waiting?: number;
  /** Images that stand. */
  readonly mirrored: number;
  /** Where a bundle was written. */
  readonly bundle?: WrittenBundle | undefined;
  /** What else is to be done with what was written. Default: nothing. */
  readonly more?: readonly Step[];
  /** Width of the terminal. Default: any. */
  readonly columns?: number | undefined;
}

/** A line to type or to do, and what it is for. */
export type Step = readonly [line: string, purpose?: string];

export function nextLines(ended: Ended): string[] {
  const { settings, files, failures, waiting = 0, mirrored, bundle, more = [], columns } = ended;
  const lines = writtenLines(settings, files);
  const next: Step[] = againSteps(failures - waiting, waiting);
  if (mirrored > 0 && settings.to.kind === 'layout') next.push(...layoutSteps(settings, files));
  if (bundle?.files !== undefined) next.push(...bundleSteps(settings));
  next.push(...more);
  if (files.unreachable !== undefined) next.push(emitStep(settings, otherEndpoint(files.unreachable)));
  // The first file with secrets is that of Talos; others go beside the files of other programs.
  if (files.patch !== undefined) {
    const patches = [files.patch, ...(files.secrets ?? []).slice(0, 1)];
    const canBeAsked = settings.to.kind === 'registry' && files.unreachable === undefined;
    if (canBeAsked && files.talos !== undefined) next.push(proofStep(settings, { talos: files.talos, files: patches }));
    next.push(patchStep(settings.cwd, patches));
  }
  return next.length === 0 ? lines : [...lines, '', 'Next:', ...stepLines(next, columns)];
}

/** How it is shown, before nodes are given these files, that they will find the images of the lock. `talos`: as in `v1.14.4`. */
export function proofStep(
  { cwd, lockFile, lockGiven }: Pick<Settings, 'cwd' | 'lockFile' | 'lockGiven'>,
  written: { readonly talos: string; readonly files: readonly string[] },
): Step {
  const lock = lockGiven ? ` --lock ${quoteShell(nearName(cwd, lockFile))}` : '';
  const configs = written.files.map((file) => ` --config ${quoteShell(nearName(cwd, file))}`).join('');
  return [
    `airgap verify --as talos@${written.talos}${lock} --config controlplane.yaml${configs}`,
    'on your own configuration: will nodes find every image?',
  ];
}

/** How running nodes are given these files; all in one call, as the parts may need each other. */
export function patchStep(cwd: string, files: readonly string[]): Step {
  const patches = files.map((file) => ` --patch ${quoteShell(`@${nearName(cwd, file)}`)}`);
  return [`talosctl patch machineconfig --nodes NODE${patches.join('')}`];
}

/** The lines below `Next:`. What is said beside the lines stands below each other, and under each line where there is no room. */
export function stepLines(steps: readonly Step[], columns = Number.POSITIVE_INFINITY): string[] {
  const aligned = tableLines(
    steps.flatMap(([line, purpose]) => (purpose === undefined ? [] : [[line, purpose]])),
    { indent: '  ' },
  );
  if (aligned.some((line) => line.length > columns))
    return steps.flatMap(([line, purpose]) => [`  ${line}`, ...(purpose === undefined ? [] : [`      ${purpose}`])]);
  return steps.map(([line, purpose]) => (purpose === undefined ? `  ${line}` : (aligned.shift() ?? '')));
}

function againSteps(failed: number, waiting: number): Step[] {
  const again = 'run the same command again';
  const steps: Step[] = [];
  if (waiting > 0) {
    const wait = `${counted(waiting, 'image')} ${waiting === 1 ? 'waits' : 'wait'}`;
    steps.push([`${again} with the next volumes: what was here is loaded and stays (${wait})`]);
  }
  if (failed > 0)
    steps.push([
      `${again} when the cause is gone: it copies only what is missing (${counted(failed, 'image')} failed)`,
    ]);
  return steps;
}

function writtenLines(settings: Settings, files: WrittenFiles): string[] {
  const lines: string[] = [];
  if (files.lock !== undefined)
    lines.push(
      `wrote ${nearName(settings.cwd, files.lock)}: what stands at ${printLocation(settings.to)}, digest by digest`,
    );
  if (files.patch !== undefined)
    lines.push(
      `wrote ${nearName(settings.cwd, files.patch)}: the configuration for Talos ${files.talos ?? ''}`.trimEnd(),
    );
  for (const file of files.more ?? []) lines.push(`wrote ${nearName(settings.cwd, file)}`);
  for (const file of files.secrets ?? []) lines.push(`wrote ${nearName(settings.cwd, file)}, for your eyes only`);
  if (files.lock === undefined)
    lines.push('No image stands: the lock and the Talos configuration are left as they were.');
  return lines;
}

function layoutSteps(settings: Settings, files: WrittenFiles): Step[] {
  const directory = settings.to.kind === 'layout' ? settings.to.directory : '';
  const lock = nearName(settings.cwd, settings.lockFile);
  const serve: Step = [`airgap serve ${quoteShell(directory)} --listen :6000`, 'for the nodes'];
  const carry: Step = [
    `airgap mirror ${quoteShell(lock)} --from oci:${quoteShell(directory)} --to HOST:PORT`,
    'to put it into a registry later',
  ];
  if (files.patch !== undefined) return [serve, carry];
  return [serve, emitStep(settings, 'http://ADDRESS:6000'), carry];
}

function bundleSteps(settings: Settings): Step[] {
  if (settings.bundle.onlyVolume !== undefined)
    return [['put it with the other volumes of the set, in place of the one that is lost']];
  const place = quoteShell(printLocation(settings.to));
  const key = settings.bundle.signKeyFile === undefined ? '' : ' --verify-key PUBLIC.pem';
  const check: Step = [`airgap check ${place}${key}`, 'on the other side of the gap: did it arrive whole?'];
  const load: Step = [`airgap mirror --from ${place} --to HOST:PORT${key}`, 'into a registry there'];
  if (settings.bundle.haveFiles.length > 0) return [check, load];
  return [check, load, [`airgap serve ${place} --listen :6000${key}`, 'or straight to the nodes, without a registry']];
}

function emitStep(settings: Settings, endpoint: string): Step {
  const option = settings.lockGiven ? ` --lock ${quoteShell(nearName(settings.cwd, settings.lockFile))}` : '';
  const output = quoteShell(nearName(settings.cwd, settings.patchFile));
  return [`airgap emit${option} --endpoint ${endpoint} --output ${output}`, 'ADDRESS: this machine as nodes see it'];
}

/** A file relative to where the user is, when that is below. */
export function nearName(cwd: string, file: string): string {
  const near = relative(cwd, file);
  return near.startsWith('..') || near === '' ? file : near;
}
