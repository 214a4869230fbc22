/** Which of the outside programs are here, and running them. */
import { spawn, spawnSync } from 'node:child_process';

/** Program → the Debian package it comes in. */
const packages = {
  'docker-registry': 'docker-registry',
  skopeo: 'skopeo',
  containerd: 'containerd',
  ctr: 'containerd',
  openssl: 'openssl',
  chromium: 'chromium',
  ip: 'iproute2',
  nft: 'nftables',
  squid: 'squid-openssl',
  dnsmasq: 'dnsmasq-base',
  curl: 'curl',
  dig: 'dnsutils',
  ipset: 'ipset',
  iptables: 'iptables',
} as const;

export type Program = keyof typeof packages;

/** Where everything was installed, nothing is skipped: what is missing then shows as a failure (.ci/run). */
export const skipsNothing = process.env.AIRGAP_SKIP_NOTHING === '1';

/** One plain sentence about what is missing, or undefined when everything is here: made for `describe.skipIf` and its title. */
export function missing(...programs: readonly Program[]): string | undefined {
  if (skipsNothing) return undefined;
  const absent = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (absent.length === 0) return undefined;
  const names = [...new Set(absent.map((program) => packages[program]))];
  return `skipped because the Debian package ${names.join(' and ')} is not installed`;
}

/** A suite's title, with the reason when it is going to be skipped. */
export function titled(title: string, reason: string | undefined): string {
  return reason === undefined ? title : `${title} (${reason})`;
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** On top of the environment of the tests; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Default 120 000. */
  readonly timeoutMs?: number;
}

/** Runs a program to its end, whatever its exit status. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Run> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs a program that has to succeed; gives its standard output. */
export async function output(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.status !== 0) {
    throw new Error(`${command.join(' ')} ended with ${result.status}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}
