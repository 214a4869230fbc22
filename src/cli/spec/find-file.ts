/** Which airgap.yaml counts, and what is in it. */
import { lstat, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { AirgapError } from '../../errors.ts';
import { maxSpecLength, parseSpec } from '../../spec/parse.ts';
import type { Spec } from '../../spec/spec.ts';
import type { Context } from '../context.ts';
import { readInputFile } from '../files.ts';
import type { Flags } from '../flags.ts';
import { nonEmpty } from '../settings-parts.ts';
import { usageError } from '../values.ts';

/** The file that is read when none is named. */
export const defaultSpecFile = 'airgap.yaml';

/** A file that was read. */
export interface FoundSpec {
  readonly spec: Spec;
  /** Absolute: what its file names start from. */
  readonly directory: string;
}

/**
 * Reads what `--file` or AIRGAP_FILE names, else airgap.yaml where there is one. Undefined with `--no-file`, and where there is none.
 * Throws ERR_INPUT_INVALID with every problem of the file.
 */
export async function findSpec(
  flags: Flags,
  { env, cwd, signal }: Pick<Context, 'env' | 'cwd' | 'signal'>,
): Promise<FoundSpec | undefined> {
  if (flags.file === false) return undefined;
  const named = typeof flags.file === 'string' ? flags.file : nonEmpty(env.AIRGAP_FILE);
  const path = resolve(cwd, named ?? defaultSpecFile);
  if (named === undefined && !(await stands(path))) return undefined;
  const shown = named ?? defaultSpecFile;
  const bytes = await readSpecFile(path, { shown, signal });
  return { spec: parseSpec(shown, textOf(bytes, shown)), directory: dirname(path) };
}

/** A name in the file, as it would be given on the command line here. */
export function nearPath(
  name: string,
  { directory, cwd }: { readonly directory: string; readonly cwd: string },
): string {
  const near = relative(cwd, resolve(directory, name));
  const end = /[/\\]$/.test(name) ? '/' : '';
  return near === '' ? `.${end}` : `${near}${end}`;
}

/** A link that leads nowhere stands there too: what was declared is not left out without a word. */
async function stands(path: string): Promise<boolean> {
  const [itself, meant] = await Promise.all([lstat, stat].map((look) => look(path).catch(() => undefined)));
  return itself !== undefined && meant?.isDirectory() !== true;
}

/** Whether there is something other than a folder. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => !found.isDirectory(),
    () => false,
  );
}

async function readSpecFile(
  path: string,
  { shown, signal }: { readonly shown: string; readonly signal: AbortSignal },
): Promise<Uint8Array> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot read ${JSON.stringify(shown)}: file not found`, {
      hint: 'make one with airgap init',
    });
  }
  // Four bytes are the most that a character takes.
  if (found.size > 4 * maxSpecLength)
    throw usageError(`Cannot read ${JSON.stringify(shown)}: it is ${found.size} bytes long`);
  return readInputFile(path, shown, { signal });
}

function textOf(bytes: Uint8Array, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new AirgapError('ERR_INPUT_INVALID', `Cannot read ${JSON.stringify(shown)}: it is not UTF-8 text`);
  }
}
