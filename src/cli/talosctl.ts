/** The list that the talosctl on PATH prints: what is mirrored when nothing else is asked for. */
import { execFile } from 'node:child_process';
import { AirgapError } from '../errors.ts';
import { parseTalosctlVersion, talosctlListArguments } from '../talos/talosctl.ts';
import { printTalosVersion, type TalosVersion } from '../talos/version.ts';
import type { Context } from './context.ts';
import { withoutPasswords } from './settings-parts.ts';

export interface TalosctlList {
  readonly version: TalosVersion;
  /** The command that was run, for messages. */
  readonly command: string;
  readonly output: Uint8Array;
}

const defaultTimeoutMs = 20_000;

/** How a talosctl is run. */
export interface TalosctlProgram {
  /** A path, or a name that is looked for on PATH. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: where this program runs. */
  readonly cwd?: string;
  /** After so long it is killed. Default 20 000. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
}

/** Undefined when there is no talosctl on PATH. Throws ERR_INPUT_INVALID when there is one that fails. */
export async function listWithTalosctl({
  env,
  signal,
}: Pick<Context, 'env' | 'signal'>): Promise<TalosctlList | undefined> {
  return listWith({ path: 'talosctl', env: withoutPasswords(env), signal });
}

/** What this program prints as the images of its release. Undefined when it is not there, ERR_INPUT_INVALID when it fails. */
export async function listWith(program: TalosctlProgram): Promise<TalosctlList | undefined> {
  const versionOutput = await runTalosctl(['version', '--client'], program);
  if (versionOutput === undefined) return undefined;
  const version = parseTalosctlVersion(versionOutput.toString('utf8'));
  const args = talosctlListArguments(printTalosVersion(version));
  const output = await runTalosctl(args, program);
  return output === undefined ? undefined : { version, command: `talosctl ${args.join(' ')}`, output };
}

function runTalosctl(args: readonly string[], program: TalosctlProgram): Promise<Buffer | undefined> {
  const { timeoutMs = defaultTimeoutMs } = program;
  const options = {
    env: { ...program.env },
    ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
    signal: program.signal,
    timeout: timeoutMs,
    // A program that does not heed a polite signal would be waited for without end.
    killSignal: 'SIGKILL' as const,
    maxBuffer: 16 * 1024 * 1024,
    encoding: 'buffer' as const,
  };
  return new Promise((resolve, reject) => {
    execFile(program.path, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') resolve(undefined);
      else reject(failure(args, { error, stderr: stderr.toString('utf8'), timeoutMs }));
    });
  });
}

function failure(
  args: readonly string[],
  what: { readonly error: Error & { readonly killed?: boolean }; readonly stderr: string; readonly timeoutMs: number },
): AirgapError {
  const said = what.stderr.trim().split('\n')[0] ?? '';
  const state =
    what.error.killed === true
      ? `no answer in ${what.timeoutMs / 1000} s`
      : said === ''
        ? what.error.message.split('\n')[0]
        : said.slice(0, 300);
  return new AirgapError('ERR_INPUT_INVALID', `Cannot run "talosctl ${args.join(' ')}": ${state}`, {
    cause: what.error,
    hint: 'name the images yourself: a file, references, or --talos VERSION',
  });
}
