/** Errors about what airgap.yaml says, traced back to it: its reader typed no option, and knows keys and lines. Pure. */
import { resolve } from 'node:path';
import { AirgapError, type ErrorCode, isAirgapError } from '../../errors.ts';
import type { SpecEntry } from '../../spec/spec.ts';

/** A key of the file that a command was given as an option. */
export interface TakenKey {
  readonly entry: SpecEntry;
  /** Without dashes, as this command calls it. */
  readonly option: string;
}

export interface Taken {
  /** The file as it was given. */
  readonly name: string;
  /** Absolute: what its file names start from. */
  readonly directory: string;
  readonly keys: readonly TakenKey[];
}

/** About what was asked for; others are about what happened. */
const codes: readonly ErrorCode[] = ['ERR_USAGE', 'ERR_INPUT_INVALID', 'ERR_REFERENCE_INVALID', 'ERR_UNSUPPORTED'];

/** The same error with the lines of the keys it is about, and with the names of their options as keys; any other error as it is. */
export function blameFile(error: unknown, taken: Taken): unknown {
  if (!isAirgapError(error) || !codes.includes(error.code) || error.origins.length > 0) return error;
  const meant = taken.keys.filter((key) => isMeant(key, { message: error.message, directory: taken.directory }));
  if (meant.length === 0) return error;
  const { code, message, cause, retryable } = error;
  const origins = meant.map(({ entry }) => `${taken.name}:${entry.line}`);
  const keys = meant.map(({ entry, option }) => `--${option} is ${entry.group}.${entry.key.name} there`);
  const hint = [error.hint, keys.join(', ')].filter((part) => part !== undefined).join('; ');
  return new AirgapError(code, message, { cause, retryable, origins: [...new Set(origins)], hint }).with(error);
}

/** The message names the option, or repeats a text of the key, as it stands there or as the path it means. */
function isMeant(
  { entry, option }: TakenKey,
  { message, directory }: { readonly message: string; readonly directory: string },
): boolean {
  if (new RegExp(`--(?:no-)?${option}(?![\\w-])`).test(message)) return true;
  const isFile = entry.key.meaning !== undefined;
  return entry.values.some(({ text }) =>
    [text, ...(isFile ? [resolve(directory, text)] : [])].some((shown) => message.includes(JSON.stringify(shown))),
  );
}
