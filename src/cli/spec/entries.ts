/** Which entries of airgap.yaml a command takes. Pure. */
import type { Spec, SpecEntry } from '../../spec/spec.ts';
import { splitPlace } from '../../store/location.ts';
import { readVersion, type TalosVersion } from '../../talos/version.ts';
import { type Flags, listFlag, textFlag } from '../flags.ts';
import type { TakenKey } from './blame.ts';

/** Groups whose keys mean the same in commands that copy nothing; of images only what says which release and which installer. */
const groupsOf: Readonly<Record<string, readonly string[]>> = {
  verify: ['target', 'connections', 'files'],
  emit: ['target', 'nodes', 'files'],
};
const releaseKeys: Readonly<Record<string, readonly string[]>> = {
  verify: ['catalogue'],
  emit: ['talos', 'catalogue'],
};
/** For emit they say what is installed, so they count only where that was asked for. */
const installerKeys: readonly string[] = ['schematics', 'installerPlatforms', 'secureboot', 'factory'];

/** Options of the same name that mean something else there: egress writes its own list, not what nodes are told. */
const otherMeanings: Readonly<Record<string, readonly string[]>> = { egress: ['format', 'output', 'output-dir'] };

/** Options of which one speaks against the other: the one on the command line leaves the other in the file out. */
const opposites: Readonly<Record<string, readonly string[]>> = {
  from: ['source-endpoint'],
  sourceEndpoint: ['from'],
  ntp: ['time-sync'],
  timeSync: ['ntp'],
  output: ['output-dir'],
  outputDir: ['output'],
};

/**
 * Whether the command line says which images: by inputs, by components in place of images, or by a directory or a bundle to be read,
 * which without inputs is meant as a whole. Then the images of the file are left out: two answers to one question would mirror more than was asked for.
 */
export function namesImages(inputs: readonly string[], own: Flags): boolean {
  const from = textFlag(own, 'from');
  return (
    inputs.length > 0 ||
    listFlag(own, 'components').length > 0 ||
    (from !== undefined && splitPlace(from) !== undefined)
  );
}

/** What is known of a command line. */
export interface Typed {
  readonly command: string;
  /** The flags that were typed. */
  readonly own: Flags;
  /** It says which images. */
  readonly naming: boolean;
  /** The lock it means is there. */
  readonly lockStands: boolean;
}

/** In the order of the file. */
export function entriesFor(spec: Spec, typed: Typed): TakenKey[] {
  const { command, own, naming } = typed;
  const left = new Set([
    ...Object.keys(own).flatMap((name) => opposites[name] ?? []),
    ...notForTarget(own),
    ...notForLock(typed),
    ...(otherMeanings[command] ?? []),
  ]);
  const installs =
    own.installImage === true || spec.entries.some(({ key, on }) => key.name === 'installImage' && on === true);
  return spec.entries.flatMap((entry): TakenKey[] => {
    const { key, group } = entry;
    if (key.option === undefined || left.has(key.option) || !isFor(entry, { command, installs })) return [];
    if (group === 'images' && key.names === true && naming) return [];
    return optionsFor(entry, { command, spec });
  });
}

function isFor({ group, key }: SpecEntry, about: { readonly command: string; readonly installs: boolean }): boolean {
  const { command, installs } = about;
  const groups = groupsOf[command];
  if (groups === undefined || groups.includes(group)) return true;
  // Whoever looks as a node does looks with what nodes were given.
  if (command === 'verify' && group === 'nodes') return key.name === 'secrets';
  if (group !== 'images') return false;
  return (
    releaseKeys[command]?.includes(key.name) === true ||
    (command === 'emit' && installs && installerKeys.includes(key.name))
  );
}

/** What only goes with another kind of target than the one that was typed. */
function notForTarget(own: Flags): string[] {
  const to = textFlag(own, 'to');
  if (to === undefined) return [];
  const scheme = splitPlace(to)?.scheme;
  return [
    ...(scheme === undefined ? [] : ['prefix-by-registry']),
    ...(scheme === 'bundle:' ? [] : ['volume-size', 'have', 'sign-key', 'include-self']),
  ];
}

/** A lock knows where its images are, by which scheme and which names: emit asks it where it is there, and verify where it was typed. */
function notForLock({ command, own, naming, lockStands }: Typed): string[] {
  const place = ['to', 'prefix-by-registry'];
  if (command === 'verify') return own.lock === undefined ? [] : place;
  if (command !== 'emit' || naming) return [];
  return lockStands ? place : ['lock'];
}

/** For emit `--talos` is the release the configuration is for: that of the nodes before that of the images, and of an upgrade its start. */
function optionsFor(
  entry: SpecEntry,
  { command, spec }: { readonly command: string; readonly spec: Spec },
): TakenKey[] {
  const option = entry.key.option ?? '';
  if (command !== 'emit') return [{ entry, option }];
  if (option === 'talos-version') return [{ entry, option: 'talos' }];
  if (option !== 'talos') return [{ entry, option }];
  if (spec.entries.some(({ key }) => key.option === 'talos-version')) return [];
  return [
    {
      entry: { ...entry, values: entry.values.map((value) => ({ ...value, text: startOf(value.text) })) },
      option,
    },
  ];
}

/** The release nodes run by `images.talos`, of an upgrade its start; undefined where it names none. */
export function releaseIn(spec: Spec): TalosVersion | undefined {
  const named = spec.entries.find(({ key }) => key.option === 'talos')?.values[0]?.text;
  return named === undefined ? undefined : readVersion(startOf(named));
}

function startOf(releases: string): string {
  return releases.split('..')[0] ?? '';
}
