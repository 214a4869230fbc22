/** Emitted files reach the user: in a folder, a file or on standard output; secrets in a file of their own. */
import { join } from 'node:path';
import type { EmittedFile } from '../../emit/emitted.ts';
import { emitFormat, type FormatName, formatNames } from '../../emit/formats/formats.ts';
import { nodeMirrorsOf } from '../../emit/talos/mirrors.ts';
import {
  emitTalosConfig,
  type TalosConfigFiles,
  type TalosConfigOptions,
  talosSecretsPath,
} from '../../emit/talos-config.ts';
import { writeFileAtomic } from '../files.ts';
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
}

export interface Emitted {
  /** Without secrets. For a single text: one file, named as the text says. */
  readonly files: readonly EmittedFile[];
  /** Absolute names of what was written, without secrets. */
  readonly written: readonly string[];
  readonly writtenSecrets: readonly string[];
  readonly warnings: readonly string[];
}

/** Writes what has a place; the rest is for standard output. Throws ERR_USAGE where several formats have no folder to go to. */
export async function emitTo(
  options: TalosConfigOptions,
  how: { readonly formats: readonly AskedFormat[]; readonly to: Destination; readonly patchFile: string },
): Promise<Emitted> {
  const { to, formats } = how;
  if (formats.length > 1 && to.directory === undefined) {
    throw usageError(
      `Cannot write ${formats.join(', ')} into one text: they are files of different programs`,
      'name a folder with --output-dir',
    );
  }
  const made = formats.map((format) =>
    make(format, { options: { ...options, split: to.directory !== undefined }, formats }),
  );
  const all = { files: made.flatMap(({ files }) => files), secrets: made.flatMap(({ secrets }) => secrets) };
  const file = to.file ?? how.patchFile;
  const files =
    to.directory === undefined ? [{ path: file, text: oneText(all.files, { file, options, formats }) }] : all.files;
  checkSecrets(all.secrets, to);
  const written = await writeAll(files, to);
  const writtenSecrets = await writeSecrets(all.secrets, to);
  return { files, written, writtenSecrets, warnings: made.flatMap(({ warnings }) => warnings) };
}

/** Makes every file and writes none. Throws what emitTo() throws for what a release or a format cannot say. */
export function tryFormats(options: TalosConfigOptions, formats: readonly AskedFormat[]): void {
  for (const format of formats) make(format, { options, formats });
}

function make(
  format: AskedFormat,
  { options, formats }: { readonly options: TalosConfigOptions; readonly formats: readonly AskedFormat[] },
): TalosConfigFiles {
  const talos = emitTalosConfig(options);
  if (format === 'talos') return talos;
  const { files, secrets, warnings } = emitFormat(format, {
    mirrors: nodeMirrorsOf(options),
    version: options.version,
    settings: options.settings ?? {},
    talos: emitTalosConfig({ ...options, split: false }).files,
  });
  // Each program's files apart, as several may have a file of the same name.
  const below = (file: EmittedFile): EmittedFile =>
    formats.length === 1 ? file : { ...file, path: `${format}/${file.path}` };
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

async function writeAll(files: readonly EmittedFile[], { file, directory }: Destination): Promise<string[]> {
  if (directory === undefined && file === undefined) return [];
  const places = files.map(({ path, text }) => ({
    path: directory === undefined ? path : join(directory, path),
    text,
  }));
  for (const { path, text } of places) await writeFileAtomic(path, text);
  return places.map(({ path }) => path);
}

/** That of Talos, or the only one, into the file that was named; others beside their files, which name them by their place. */
async function writeSecrets(
  secrets: readonly EmittedFile[],
  { secrets: file, directory }: Destination,
): Promise<string[]> {
  if (file === undefined) return [];
  const places = secrets.map(({ path, text }) => {
    if (directory !== undefined && path !== talosSecretsPath && secrets.length > 1)
      return { path: join(directory, path), text };
    return { path: file, text: text.replaceAll(`@${path}`, `@${nameOf(file)}`) };
  });
  for (const { path, text } of places) await writeFileAtomic(path, text, { mode: 0o600 });
  return places.map(({ path }) => path);
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}
