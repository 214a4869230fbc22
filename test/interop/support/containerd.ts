/** containerd started by hand, with nothing of its own outside one temporary folder, and `ctr` to pull through it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { output, type Run, run } from './programs.ts';

export interface Containerd {
  /** `ctr images pull` with hosts.toml files from this folder, and these options; names resolve to nothing but what those say. */
  pull(reference: string, hostsFolder: string, options?: readonly string[]): Promise<Run>;
  /** Runs `ctr` with these arguments; it has to succeed. Gives its output. */
  ctr(...args: readonly string[]): Promise<string>;
  /** Digests of everything it holds. */
  content(): Promise<string[]>;
  /** `NAME DIGEST` of each image. */
  images(): Promise<Map<string, string>>;
  /** Removes every image, so that the next pull asks for everything again. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

export async function startContainerd(): Promise<Containerd> {
  const folder = await mkdtemp(join(tmpdir(), 'airgap-containerd-'));
  const socket = join(folder, 'containerd.sock');
  const settings = [
    'version = 2',
    `root = "${join(folder, 'root')}"`,
    `state = "${join(folder, 'state')}"`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]',
    '[grpc]',
    `  address = "${socket}"`,
  ];
  await writeFile(join(folder, 'config.toml'), `${settings.join('\n')}\n`);
  const child = spawn('containerd', ['--config', join(folder, 'config.toml'), '--log-level', 'error'], {
    stdio: 'ignore',
  });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ctr = ['ctr', '--address', socket];
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (existsSync(socket) && (await run([...ctr, 'version'])).status === 0) break;
    if (child.exitCode !== null) throw new Error('containerd did not start');
    await wait(50);
  }
  return {
    pull: (reference, hostsFolder, options = []) =>
      run([...ctr, 'images', 'pull', '--snapshotter', 'native', '--hosts-dir', hostsFolder, ...options, reference], {
        // A proxy that refuses everything: what is not asked of the mirror on loopback cannot be reached.
        env: { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9', NO_PROXY: '127.0.0.1,localhost' },
        timeoutMs: 60_000,
      }),
    ctr: (...args) => output([...ctr, ...args]),
    content: async () => (await output([...ctr, 'content', 'ls', '--quiet'])).split('\n').filter((line) => line !== ''),
    images: async () => {
      const lines = (await output([...ctr, 'images', 'ls'])).split('\n').slice(1);
      return new Map(
        lines.filter((line) => line !== '').map((line) => [line.split(/\s+/)[0] ?? '', line.split(/\s+/)[2] ?? '']),
      );
    },
    forget: async () => {
      const names = (await output([...ctr, 'images', 'ls', '--quiet'])).split('\n').filter((name) => name !== '');
      if (names.length > 0) await output([...ctr, 'images', 'rm', '--sync', ...names]);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await Promise.race([gone, wait(5000)]);
      child.kill('SIGKILL');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
