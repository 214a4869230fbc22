/** Emitted files reach the user: in a folder, a file or on standard output; secrets in a file of their own. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { EmittedFile } from '../../emit/emitted.ts';
import { emitFormat, type FormatName, formatNames } from '../../emit/formats/formats.ts';
import { nodeMirrorsOf } from '../../emit/talos/mirrors.ts';
import {
  emitTalosConfig,
  type TalosConfigFiles,
  type TalosConfigOptions,
  talosSecretsPath,
} from '../../emit/talos-config.ts';
import { checkWritable, writeFileAtomic } from '../files.ts';
import { namedText } from '../placing.ts';
import { usageError } from '../values.ts';

/** What was asked for, once each, in order. */
export type AskedFormat = 'talos' | FormatName;

/** Throws ERR_USAGE for a name that is none. Nothing given: the Talos configuration. */
export function readFormats(names: readonly string[]): AskedFormat[] {
  const known: readonly AskedFormat[] = ['talos', ...formatNames];
  const formats = names.map((name) => {
    const format = known.find((one) => one === name);
    if (format !== undefined) return format;
    throw usageError(`Cannot write --format ${JSON.stringify(name)}: it is none of ${known.join(', ')}`);
  });
  return formats.length === 0 ? ['talos'] : [...new Set(formats)];
}

export interface Destination {
  /** Absolute. At most one of the two. */
  readonly file: string | undefined;
  readonly directory: string | undefined;
  /** Absolute. */
  readonly secrets: string | undefined;
  /** It is for the secrets of Talos alone, as they are written there already. */
  readonly secretsTaken?: true;
  /** Files that are read or written besides and must stay what they are. Absolute. */
  readonly others: readonly string[];
}

/** What is asked for: in which formats, and where it goes. */
export interface Asked {
  readonly formats: readonly AskedFormat[];
  /** Named by some formats. */
  readonly cluster: string | undefined;
  readonly to: Destination;
  /** What a single text calls itself where it goes to no file. Absolute. */
  readonly patchFile: string;
}

