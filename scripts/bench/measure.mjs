/** Runs a command and says what it cost: seconds, processor seconds and memory, those of its children included. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Under GNU time, which asks the kernel when the command ends. `memory` is the largest resident set of any one process, in MB.
 * Gives `status` null when the command took longer than ten minutes.
 */
export async function measure({ command, env = {} }, folder) {
  const report = join(folder, 'cost');
  const started = performance.now();
  const child = spawn('/usr/bin/time', ['--quiet', '-f', '%U %S %M', '-o', report, ...command], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-2000);
    });
  }
  const limit = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), 600_000);
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  clearTimeout(limit);
  const wall = (performance.now() - started) / 1000;
  if (status === null) return { wall, cpu: Number.NaN, memory: Number.NaN, status, said };
  const [user, system, kilobytes] = readFileSync(report, 'utf8').trim().split('\n').at(-1).split(' ').map(Number);
  return { wall, cpu: user + system, memory: kilobytes / 1000, status, said };
}
