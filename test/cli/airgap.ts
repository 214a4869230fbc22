/** Runs a command line in this process, as the program would, in a folder of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { run } from '../../src/cli/program.ts';
import { KeptOutput } from './terminal.ts';

export interface RunOptions {
  /** What is piped in; undefined stands for a terminal. Default: an empty pipe. */
  readonly stdin?: string | Uint8Array | Readable | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Standard output is a terminal of this width. Default: it is none. */
  readonly columns?: number;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface WorkFolder {
  readonly path: string;
  file(name: string): string;
  read(name: string): string;
  write(name: string, text: string | Uint8Array): void;
  /** Without PATH and HOME of the machine: nothing found there takes part. */
  airgap(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  remove(): void;
}

export function workFolder(): WorkFolder {
  const path = mkdtempSync(join(tmpdir(), 'airgap-cli-'));
  const file = (name: string): string => join(path, name);
  return {
    path,
    file,
    read: (name) => readFileSync(file(name), 'utf8'),
    write: (name, text) => writeFileSync(file(name), text),
    airgap: (argv, options = {}) => runIn(path, { argv, options }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

async function runIn(
  cwd: string,
  { argv, options }: { readonly argv: readonly string[]; readonly options: RunOptions },
): Promise<Ran> {
  const [stdout, stderr] = [new KeptOutput(), new KeptOutput()];
  if (options.columns !== undefined) Object.assign(stdout, { isTTY: true, columns: options.columns });
  const status = await run(argv, {
    stdin: stdinOf(options.stdin),
    stdout,
    stderr,
    env: { HOME: cwd, PATH: join(cwd, 'bin'), ...options.env },
    cwd,
    signal: options.signal ?? new AbortController().signal,
    version: '1.2.3',
  });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

function stdinOf(given: RunOptions['stdin']): Readable & { readonly isTTY?: boolean } {
  if (given instanceof Readable) return given;
  if (given === null) return Object.assign(Readable.from([]), { isTTY: true });
  return Readable.from([Buffer.from(given ?? '')]);
}
