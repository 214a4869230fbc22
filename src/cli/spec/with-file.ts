/** airgap.yaml becomes what the command line would have said: flags and inputs. What the command line says itself wins. */
import { resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { AirgapError } from '../../errors.ts';
import type { RequestedReference } from '../../input/requested.ts';
import type { SpecEntry } from '../../spec/spec.ts';
import { splitPlace } from '../../store/location.ts';
import type { Action, Invocation } from '../define/wiring.ts';
import { type Flags, switchFlag, textFlag } from '../flags.ts';
import { defaultLock } from '../settings.ts';
import { nonEmpty } from '../settings-parts.ts';
import { blameFile, type TakenKey } from './blame.ts';
import { entriesFor, namesImages, releaseIn } from './entries.ts';
import { type FoundSpec, findSpec, isFile, nearPath } from './find-file.ts';

/** Runs an action with what airgap.yaml adds to an invocation; what the action throws about that names its lines. Throws ERR_INPUT_INVALID for a file that cannot be read. */
export async function runWithFile(given: Invocation, run: { command: Command; action: Action }): Promise<number> {
  const found = await findSpec(given.flags, given.context);
  if (found === undefined) return run.action(given);
  const { invocation, keys } = await withFile(given, { command: run.command, found });
  try {
    return await run.action(invocation);
  } catch (error) {
    throw blameFile(error, { name: found.spec.name, directory: found.directory, keys });
  }
}

async function withFile(
  given: Invocation,
  { command, found }: { readonly command: Command; readonly found: FoundSpec },
): Promise<{ readonly invocation: Invocation; readonly keys: readonly TakenKey[] }> {
  const { context } = given;
  const own = ownFlags(given.flags, command);
  const naming = namesImages(given.inputs, own);
  const lockStands = await isFile(lockOf(found, { own, context }));
  const entries = entriesFor(found.spec, { command: command.name(), own, naming, lockStands }).filter(
    ({ entry: { key } }) => key.variable === undefined || nonEmpty(context.env[key.variable]) === undefined,
  );
  const added: Record<string, unknown> = {};
  for (const { entry, option } of entries) addFlag(added, { entry, option, command, found, cwd: context.cwd });
  const isMirror = ['mirror', 'plan', 'egress'].includes(command.name());
  const lists = isMirror && !naming ? await listsOf(found, context.cwd) : [];
  const declared = isMirror && !naming ? declaredImages(found) : [];
  tell(given, { name: found.spec.name, left: naming && isMirror && (found.spec.images.length > 0 || hasNames(found)) });
  const declaredRelease = naming ? releaseIn(found.spec) : undefined;
  // What was typed is not the file's, even where the file says it too.
  const keys = entries.filter(({ option }) => {
    const known = optionOf(command, `--${option}`) ?? optionOf(command, `--no-${option}`);
    return known !== undefined && own[known.attributeName()] === undefined;
  });
  const declaredKeys = new Map(keys.map(({ entry, option }) => [option, nameOf(entry, found)]));
  const flags = { ...given.flags, ...added, ...own, declared, declaredRelease, declaredKeys };
  return { invocation: { ...given, inputs: [...given.inputs, ...lists], flags }, keys };
}

/** A key of the file, for readers who look for it there. */
function nameOf({ group, key }: SpecEntry, { spec }: FoundSpec): string {
  return `${spec.name}: ${group}.${key.name}`;
}

/** The lock that is meant, whoever names it. Absolute. */
function lockOf(
  { spec, directory }: FoundSpec,
  { own, context: { env, cwd } }: { readonly own: Flags; readonly context: Invocation['context'] },
): string {
  const typed = textFlag(own, 'lock') ?? nonEmpty(env.AIRGAP_LOCK);
  if (typed !== undefined) return resolve(cwd, typed);
  const declared = spec.entries.find(({ key }) => key.option === 'lock')?.values[0]?.text;
  return declared === undefined ? resolve(cwd, defaultLock) : resolve(directory, declared);
}

/** What was really typed: defaults of `--no-…` options are left out. */
function ownFlags(flags: Flags, command: Command): Flags {
  return Object.fromEntries(Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli'));
}

interface Adding {
  readonly entry: SpecEntry;
  /** Long name without dashes, for this command. */
  readonly option: string;
  readonly command: Command;
  readonly found: FoundSpec;
  readonly cwd: string;
}

/** An option this command does not have is not for it. */
function addFlag(added: Record<string, unknown>, adding: Adding): void {
  const { entry, command } = adding;
  const positive = optionOf(command, `--${adding.option}`);
  const negative = optionOf(command, `--no-${adding.option}`);
  const name = (positive ?? negative)?.attributeName();
  if (name === undefined) return;
  if (entry.key.name === 'naming') added[name] = entry.values[0]?.text === 'by-registry';
  else if (entry.on === false) {
    if (negative !== undefined || !entry.key.option?.startsWith('no-')) added[name] = false;
  } else if (entry.on === true) {
    if (positive !== undefined && !positive.required) added[name] = true;
  } else if (positive !== undefined) {
    for (const text of textsOf(adding)) added[name] = positive.parseArg ? positive.parseArg(text, added[name]) : text;
  }
}

function optionOf(command: Command, long: string): Option | undefined {
  return command.options.find((option) => option.long === long);
}

function textsOf({ entry, found: { directory }, cwd }: Adding): string[] {
  const near = (name: string): string => nearPath(name, { directory, cwd });
  const { kind, meaning } = entry.key;
  return entry.values.map(({ text }) => {
    if (meaning === 'location') {
      const { scheme, path = '' } = splitPlace(text) ?? {};
      return path === '' ? text : `${scheme}${near(path)}`;
    }
    if (meaning === 'file-or-id' && /^[0-9a-f]{64}$/.test(text)) return text;
    if (meaning === undefined || meaning === 'image') return text;
    const isNamed = kind === 'pairs' || (meaning === 'file-of' && /^[^=/]+=/.test(text));
    const start = isNamed ? text.indexOf('=') + 1 : 0;
    return `${text.slice(0, start)}${near(text.slice(start))}`;
  });
}

/** Lists are files, whatever they are called. */
async function listsOf({ spec, directory }: FoundSpec, cwd: string): Promise<string[]> {
  const lists = spec.entries.filter(({ key }) => key.name === 'lists').flatMap(({ values }) => values);
  for (const { text, line } of lists) {
    if (await isFile(resolve(directory, text))) continue;
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot read ${JSON.stringify(text)}: file not found`, {
      origins: [`${spec.name}:${line}`],
      hint: `${spec.name}:${line} names it; names there are relative to that file`,
    });
  }
  return lists.map(({ text }) => nearPath(text, { directory, cwd }));
}

function declaredImages({ spec }: FoundSpec): RequestedReference[] {
  return spec.images.map(({ line, reference, retag }) => ({
    reference,
    ...(retag && { retag }),
    origins: [{ document: spec.name, line }],
  }));
}

function hasNames({ spec }: FoundSpec): boolean {
  return spec.entries.some(({ key }) => key.names === true);
}

/** Standard error, as nothing that decides about output has been read yet. */
function tell({ flags, context }: Invocation, { name, left }: { readonly name: string; readonly left: boolean }): void {
  if (switchFlag(flags, 'quiet')) return;
  const shown = JSON.stringify(name);
  const images = left ? '; its images are left out, as some are named here' : '';
  const hint = textFlag(flags, 'file') === undefined ? ' (--no-file to do without)' : '';
  context.stderr.write(`note: taking what is not said here from ${shown}${hint}${images}\n`);
}
