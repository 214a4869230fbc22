/** What to do after a run. Pure. */
import { relative } from 'node:path';
import { printLocation } from '../store/location.ts';
import type { WrittenBundle } from './bundle/writing.ts';
import { otherEndpoint } from './placing.ts';
import { counted } from './report/text.ts';
import type { Settings } from './settings.ts';

export interface WrittenFiles {
  readonly lock?: string;
  readonly patch?: string;
  /** Release the patch is written for. */
  readonly talos?: string;
  /** An endpoint in it that nodes cannot reach. */
  readonly unreachable?: string;
}

export interface Ended {
  readonly settings: Settings;
  readonly files: WrittenFiles;
  readonly failures: number;
  /** Images that stand. */
  readonly mirrored: number;
  /** Where a bundle was written. */
  readonly bundle?: WrittenBundle | undefined;
}

export function nextLines({ settings, files, failures, mirrored, bundle }: Ended): string[] {
  const lines = writtenLines(settings, files);
  const next: string[] = [];
  if (failures > 0) {
    const again = 'run the same command again when the cause is gone';
    next.push(`${again}: it copies only what is missing (${counted(failures, 'image')} failed)`);
  }
  if (mirrored > 0 && settings.to.kind === 'layout') next.push(...layoutSteps(settings, files));
  if (bundle?.files !== undefined) next.push(...bundleSteps(settings));
  if (files.unreachable !== undefined) next.push(emitStep(settings, otherEndpoint(files.unreachable)));
  if (files.patch !== undefined)
    next.push(`talosctl patch machineconfig --nodes NODE --patch @${nearName(settings.cwd, files.patch)}`);
  return next.length === 0 ? lines : [...lines, '', 'Next:', ...next.map((step) => `  ${step}`)];
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
  if (files.lock === undefined)
    lines.push('No image stands: the lock and the Talos configuration are left as they were.');
  return lines;
}

function layoutSteps(settings: Settings, files: WrittenFiles): string[] {
  const directory = settings.to.kind === 'layout' ? settings.to.directory : '';
  const lock = nearName(settings.cwd, settings.lockFile);
  const serve = [`airgap serve ${quoted(directory)} --listen :6000`];
  const carry = [
    `airgap mirror ${quoted(lock)} --from oci:${quoted(directory)} --to HOST:PORT    to put it into a registry later`,
  ];
  if (files.patch !== undefined) return [...serve, ...carry];
  return [...serve, emitStep(settings, 'http://ADDRESS:6000'), ...carry];
}

function bundleSteps(settings: Settings): string[] {
  const place = quoted(printLocation(settings.to));
  const key = settings.bundle.signKeyFile === undefined ? '' : ' --verify-key PUBLIC.pem';
  return [
    `airgap check ${place}${key}    on the other side of the gap: did it arrive whole?`,
    `airgap mirror --from ${place} --to HOST:PORT${key}    into a registry there`,
    ...(settings.bundle.haveFiles.length > 0
      ? []
      : [`airgap serve ${place} --listen :6000    or straight to the nodes, without a registry`]),
  ];
}

function emitStep(settings: Settings, endpoint: string): string {
  const option = settings.lockGiven ? ` --lock ${quoted(nearName(settings.cwd, settings.lockFile))}` : '';
  const output = quoted(nearName(settings.cwd, settings.patchFile));
  return `airgap emit${option} --endpoint ${endpoint} --output ${output}    ADDRESS: this machine as nodes see it`;
}

/** A file relative to where the user is, when that is below. */
export function nearName(cwd: string, file: string): string {
  const near = relative(cwd, file);
  return near.startsWith('..') || near === '' ? file : near;
}

/** For a shell, where it needs quotes. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