export interface Emitted {
  /** Without secrets. For a single text: one file, named as the text says. */
  readonly files: readonly EmittedFile[];
  /** Absolute names of what was written, without secrets. */
  readonly written: readonly string[];
  readonly writtenSecrets: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Writes what has a place; the rest is for standard output. Every place is looked at before anything is written. Throws ERR_USAGE where
 * several formats have no folder to go to, and where two files would go to one place.
 */
export async function emitTo(options: TalosConfigOptions, asked: Asked): Promise<Emitted> {
  const { files, places, secrets, warnings } = layOut(options, asked);
  for (const { path } of [...places, ...secrets]) await checkWritable(path);
  for (const { path, text } of places) await writeFileAtomic(path, text);
  for (const { path, text } of secrets) await writeFileAtomic(path, text, { mode: 0o600 });
  const names = (written: readonly EmittedFile[]): string[] => written.map(({ path }) => path);
  return { files, written: names(places), writtenSecrets: names(secrets), warnings };
}

/** As emitTo(), and writes nothing: throws what it throws, without `write` nothing for places that cannot be written. */
export async function tryEmitting(
  options: TalosConfigOptions,
  asked: Asked & { readonly write: boolean },
): Promise<void> {
  const { places, secrets } = layOut(options, asked);
  if (asked.write) for (const { path } of [...places, ...secrets]) await checkWritable(path);
}

interface LaidOut extends Pick<Emitted, 'files' | 'warnings'> {
  /** What has a place, by its absolute name. */
  readonly places: readonly EmittedFile[];
  readonly secrets: readonly EmittedFile[];
}

/** Makes what was asked for and gives it its places; throws what can be said before anything is written. */
function layOut(options: TalosConfigOptions, asked: Asked): LaidOut {
  const { to, formats } = asked;
  if (formats.length > 1 && to.directory === undefined) {
    throw usageError(
      `Cannot write ${formats.join(', ')} into one text: they are files of different programs`,
      'name a folder with --output-dir',
    );
  }
  const all = makeAll(asked, { ...options, split: to.directory !== undefined });
  checkOneFile(all.files, { format: formats[0], to });
  const file = to.file ?? asked.patchFile;
  const files =
    to.directory === undefined ? [{ path: file, text: oneText(all.files, { file, options, formats }) }] : all.files;
  checkSecrets(all.secrets, to);
  const places = placesOf(files, to);
  const secrets = secretPlaces(all.secrets, to);
  checkApart([...places, ...secrets], to.others);
  return { files, places, secrets, warnings: all.warnings.map(named(all.secrets, to)) };
}

/** Files of a node have places of their own: in one text none of them would be read. */
function checkOneFile(
  files: readonly EmittedFile[],
  { format, to }: { readonly format: AskedFormat | undefined; readonly to: Destination },
): void {
  if (to.file === undefined || files.length < 2 || format === 'talos') return;
  throw usageError(
    `Cannot write --format ${format} to one --output: it is ${files.length} files, ${files.map(({ path }) => path).join(', ')}`,
    'name a folder with --output-dir',
  );
}

/** Warnings name a file with secrets as it was asked for. */
function named(secrets: readonly EmittedFile[], { secrets: file }: Destination): (warning: string) => string {
  const [only, other] = secrets;
  if (only === undefined || other !== undefined || file === undefined) return (warning) => warning;
  return (warning) => warning.replaceAll(basename(only.path), () => basename(file));
}

function makeAll(asked: Asked, options: TalosConfigOptions): TalosConfigFiles {
  const made = asked.formats.map((format) => make(format, { options, asked }));
  const carriesPatches = asked.formats.some((format) => format === 'omni' || format === 'talosctl');
  const secrets = made.flatMap((one) => one.secrets);
  return {
    files: made.flatMap(({ files }) => files),
    secrets:
      carriesPatches && !asked.formats.includes('talos') ? [...emitTalosConfig(options).secrets, ...secrets] : secrets,
    warnings: made.flatMap(({ warnings }) => warnings),
  };
}

function make(
  format: AskedFormat,
  { options, asked }: { readonly options: TalosConfigOptions; readonly asked: Asked },
): TalosConfigFiles {
  if (format === 'talos') return emitTalosConfig(options);
  const { files, secrets, warnings } = emitFormat(format, {
    mirrors: nodeMirrorsOf(options),
    version: options.version,
    settings: options.settings ?? {},
    talos: emitTalosConfig({ ...options, split: false }).files,
    cluster: asked.cluster,
  });
  // Each program's files apart, as several may have a file of the same name.
  const below = (file: EmittedFile): EmittedFile =>
    asked.formats.length === 1 ? file : { ...file, path: `${format}/${file.path}` };
  return { files: files.map(below), secrets: secrets.map(below), warnings: [...warnings] };
}

/** Several files in one text: each after a line with its name. All of them have comments after `#`. */
function oneText(
  files: readonly EmittedFile[],
  how: { readonly file: string; readonly options: TalosConfigOptions; readonly formats: readonly AskedFormat[] },
): string {
  if (how.formats.includes('talos')) return namedText(files, { file: how.file, mirrors: how.options.mirrors });
  if (files.length === 1) return files[0]?.text ?? '';
  return files.map(({ path, text }) => `# ${path}\n${text}`).join('\n');
}

function checkSecrets(secrets: readonly EmittedFile[], to: Destination): void {
  if (secrets.length === 0) return;
  if (to.secrets === undefined || (secrets.length > 1 && to.directory === undefined)) {
    throw usageError(
      `Cannot write ${secrets.map(({ path }) => path).join(', ')}: no place was named for secrets`,
      `name one with --secrets FILE${secrets.length > 1 ? ', and a folder for them with --output-dir' : ''}`,
    );
  }
  if (to.secrets === to.file)
    throw usageError('Cannot write --secrets into the file of --output: secrets are kept apart', 'name another file');
}

/** Two files of one name would leave one of them, and secrets where nobody expects them. */
function checkApart(files: readonly EmittedFile[], others: readonly string[]): void {
  const taken = new Set(others.map(realName));
  for (const { path } of files) {
    const real = realName(path);
    if (taken.has(real)) {
      throw usageError(
        `Cannot write ${JSON.stringify(path)}: it is named for something else as well, or read here`,
        'name another file for each of --output, --secrets, --lock and what is read',
      );
    }
    taken.add(real);
  }
}

/** The same file by the same name, whatever links lead to it. */
function realName(path: string): string {
  const folder = dirname(path);
  if (existsSync(path)) return realpathSync(path);
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path;
}

function placesOf(files: readonly EmittedFile[], { file, directory }: Destination): EmittedFile[] {
  if (directory !== undefined) return files.map(({ path, text }) => ({ path: join(directory, path), text }));
  return file === undefined ? [] : files.map(({ text }) => ({ path: file, text }));
}

/** That of Talos, or the only one, into the file that was named; others beside their files, which name them by their place. */
function secretPlaces(secrets: readonly EmittedFile[], to: Destination): EmittedFile[] {
  const { secrets: file, directory, secretsTaken } = to;
  if (file === undefined) return [];
  return secrets.map(({ path, text }) => {
    if (directory !== undefined && path !== talosSecretsPath && (secrets.length > 1 || secretsTaken))
      return { path: join(directory, path), text };
    return { path: file, text: text.replaceAll(`@${path}`, `@${basename(file)}`) };
  });
}
