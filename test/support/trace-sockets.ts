/**
 * Runs a program and records whom it contacts: every connection it tries and every name it looks up, its children's too. The kernel's
 * word for it (strace) where that can be had; else, for Node.js programs, a hook in the program itself.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../interop/support/programs.ts';
import { type Contact, contactsInStrace } from './strace-contacts.ts';

export type { Contact } from './strace-contacts.ts';

export interface TraceOptions {
  readonly cwd?: string;
  /** On top of the environment of the tests; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Then it is killed, and the status is null. Default 120 000. */
  readonly timeoutMs?: number;
  /** Default: strace where it is installed and allowed to trace, else the hook. */
  readonly by?: 'strace' | 'hook';
}

export interface TracedRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** In the order they were made. One may be told more than once. */
  readonly contacts: readonly Contact[];
  readonly by: 'strace' | 'hook';
}

const straceCalls = 'trace=connect,sendto,sendmsg,sendmmsg,openat';

/** Whether strace is here and may trace: containers often forbid it. */
export function canStrace(): boolean {
  return spawnSync('strace', ['-f', '-qq', '-e', straceCalls, '-o', '/dev/null', '--', 'true']).status === 0;
}

/**
 * Runs `command` to its end, whatever its exit status. Throws when nothing could be traced, so that no contact always means none: with
 * the hook, that is every program that is not Node.js.
 */
export async function tracedRun(
  command: string,
  args: readonly string[],
  options: TraceOptions = {},
): Promise<TracedRun> {
  const by = options.by ?? (canStrace() ? 'strace' : 'hook');
  const folder = await mkdtemp(join(tmpdir(), 'airgap-trace-'));
  const log = join(folder, 'log');
  try {
    const traced = by === 'strace' ? underStrace(log, [command, ...args]) : underHook(log, [command, ...args], options);
    const done = await run(traced.command, { ...options, env: { ...options.env, ...traced.env } });
    const text = await readFile(log, 'utf8').catch(() => '');
    if (text === '') throw new Error(`${command} could not be traced by ${by}\n${done.stderr}`);
    return { ...done, contacts: by === 'strace' ? contactsInStrace(text) : contactsInHook(text), by };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Traced {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** `-xx`: strings as hexadecimal numbers, as DNS questions are no text. Exits are left in the log, so that it is never empty. */
function underStrace(log: string, command: readonly string[]): Traced {
  return { command: ['strace', '-f', '-q', '-xx', '-s', '600', '-e', straceCalls, '-o', log, '--', ...command] };
}

function underHook(log: string, command: readonly string[], { env }: TraceOptions): Traced {
  const hook = fileURLToPath(new URL('./trace-sockets-hook.cjs', import.meta.url));
  const given = env !== undefined && 'NODE_OPTIONS' in env ? env.NODE_OPTIONS : process.env.NODE_OPTIONS;
  return { command, env: { NODE_OPTIONS: `${given ?? ''} --require="${hook}"`.trim(), AIRGAP_TRACE_SOCKETS: log } };
}

/** One JSON document per line; the first of each process says only that it runs. */
function contactsInHook(text: string): Contact[] {
  const lines = text.trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as Contact | { kind: 'started' })
    .filter((line) => line.kind !== 'started');
}
